# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The operators of PyTorch: their registration, and layers in graphs."""

import moe_mlir
import moe_mlir.torch
import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx


@pytest.fixture(scope="module")
def x():
    return torch.randn(7, 64, generator=torch.Generator().manual_seed(1))


class Block(torch.nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        experts, weights = self.layer.route(x)
        return x + self.layer(x) * 2, experts, weights


@pytest.mark.parametrize("shape", [(7, 64), (2, 3, 64), (0, 64)])
@pytest.mark.parametrize("operator", ["layer", "route"])
def test_opcheck(layer, operator, shape):
    rows = torch.randn(shape)
    torch.library.opcheck(getattr(torch.ops.moe_mlir, operator).default, ([rows], layer.number))


def test_compile_without_a_break(layer, x):
    expected = Block(layer)(x)
    compiled = torch.compile(Block(layer), fullgraph=True, backend="aot_eager")
    for got, want in zip(compiled(x), expected, strict=True):
        assert torch.equal(got, want)
    half = x[:3]
    for got, want in zip(compiled(half), Block(layer)(half), strict=True):
        assert torch.equal(got, want)


@pytest.mark.full
def test_inductor(layer, x):
    compiled = torch.compile(Block(layer), fullgraph=True)
    for got, want in zip(compiled(x), Block(layer)(x), strict=True):
        assert torch.allclose(got, want)


def test_export_with_any_number_of_rows(layer, x):
    tokens = torch.export.Dim("tokens", min=1)
    program = torch.export.export(Block(layer), (x,), dynamic_shapes={"x": {0: tokens}}, strict=False)
    assert sum("moe_mlir" in str(node.target) for node in program.graph.nodes) == 2
    for rows in (x, x[:2]):
        for got, want in zip(program.module()(rows), Block(layer)(rows), strict=True):
            assert torch.equal(got, want)


def test_traced_and_transformed(layer, x):
    """Tracers and transformations see the operator, not what is inside of it."""
    graph = make_fx(layer, tracing_mode="symbolic")(x)
    assert any(node.target is torch.ops.moe_mlir.layer.default for node in graph.graph.nodes)
    assert torch.equal(graph(x[:3]), layer(x[:3]))
    batch = torch.stack([x, x + 1])
    assert torch.equal(torch.vmap(layer)(batch), layer(batch))
    assert torch.equal(torch.vmap(layer, in_dims=1)(batch.movedim(0, 1)), layer(batch))
    for got, want in zip(torch.vmap(layer.route)(batch), layer.route(batch), strict=True):
        assert torch.equal(got, want)
    with pytest.raises(RuntimeError, match="no derivatives"):
        torch.func.jvp(layer, (x,), (x,))


def test_no_backward(layer, x):
    y = layer(x.clone().requires_grad_())
    assert torch.equal(y, layer(x))
    with pytest.raises(RuntimeError, match="moe_mlir"):
        y.sum().backward()


def test_a_layer_that_is_gone(zoo, x):
    layer = moe_mlir.compile(zoo / "mixtral", layer=0)
    number = layer.number
    del layer
    with pytest.raises(RuntimeError, match=f"layer {number} is gone"):
        torch.ops.moe_mlir.layer([x], number)
