# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Checks of what a caller gives, before the compiler sees it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from moe_mlir._extension import _moe

FORMATS = {"float32": "f32", "bfloat16": "bf16", "float16": "f16"}
MAX_BLOCKS = 1024  # of a model, as the compiler has it


def format_name(dtype: Any) -> str | None:
    """A number format's name from that, or from a dtype of PyTorch or NumPy."""
    if dtype is None or isinstance(dtype, str):
        return FORMATS.get(dtype, dtype)
    name = dtype.__name__ if isinstance(dtype, type) else str(getattr(dtype, "name", dtype)).split(".")[-1]
    return FORMATS.get(name, name)


def check_target(target: str) -> None:
    if target != "cpu":
        raise _moe.CompileError(f"target: expected 'cpu', got '{target}'; no GPU code is generated yet")


def refuse(why: str, **arguments: Any) -> None:
    """A ValueError for an argument that would be ignored."""
    for name, value in arguments.items():
        if value is not None:
            raise ValueError(f"{name}: expected none, because {why}; got {value!r:.80}")


def check_weights(weights: Any, checkpoint: Any, random_weights: Any, packed: Any) -> None:
    if random_weights is not None and not (isinstance(random_weights, int) and 0 <= random_weights < 2**64):
        raise ValueError(f"random_weights: expected a seed from 0 to 2**64 - 1, got {random_weights!r:.80}")
    if weights is None:
        return
    if not isinstance(weights, Mapping):
        raise TypeError(f"weights: expected arrays by the names of a checkpoint's tensors, got {type(weights)}")
    refuse("weights are given", checkpoint=checkpoint, random_weights=random_weights, packed=packed)


def check_layer(layer: Any, name: str) -> None:
    number = isinstance(layer, int) and not isinstance(layer, bool) and 0 <= layer < MAX_BLOCKS
    if not (layer is None or number or (isinstance(layer, str) and layer == "all")):
        raise ValueError(f'{name}: layer: expected the number of a MoE block, or "all", got {layer!r:.80}')


def path_of(path: str | bytes | os.PathLike[Any]) -> str:
    """As the compiler takes it. Raises TypeError for what is no path, ValueError for one that cannot be."""
    path = os.fsdecode(path)
    if "\0" in path:
        raise ValueError(f"expected a path or the text of an .mlir, got one with a null character: {path!r:.80}")
    return path


def optional_path(path: Any) -> str | None:
    return None if path is None else path_of(path)
