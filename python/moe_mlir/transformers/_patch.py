# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Whole MoE blocks of a model, router and shared experts included, replaced by compiled layers.

The weights are found without a table of families: transformers can say under which names a module's parameters would be
saved, and moe-mlir's importer under which names a block's weights lie in a checkpoint.
"""

from __future__ import annotations

import json
import re
import tempfile
import types
import warnings
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import PreTrainedModel
from transformers.core_model_loading import revert_weight_conversion

from moe_mlir._arguments import format_name
from moe_mlir._arrays import contiguous
from moe_mlir._compile import load_layer, needed_names
from moe_mlir._description import Block, describe
from moe_mlir._extension import _moe
from moe_mlir._layer import Layer
from moe_mlir.transformers._experts import free_weights

PATCH = "_moe_mlir_patch"
ARGUMENTS = ("dtype:", "cpu:", "cpu=")  # what errors about the caller's own choices begin with
# How far a compiled block may be from the original on the rows it is tried on, as a share of the largest value.
TOLERANCE = {torch.float32: 1e-4, torch.bfloat16: 0.05, torch.float16: 0.02}
QUANTISED_TOLERANCE = 0.35


class CannotReplace(ValueError):
    """Why a block stays as it is."""


@dataclass(frozen=True)
class Options:
    dtype: str | None
    cpu: str
    free: bool
    check: bool


@dataclass
class Patch:
    """What takes the place of a block's forward."""

    layer: Layer
    extras: int | None  # how many things the block returns beside its output; None: it returns no tuple


def patch(model, *, dtype=None, cpu: str = "native", free: bool = False, check: bool = True) -> list[str]:
    """Replaces the MoE blocks of a model of transformers, on the CPU, by compiled ones; returns their names.

    dtype: a number format for the weights ("int8", "int4:g32", ...); left out, that of each block's own.
    free: gives back the memory of the original weights. The model can then run, but not be saved or trained.
    check: compares each compiled block with the original on a few random rows, and leaves one alone that differs.

    What cannot be replaced stays as it is and is named in one warning. A router that is part of a block no longer runs,
    so that `output_router_logits` has nothing to give. `unpatch` undoes this where nothing was freed.

    Raises TypeError for what is no model of transformers, CompileError for a `dtype` or `cpu` that is not known.
    """
    if not isinstance(model, PreTrainedModel):
        raise TypeError(f"expected a model of transformers, got {type(model)}; moe_mlir.compile takes other modules")
    options = Options(format_name(dtype), cpu, free, check)
    replaced, refused = [], {}
    name = type(model).__name__
    try:
        prefix, text_model = _text_part(model)
        name = prefix or name
        replaced = _patch_one(text_model, prefix, options, refused)
    except (_moe.Error, CannotReplace) as error:
        if str(error).startswith(ARGUMENTS):
            raise
        refused[name] = str(error)
    if refused:
        text = "; ".join(f"{name}: {why}" for name, why in refused.items())
        warnings.warn(f"moe_mlir.transformers.patch: not replaced: {text}", stacklevel=2)
    return replaced


def unpatch(model) -> None:
    """Gives every block its own forward back. Raises RuntimeError when its weights were freed."""
    for name, module in model.named_modules():
        if PATCH in module.__dict__:
            if any(parameter.numel() == 0 for parameter in module.parameters()):
                raise RuntimeError(f"{name}: its weights were freed; load the model again")
            del module.__dict__[PATCH], module.__dict__["forward"]


def _text_part(model):
    """The model itself; of one of several parts (vision and text), the part for text, which has a config of its own."""
    if not hasattr(model.config, "text_config"):
        return "", model
    text = model.config.get_text_config()
    for name, module in model.named_modules():
        if getattr(module, "config", None) is text and hasattr(module, "save_pretrained"):
            return name, module
    raise CannotReplace("no part of the model has the config for text")


def _patch_one(model, prefix, options, refused) -> list[str]:
    devices = {p.device.type for p in model.parameters()}
    if devices != {"cpu"}:
        raise CannotReplace(f"weights on {', '.join(sorted(devices))}; expected all on the CPU")
    formats = {p.dtype for n, p in model.named_parameters() if "norm" not in n and p.dim() >= 2}
    own = next((d for d in (torch.bfloat16, torch.float16, torch.float32) if d in formats), None)
    if own is None:
        raise CannotReplace(f"weights of {', '.join(map(str, formats))}; expected float32, bfloat16 or float16")
    with tempfile.TemporaryDirectory() as folder:
        model.config.save_pretrained(folder)
        _write_dtype(Path(folder) / "config.json", own)
        model_description = describe(Path(folder) / "config.json")
        source = _moe.Source(f"{folder}/config.json", dtype=options.dtype, cpu=options.cpu, random_weights=True)
        library = source.compile()
    indices = {library.describe(i)["block"]: i for i in range(library.num_layers)}
    replaced = []
    for block in model_description.blocks:
        index = indices[block.index]
        path = f"moe{block.index}"
        try:
            path, weights = _find_block(model, block, needed_names(library, index))
            layer = load_layer(library, index, weights, {})
            tolerance = TOLERANCE[own] if options.dtype in (None, format_name(own)) else QUANTISED_TOLERANCE
            _replace(model.get_submodule(path), layer, own, tolerance if options.check else None)
        except (CannotReplace, _moe.Error) as error:
            refused[f"{prefix}.{path}" if prefix else path] = str(error)
            continue
        if options.free:
            free_weights(model.get_submodule(path), model.get_submodule(path).parameters())
        replaced.append(f"{prefix}.{path}" if prefix else path)
    return replaced


def _write_dtype(config: Path, dtype: torch.dtype) -> None:
    """The format that the model is in, which need not be the one that it was saved in."""
    fields = json.loads(config.read_text())
    fields.pop("torch_dtype", None)
    fields["dtype"] = str(dtype).removeprefix("torch.")
    config.write_text(json.dumps(fields))


def _find_block(model, block: Block, needed: list[str]):
    """The smallest module of the block's layer whose parameters, under the names that they would be saved by, have all
    weights of the block; and these weights."""
    candidates = [name for name, _ in model.named_modules() if _layer_of(name) == block.layer]
    tensors = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    for candidate in sorted(candidates, key=lambda name: -name.count(".")):
        own = {name: t for name, t in tensors.items() if name.startswith(candidate + ".")}
        if not own or _saved(model, {n: t.to("meta") for n, t in own.items()}, needed) is None:
            continue
        found = _saved(model, {name: t.detach() for name, t in own.items()}, needed)
        return candidate, {name: contiguous(tensor) for name, tensor in found.items()}
    raise CannotReplace(f"no module of layer {block.layer} has {needed[0]} and the {len(needed) - 1} other tensors")


def _layer_of(name: str) -> int | None:
    """7 of "model.layers.7.mlp": the first number in a module's name."""
    number = re.search(r"(?:^|\.)(\d+)(?:\.|$)", name)
    return int(number[1]) if number else None


def _saved(model, tensors, needed):
    """The needed tensors under their names in a checkpoint, or None if one is not there."""
    try:
        saved = revert_weight_conversion(model, tensors)
    except Exception:  # noqa: BLE001  (part of a conversion's tensors, which is not how it is meant)
        return None
    prefix = (model.base_model_prefix or "model") + "."
    found = {}
    for name in needed:
        tensor = saved.get(name, saved.get(name.removeprefix(prefix)))
        if tensor is None:
            return None
        found[name] = tensor
    return found


def _replace(module, layer: Layer, dtype: torch.dtype, tolerance) -> None:
    x = torch.randn(1, 5, layer.model_width, generator=torch.Generator().manual_seed(0)).to(dtype)
    with torch.no_grad():
        original = module(x)
        extras, output = None, original
        if isinstance(original, tuple):
            output, extras = original[0], len(original) - 1
        if tolerance is not None:
            difference = (layer(x).float() - output.reshape(x.shape).float()).abs().max(dim=-1).values
            limit = tolerance * output.float().abs().max()
            # In formats of 16 bits a row may go to another expert where two are nearly equal.
            allowed = 0 if dtype == torch.float32 else 1
            if (difference > limit).sum() > allowed or not difference.isfinite().all():
                raise CannotReplace(
                    f"the compiled block is {difference.max() / output.float().abs().max():.2g} of the largest value "
                    "from the original; please report this"
                )
    module.__dict__[PATCH] = Patch(layer, extras)
    module.__dict__["forward"] = types.MethodType(_forward, module)


def _forward(self, hidden_states, *_, **__):
    """What a replaced block does. What a router would say beside the output is None."""
    patched = self.__dict__[PATCH]
    output = patched.layer(hidden_states)
    return output if patched.extras is None else (output, *[None] * patched.extras)
