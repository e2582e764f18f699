# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A compiled layer with its weights."""

from __future__ import annotations

import itertools
import sys
import weakref
from dataclasses import dataclass
from typing import Any

from moe_mlir._arrays import NAMES, DlpackAdapter, TorchAdapter, adapter_of
from moe_mlir._extension import _moe

# Operators of PyTorch name a layer by a number.
_numbers = itertools.count(1)
by_number: weakref.WeakValueDictionary[int, Layer] = weakref.WeakValueDictionary()


@dataclass(frozen=True)
class Operand:
    """An input or output of a layer."""

    name: str
    shape: tuple[int, ...]  # -1 is the number of tokens
    dtype: str  # "float32", "bfloat16", "float16" or "int32"


class Layer:
    """One MoE block as a function of rows: `y = layer(x)`.

    Made by `moe_mlir.compile` and `moe_mlir.load`. `x` is an array of any library with DLPack, [..., D] in the layer's
    format, and is read where it is; `y` is of the same library and shape. The GIL is released meanwhile, and any
    number of threads may call one layer at once. There is no backward pass.

    Attributes: `name` ("moe<N>"), `block` (N, among the model's MoE blocks), `experts` (E), `top_k` (K), `model_width`
    (D), `expert_width` (F), `inputs` and `outputs` (of `Operand`), `level` (the machine level that was chosen),
    `packed` (what came of the file of packed weights: "none" was asked for, "mapped", "written" or "replaced").
    """

    def __init__(self, library: Any, index: int, handle: Any, source: Any = None):
        info = library.describe(index)
        self.name: str = info["name"]
        self.block: int = info["block"]
        self.experts: int = info["experts"]
        self.top_k: int = info["top_k"]
        self.model_width: int = info["model_width"]
        self.expert_width: int = info["expert_width"]
        self.inputs = tuple(Operand(name, shape, NAMES[code]) for name, shape, code in info["inputs"])
        self.outputs = tuple(Operand(name, shape, NAMES[code]) for name, shape, code in info["outputs"])
        self.level: str = handle.level
        self.packed: str = ("none", "mapped", "written", "replaced")[handle.packed]
        self.number = next(_numbers)
        self._library, self._index, self._handle, self._source = library, index, handle, source
        self._specs = [(name, code, shape[-1]) for name, shape, code in info["inputs"]]
        self._results = [(shape, code) for _, shape, code in info["outputs"]]
        self._first = (info["inputs"][0][2], info["inputs"][0][1][-1])
        self._out_width = info["outputs"][0][1][-1]
        self._plain = len(self.inputs) == 1 and len(info["outputs"][0][1]) == 2
        by_number[self.number] = self

    @property
    def dtype(self) -> str:
        """The format of the rows: "float32", "bfloat16" or "float16"."""
        return self.inputs[0].dtype

    def __repr__(self) -> str:
        return (
            f"<moe_mlir.Layer {self.name}: E={self.experts} K={self.top_k} D={self.model_width} "
            f"F={self.expert_width} {self.dtype} for {self.level}>"
        )

    def __copy__(self) -> Layer:
        return self

    def __deepcopy__(self, memo: dict) -> Layer:
        """A layer does not change, so that a copy of a model shares it."""
        return self

    def __reduce__(self):
        raise TypeError(f"{self.name}: it lives in its process and cannot be pickled; compile or load it again there")

    def __call__(self, *inputs: Any) -> Any:
        """The layer's output for rows [..., D]; one array for each of the layer's inputs.

        Raises TypeError for arrays of another dtype or of a device, ValueError for another width.
        """
        torch = sys.modules.get("torch")
        if torch is not None and inputs and isinstance(inputs[0], torch.Tensor) and needs_operator(torch, inputs):
            return torch_operator().layer(list(inputs), self.number)
        return self.compute(*inputs)

    def compute(self, *inputs: Any) -> Any:
        """What a call does where no graph of PyTorch is made."""
        if len(inputs) != len(self._specs):
            raise TypeError(f"{self.name}: expected {len(self._specs)} inputs, got {len(inputs)}")
        x = inputs[0]
        adapter = adapter_of(x)
        rows = adapter.rows(x)
        if self._plain and (rows[4], rows[2]) == self._first and self._out_width == rows[2]:
            if type(adapter) is TorchAdapter:
                out = adapter.torch.empty_like(x, memory_format=adapter.torch.contiguous_format)
                self._handle.run_rows(rows[0], rows[1], rows[3], out.data_ptr())
                return out
            out, place = adapter.empty(x, x.shape, rows[4])
            self._handle.run_rows(rows[0], rows[1], rows[3], place[0])
            return adapter.finish(x, out) if type(adapter) is DlpackAdapter else out
        return self._run(inputs, (0,))[0]

    def run(self, *inputs: Any) -> dict[str, Any]:
        """All outputs by name: "output", and where the layer has them "logits" [T, E], "experts" and "weights"
        [T, K], best expert first."""
        results = self._run(inputs, range(len(self.outputs)))
        return {operand.name: result for operand, result in zip(self.outputs, results, strict=True)}

    def route(self, *inputs: Any) -> tuple[Any, Any]:
        """The experts [..., K] (int32) that each row goes to, best first, and their weights [..., K].

        Raises ValueError when the layer does not give them (a layer of routings made outside).
        """
        torch = sys.modules.get("torch")
        if torch is not None and inputs and isinstance(inputs[0], torch.Tensor) and needs_operator(torch, inputs):
            return torch_operator().route(list(inputs), self.number)
        return self.compute_route(*inputs)

    def compute_route(self, *inputs: Any) -> tuple[Any, Any]:
        """What `route` does where no graph of PyTorch is made."""
        names = [operand.name for operand in self.outputs]
        if "experts" not in names or "weights" not in names:
            raise ValueError(f"{self.name}: expected outputs 'experts' and 'weights', got {', '.join(names)}")
        experts, weights = self._run(inputs, (names.index("experts"), names.index("weights")))
        return experts, weights

    def _run(self, inputs, wanted):
        if len(inputs) != len(self._specs):
            raise TypeError(f"{self.name}: expected {len(self._specs)} inputs, got {len(inputs)}")
        x = inputs[0]
        adapter = adapter_of(x)
        rows = []
        for array, (name, code, width) in zip(inputs, self._specs, strict=True):
            of = (adapter if array is x else adapter_of(array)).rows(array)
            if of[4] != code and not (code == _moe.I32 and of[4] == _moe.I64):
                raise TypeError(
                    f"{self.name}: {name}: expected {NAMES[code]}, got {NAMES[of[4]]}; convert the rows, or compile "
                    "with another dtype"
                )
            if of[2] != width:
                raise ValueError(f"{self.name}: {name}: expected rows of {width} elements, got {of[2]}")
            rows.append(of)
        places, results = [None] * len(self.outputs), []
        leading = tuple(x.shape[:-1])
        for index in wanted:
            shape, code = self._results[index]
            out, place = adapter.empty(x, (leading if shape[0] == -1 else shape[:1]) + shape[1:], code)
            if len(shape) == 1:
                place = (place[0], rows[0][1] if shape[0] == -1 else shape[0], 1, 1, code)
            places[index] = place
            results.append(out)
        self._handle.run(rows, places, self.experts or sys.maxsize)
        return [adapter.finish(x, out) for out in results] if type(adapter) is DlpackAdapter else results

    def ir(self, stage: str = "model") -> str:
        """The layer as MLIR at a stage: "model", "grouped", "linalg", "kernel" or "target".

        Compiles again up to the stage. Raises CompileError for another name, ValueError for a layer from a library.
        """
        if self._source is None:
            raise ValueError(f"{self.name}: a compiled library has no IR; compile the model to see it")
        return self._source.ir(stage)

    def report(self) -> str:
        """What the layer costs, and what each pass did or declined and why, a line each. A layer from a library has the
        first part only."""
        return self._library.report

    def source_names(self) -> list[tuple[str, int]]:
        """The checkpoint tensors that the layer is made of: (name, how many experts "{e}" in it stands for)."""
        return self._library.sources(self._index)


def needs_operator(torch, inputs) -> bool:
    """Whether a call must be seen by PyTorch: in a graph that is being made, under a transformation such as vmap, or
    where a gradient is wanted."""
    if torch.compiler.is_compiling() or torch.jit.is_tracing():
        return True
    if torch.autograd.forward_ad._current_level >= 0:
        refuse_tangents(torch, inputs)
    if torch._C._len_torch_dispatch_stack() or torch._C._functorch.peek_interpreter_stack() is not None:
        return True
    if torch.is_grad_enabled():
        for x in inputs:
            if isinstance(x, torch.Tensor) and x.requires_grad:
                return True
    return False


def refuse_tangents(torch, inputs) -> None:
    for x in inputs:
        if isinstance(x, torch.Tensor) and torch.autograd.forward_ad.unpack_dual(x).tangent is not None:
            raise RuntimeError("moe_mlir: a layer has no derivatives, and its input has a tangent")


def torch_operator():
    """The operators of PyTorch, registered when they are first needed."""
    import torch

    import moe_mlir.torch  # noqa: F401

    return torch.ops.moe_mlir
