# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""MoE layers of transformers run by moe-mlir.

Importing this registers the experts implementation "moe_mlir":

    import moe_mlir.transformers
    model = AutoModelForCausalLM.from_pretrained(folder, experts_implementation="moe_mlir")

which runs the experts of every family that goes through transformers' interface. `patch(model)` replaces whole blocks,
the router among them, of every family that moe-mlir knows, be it behind that interface or not.
"""

from transformers.integrations.moe import ALL_EXPERTS_FUNCTIONS

from moe_mlir.transformers._experts import NAME, moe_mlir_experts, prepare
from moe_mlir.transformers._patch import patch, unpatch
from moe_mlir.transformers._silent import warn_where_ignored

ALL_EXPERTS_FUNCTIONS.register(NAME, moe_mlir_experts)
warn_where_ignored(NAME)

__all__ = ["NAME", "moe_mlir_experts", "patch", "prepare", "unpatch"]
