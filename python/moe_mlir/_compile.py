# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""From a model, IR or a compiled library to layers."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import Any, Literal, overload

from moe_mlir._arguments import (
    check_layer,
    check_target,
    check_weights,
    format_name,
    optional_path,
    path_of,
    refuse,
)
from moe_mlir._arrays import contiguous
from moe_mlir._extension import _moe
from moe_mlir._layer import Layer
from moe_mlir._threads import get_pool

Progress = Callable[[int, int], object]
TEXT_NAME = "<ir>"


@overload
def compile(  # noqa: A001
    input: Any,  # noqa: A002
    *,
    layer: int | None = None,
    target: str = "cpu",
    dtype: Any = None,
    cpu: str = "native",
    checkpoint: str | os.PathLike[str] | None = None,
    weights: Mapping[str, Any] | None = None,
    random_weights: int | None = None,
    packed: str | os.PathLike[str] | None = None,
    reference: bool = False,
    example: Any = None,
    progress: Progress | None = None,
) -> Layer: ...


@overload
def compile(input: Any, *, layer: Literal["all"], **options: Any) -> list[Layer]: ...  # noqa: A001, A002


def compile(  # noqa: A001
    input: Any,  # noqa: A002
    *,
    layer: int | str | None = None,
    target: str = "cpu",
    dtype: Any = None,
    cpu: str = "native",
    checkpoint: str | os.PathLike[str] | None = None,
    weights: Mapping[str, Any] | None = None,
    random_weights: int | None = None,
    packed: str | os.PathLike[str] | None = None,
    reference: bool = False,
    example: Any = None,
    progress: Progress | None = None,
) -> Any:
    """Compiles a MoE block for this process and loads its weights; returns a `Layer`.

    input: a Hugging Face checkpoint folder, its config.json, an .mlir file, the text of one (a string with a line
        break), or a `torch.nn.Module` (see moe_mlir.torch_modules for what is understood).
    layer: which MoE block, counted without the model's dense layers; may be left out when there is one. "all" gives a
        list of all of them, compiled together.
    dtype: the number format of the weights: "f32", "bf16", "f16", "int8", "int4:g32", ... or a dtype of PyTorch or
        NumPy. Left out, the checkpoint's.
    cpu: "native", a machine level ("x86-64-v3") or the name of a CPU.
    checkpoint: where the weights are, when they are not beside the config or named by the IR.
    weights: the weights themselves, by the names that a checkpoint would have; packed into memory of their own, so
        that they are given without `checkpoint`, `random_weights` and `packed`.
    random_weights: a seed for random weights instead.
    packed: a file of packed weights, mapped when it is there and written when it is not.
    reference: the naive lowering, to compare with.
    example: for a module, rows like those it will get, [T, D]; left out, 6 rows as wide as its first
        linear layer takes.
    progress: a function of (bytes packed, bytes in all), called while a layer's weights are loaded, from any thread.
        What it raises ends the call, once that layer is packed.

    Raises CompileError with the compiler's diagnostic, Error when weights cannot be loaded, ValueError for a layer that
    is not there.
    """
    check_target(target)
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(input, torch.nn.Module):
        from moe_mlir.torch_modules import compile_module

        refuse(
            "a module has its weights and is one block",
            layer=layer,
            checkpoint=checkpoint,
            weights=weights,
            random_weights=random_weights,
            packed=packed,
        )
        return compile_module(
            input, dtype=format_name(dtype), cpu=cpu, example=example, reference=reference, progress=progress
        )
    refuse("it is for a torch.nn.Module", example=example)
    check_weights(weights, checkpoint, random_weights, packed)
    path = path_of(input)
    text = path if "\n" in path else None
    check_layer(layer, TEXT_NAME if text else path)
    options = {
        "input": TEXT_NAME if text else path,
        "text": text,
        "dtype": format_name(dtype),
        "checkpoint": optional_path(checkpoint),
        "cpu": cpu,
        "random_weights": random_weights is not None or weights is not None,
        "reference": reference,
    }
    chosen = str(layer) if isinstance(layer, int) else None
    library = _moe.Source(layers=chosen, **options).compile()
    load = load_options(options["checkpoint"], random_weights, packed, progress)

    def loaded(index):
        block = library.describe(index)["block"]
        return load_layer(library, index, weights, load, _moe.Source(layers=str(block), **options))

    return choose(library, layer, options["input"], loaded)


@overload
def load(
    path: str | os.PathLike[str],
    *,
    layer: int | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    weights: Mapping[str, Any] | None = None,
    random_weights: int | None = None,
    packed: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Layer: ...


@overload
def load(path: str | os.PathLike[str], *, layer: Literal["all"], **options: Any) -> list[Layer]: ...


def load(
    path: str | os.PathLike[str],
    *,
    layer: int | str | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    weights: Mapping[str, Any] | None = None,
    random_weights: int | None = None,
    packed: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Any:
    """Opens a library that moe-compile (or `write_library`) wrote and loads a layer's weights; returns a `Layer`.

    The arguments are those of `compile`. Raises Error when the file is no such library, is of another version, has no
    code for this machine, or the weights cannot be loaded.
    """
    check_weights(weights, checkpoint, random_weights, packed)
    path = path_of(path)
    check_layer(layer, path)
    library = _moe.Library.open(path)
    options = load_options(checkpoint, random_weights, packed, progress)
    return choose(library, layer, path, lambda index: load_layer(library, index, weights, options))


def write_library(
    input: str | os.PathLike[str],  # noqa: A002
    output: str | os.PathLike[str],
    *,
    layers: str | None = None,
    dtype: Any = None,
    cpu: str = "native",
    checkpoint: str | os.PathLike[str] | None = None,
    random_weights: bool = False,
) -> None:
    """Compiles to a shared library and the header beside it, as `moe-compile` does; needs the linker of LLVM 22.

    layers: which MoE blocks, as "0,3-5"; left out, all. Raises CompileError.
    """
    path = path_of(input)
    text = path if "\n" in path else None
    source = _moe.Source(
        TEXT_NAME if text else path,
        text,
        dtype=format_name(dtype),
        layers=layers,
        checkpoint=optional_path(checkpoint),
        cpu=cpu,
        random_weights=random_weights,
    )
    source.write("shared", path_of(output))


def load_options(checkpoint, seed, packed, progress) -> dict[str, Any]:
    return {
        "checkpoint": optional_path(checkpoint),
        "packed": optional_path(packed),
        "seed": seed,
        "progress": progress,
    }


def load_layer(library, index, weights, options, source=None) -> Layer:
    """One layer of a library with weights in memory, or as the options say."""
    if weights is None:
        handle = library.load(index, get_pool(), **options)
    else:
        needed = needed_names(library, index)
        given = {name: contiguous(weights[name]) for name in needed if name in weights}
        handle = library.load_tensors(index, get_pool(), given, options.get("progress"))
    return Layer(library, index, handle, source)


def needed_names(library, index) -> list[str]:
    """The tensors that a layer of a library is made of, each expert's by its own name."""
    names = []
    for name, experts in library.sources(index):
        names += [name.replace("{e}", str(e)) for e in range(experts)] if "{e}" in name else [name]
    return list(dict.fromkeys(names))


def choose(library, layer, name, loaded) -> Any:
    """The layer of a block, or all."""
    blocks = [library.describe(index)["block"] for index in range(library.num_layers)]
    if layer == "all":
        return [loaded(index) for index in range(len(blocks))]
    if layer is None and len(blocks) == 1:
        return loaded(0)
    if layer not in blocks:
        got = "none" if layer is None else repr(layer)
        raise ValueError(f"{name}: layer: expected one of {', '.join(map(str, blocks))}, got {got}")
    return loaded(blocks.index(layer))
