# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a model description says about its MoE blocks."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass

from moe_mlir._arguments import path_of
from moe_mlir._extension import _moe


@dataclass(frozen=True)
class Weight:
    """A logical weight of a block and the tensors that hold it."""

    role: str  # "router", "gate", "up", "down", ...
    source: str  # a tensor's name; "{e}" stands for the expert
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Block:
    """One MoE block."""

    index: int  # among the MoE blocks
    layer: int  # among all layers of the model
    experts: int
    top_k: int
    model_width: int
    expert_width: int
    weights: tuple[Weight, ...]


@dataclass(frozen=True)
class Description:
    """The MoE blocks of a model. `str()` of it says in words what was understood."""

    model_type: str
    dtype: str
    layers: int
    blocks: tuple[Block, ...]
    text: str

    def __str__(self) -> str:
        return self.text


def describe(path: str | os.PathLike[str]) -> Description:
    """Reads a Hugging Face checkpoint folder or its config.json, and checks the weights where they are there.

    Raises CompileError, with one line that says what is wrong, for a model that is not supported or a bad file.
    """
    path = path_of(path)
    fields = json.loads(_moe.describe(path, json=True))
    for block in fields["blocks"]:
        weights = [weight | {"shape": tuple(weight["shape"])} for weight in block["weights"]]
        block["weights"] = tuple(Weight(**weight) for weight in weights)
    fields["blocks"] = tuple(Block(**block) for block in fields["blocks"])
    return Description(**fields, text=_moe.describe(path))


def list_architectures() -> str:
    """The model families that can be compiled, a line each."""
    return _moe.list_architectures()
