# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Operators of PyTorch, so that layers can be in a graph of torch.compile and torch.export.

`moe_mlir::layer(inputs, layer)` and `moe_mlir::route(inputs, layer)` name a layer by `Layer.number`, which holds within
the process: the layer must live as long as the graph. They have no backward pass, and say so when one is asked for.
"""

from __future__ import annotations

import torch

from moe_mlir._layer import Layer, by_number


def layer_of(number: int) -> Layer:
    layer = by_number.get(number)
    if layer is None:
        raise RuntimeError(
            f"moe_mlir: layer {number} is gone; keep the Layer as long as the graph that was made with it"
        )
    return layer


@torch.library.custom_op("moe_mlir::layer", mutates_args=())
def layer(inputs: list[torch.Tensor], layer: int) -> torch.Tensor:
    """The layer's output for its inputs."""
    return layer_of(layer).compute(*inputs)


@layer.register_fake
def _(inputs: list[torch.Tensor], layer: int) -> torch.Tensor:
    return _fake(inputs[0], layer_of(layer).outputs[0])


@torch.library.custom_op("moe_mlir::route", mutates_args=())
def route(inputs: list[torch.Tensor], layer: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The experts that each row goes to, best first, and their weights."""
    return layer_of(layer).compute_route(*inputs)


@route.register_fake
def _(inputs: list[torch.Tensor], layer: int) -> tuple[torch.Tensor, torch.Tensor]:
    outputs = {operand.name: operand for operand in layer_of(layer).outputs}
    return _fake(inputs[0], outputs["experts"]), _fake(inputs[0], outputs["weights"])


@torch.library.register_vmap("moe_mlir::layer")
def _(info, dims, inputs: list[torch.Tensor], layer: int):
    return torch.ops.moe_mlir.layer(_batched(info, dims, inputs), layer), 0


@torch.library.register_vmap("moe_mlir::route")
def _(info, dims, inputs: list[torch.Tensor], layer: int):
    return torch.ops.moe_mlir.route(_batched(info, dims, inputs), layer), (0, 0)


def _batched(info, dims, inputs):
    """Inputs with the batch as one more leading dimension, which a layer takes as it is."""
    pairs = zip(inputs, dims[0], strict=True)
    return [
        (x.expand(info.batch_size, *x.shape) if dim is None else x.movedim(dim, 0)).contiguous() for x, dim in pairs
    ]


def _fake(x, operand):
    return x.new_empty((*x.shape[:-1], operand.shape[-1]), dtype=getattr(torch, operand.dtype))
