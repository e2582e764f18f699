# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Plain PyTorch blocks with experts, compiled by way of torch.export.

What is understood:

* the router: a linear layer (or other row-wise code), softmax or sigmoid before or after `topk`, division by the sum of
  the chosen, multiplication by a number; or a softmax without top-k;
* the experts: linear layers, biases and elementwise functions of the rows that the block was given, as
  - a loop over a ModuleList with `where(ids == e)` or `nonzero` and `index_add_` or `out[rows] += ...`, or with masks,
  - stacked parameters gathered by the chosen ids, `W[ids]`, and einsum or matmul,
  - stacked parameters, or a stack of all experts' outputs, for all rows, times weights [T, E] (scatter, one_hot, or the
    softmax itself);
* their sum over the chosen experts or over all, and what is added to it: shared experts, a residual.

Anything else raises CompileError, which names the graph's node that was not understood.
"""

from __future__ import annotations

import contextlib
import threading

import torch

from moe_mlir._compile import load_layer
from moe_mlir._extension import _moe
from moe_mlir._graph_reader import GraphReader
from moe_mlir._layer import Layer
from moe_mlir._module_ir import ModuleWriter
from moe_mlir._scalars import NotUnderstood

FORMATS = {torch.float32: "f32", torch.bfloat16: "bf16", torch.float16: "f16"}
_exporting = threading.Lock()  # torch.export changes classes while it traces, and is for one thread at a time


@contextlib.contextmanager
def evaluating(module):
    """Without dropout and the like, whatever the module is set to."""
    training = [each for each in module.modules() if each.training]
    module.eval()
    try:
        yield
    finally:
        for each in training:
            each.training = True


def module_ir(module: torch.nn.Module, *, dtype: str | None = None, example=None) -> tuple[str, dict]:
    """The `moe` IR of a module and its weights by the names in the IR.

    example: rows that the module takes, [T, D] or [B, S, D]; left out, 6 rows as wide as its first linear layer
        takes.

    Raises CompileError when the module is not understood.
    """
    name = type(module).__name__
    parameters = dict(module.named_parameters())
    matrices = [p for p in parameters.values() if p.dim() >= 2]
    if not matrices:
        raise _moe.CompileError(f"{name}: expected a module with matrices, got none")
    if example is None:
        first = next((m.weight for m in module.modules() if isinstance(m, torch.nn.Linear)), matrices[0])
        example = torch.zeros(6, first.shape[-1], dtype=first.dtype)
    dtype = dtype or FORMATS.get(example.dtype)
    if dtype not in FORMATS.values():
        raise _moe.CompileError(f"{name}: dtype: expected f32, bf16 or f16 for a module, got {dtype}")
    try:
        with _exporting, evaluating(module):
            program = torch.export.export(module, (example,), strict=False)
    except Exception as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        hint = ""
        if "data-dependent" in first:
            hint = "; a test of how many rows an expert gets cannot be exported, and is not needed: leave it out"
        raise _moe.CompileError(
            f"{name}: torch.export does not take the module with rows {list(example.shape)} (example=): {first}{hint}"
        ) from error
    signature = program.graph_signature
    tensors = program.state_dict | dict(program.constants)
    names = signature.inputs_to_parameters | signature.inputs_to_buffers | signature.inputs_to_lifted_tensor_constants
    weights = {placeholder: tensors[target].detach() for placeholder, target in names.items() if target in tensors}
    try:
        writer = ModuleWriter(GraphReader(program, weights, example.shape[-1]).read(), dtype)
    except NotUnderstood as error:
        raise _moe.CompileError(f"{name}: not understood: {error}") from None
    return writer.ir, writer.weights


# How far the compiled block may be from the module on random rows, as a share of the largest value.
TOLERANCE = {"f32": 1e-4, "bf16": 0.05, "f16": 0.02}


def compile_module(module, *, dtype=None, cpu="native", example=None, reference=False, progress=None) -> Layer:
    """See `moe_mlir.compile`. The weights are packed, and changes of the module's later on are not seen. The result is
    tried on random rows beside the module before it is given away."""
    ir, weights = module_ir(module, dtype=dtype, example=example)
    source = _moe.Source(type(module).__name__, ir, cpu=cpu, random_weights=True, reference=reference)
    layer = load_layer(source.compile(), 0, weights, {"progress": progress}, source)
    _try(module, layer, example)
    return layer


def _try(module, layer, example) -> None:
    kind = next(p.dtype for p in module.parameters() if p.dim() >= 2)
    shape = (6, layer.inputs[0].shape[-1]) if example is None else example.shape
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(kind)
    with torch.no_grad(), evaluating(module):
        expected = module(x).float()
    difference = (layer(x.to(getattr(torch, layer.dtype))).float() - expected).abs().amax(-1) / expected.abs().max()
    tolerance = max(TOLERANCE[FORMATS[kind]], TOLERANCE[FORMATS[getattr(torch, layer.dtype)]])
    # In formats of 16 bits a row may go to another expert where two are nearly equal.
    if (difference > tolerance).sum() > (0 if tolerance <= TOLERANCE["f32"] else 1):
        raise _moe.CompileError(
            f"{type(module).__name__}: the compiled block is {difference.max():.2g} of the largest value from the "
            "module; please report this with the module"
        )
