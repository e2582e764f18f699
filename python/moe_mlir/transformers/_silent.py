# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A warning where transformers accepts an experts implementation and then ignores it.

Some families (dbrx, llama4, switch_transformers and others) do not go through the experts interface. The setting is
taken all the same, so that a user would believe that their experts run compiled.
"""

from __future__ import annotations

import functools
import warnings

from transformers import PreTrainedModel

from moe_mlir._extension import _moe


@functools.cache
def _families() -> frozenset[str]:
    return frozenset(line.split()[0] for line in _moe.list_architectures().splitlines() if line.strip())


def has_experts(config) -> bool:
    """Whether a config counts experts, whatever it calls them."""
    counts = [value for name, value in vars(config).items() if "expert" in name or name.startswith("moe")]
    return config.model_type in _families() or any(isinstance(count, int) and count > 1 for count in counts)


def what_helps(config) -> str:
    if config.model_type in _families():
        return "use moe_mlir.transformers.patch(model)"
    return f"moe_mlir.transformers.patch does not know {config.model_type} either"


def warn_where_ignored(name: str) -> None:
    """From now on, a model that is asked for the implementation `name` and ignores it says so."""
    original = PreTrainedModel._check_and_adjust_experts_implementation
    if getattr(original, "_moe_mlir", False):
        return

    @functools.wraps(original)
    def check(self, experts_implementation):
        if experts_implementation == name and not self._can_set_experts_implementation() and has_experts(self.config):
            warnings.warn(
                f"moe_mlir: {type(self).__name__} does not go through transformers' experts interface, so that "
                f'experts_implementation="{name}" changes nothing; {what_helps(self.config)}',
                stacklevel=2,
            )
        return original(self, experts_implementation)

    check._moe_mlir = True
    PreTrainedModel._check_and_adjust_experts_implementation = check
