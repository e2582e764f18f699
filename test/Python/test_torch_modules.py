# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Blocks that a user of PyTorch would write, compiled and compared with themselves."""

import moe_mlir
import pytest
import torch
import torch.nn.functional as F
from moe_mlir.torch_modules import module_ir
from torch import nn

E, K, D, H = 6, 2, 20, 13


def swiglu(gate, up, down, x):
    return down(F.silu(gate(x)) * up(x))


class Expert(nn.Module):
    def __init__(self, bias=False):
        super().__init__()
        self.gate, self.up = nn.Linear(D, H, bias=bias), nn.Linear(D, H, bias=bias)
        self.down = nn.Linear(H, D, bias=bias)

    def forward(self, x):
        return swiglu(self.gate, self.up, self.down, x)


class Router(nn.Module):
    """Softmax over all, the best, renormalised."""

    def __init__(self):
        super().__init__()
        self.gate = nn.Linear(D, E, bias=False)

    def forward(self, x):
        weights, ids = torch.topk(F.softmax(self.gate(x), dim=-1), K, dim=-1)
        return weights / weights.sum(dim=-1, keepdim=True), ids


class Loop(nn.Module):
    """where and index_add_, over batches of sequences."""

    def __init__(self, expert=Expert):
        super().__init__()
        self.router = Router()
        self.experts = nn.ModuleList(expert() for _ in range(E))

    def forward(self, x):
        batch, sequence, width = x.shape
        x = x.view(-1, width)
        weights, ids = self.router(x)
        out = torch.zeros_like(x)
        for e, expert in enumerate(self.experts):
            rows, place = torch.where(ids == e)
            out.index_add_(0, rows, expert(x[rows]) * weights[rows, place, None])
        return out.view(batch, sequence, width)


class AssignLoop(Loop):
    """nonzero and out[rows] += ..., softmax after top-k, a shared expert with a gate, a residual."""

    def __init__(self):
        super().__init__(lambda: nn.Sequential(nn.Linear(D, H), nn.GELU(), nn.Linear(H, D)))
        self.gate, self.shared, self.shared_gate = nn.Linear(D, E), Expert(bias=True), nn.Linear(D, D)

    def forward(self, x):
        weights, ids = torch.topk(self.gate(x), K)
        weights = weights.softmax(-1, dtype=torch.float32).to(x.dtype)
        out = torch.zeros_like(x)
        for e, expert in enumerate(self.experts):
            rows, place = (ids == e).nonzero(as_tuple=True)
            out[rows] += weights[rows, place].unsqueeze(-1) * expert(x[rows])
        return x + out + torch.sigmoid(self.shared_gate(x)) * self.shared(x)


class MaskLoop(Loop):
    """Every expert on every row, times its weight or zero; scores of a sigmoid, scaled."""

    def forward(self, x):
        weights, ids = torch.topk(torch.sigmoid(self.router.gate(x)), K)
        weights = 2.5 * (weights / (weights.sum(-1, keepdim=True) + 1e-20))
        out = 0
        for e, expert in enumerate(self.experts):
            mine = (weights * (ids == e)).sum(-1, keepdim=True)
            out = out + mine * expert(x)
        return out


class BiasedChoice(Loop):
    """DeepSeek's: a bias for the choice alone, weights gathered, their sum kept from 0."""

    def __init__(self):
        super().__init__()
        self.balance = nn.Parameter(torch.randn(E))

    def forward(self, x):
        scores = torch.sigmoid(self.router.gate(x))
        ids = torch.topk(scores + self.balance, K).indices
        weights = scores.gather(1, ids)
        weights = weights / weights.sum(-1, keepdim=True).clamp(min=1e-3)
        return sum((weights * (ids == e)).sum(-1, keepdim=True) * expert(x) for e, expert in enumerate(self.experts))


class Columns(Loop):
    """All experts, by columns of the softmax, from logits with a temperature."""

    def forward(self, x):
        weights = (self.router.gate(x) / 0.7).softmax(-1)
        return sum(weights[:, e : e + 1] * expert(x) for e, expert in enumerate(self.experts))


class DenseStack(Loop):
    """All outputs stacked, times a scattered matrix of weights."""

    def forward(self, x):
        weights, ids = self.router(x)
        dense = torch.zeros(x.shape[0], E).scatter(1, ids, weights)
        outputs = torch.stack([expert(x) for expert in self.experts], dim=1)
        return (outputs * dense.unsqueeze(-1)).sum(dim=1)


class SoftMixture(Loop):
    """No top-k at all."""

    def forward(self, x):
        weights = self.router.gate(x).softmax(-1)
        return torch.einsum("te,etd->td", weights, torch.stack([expert(x) for expert in self.experts]))


class Stacked(nn.Module):
    def __init__(self):
        super().__init__()
        self.router = Router()
        self.w1, self.w2 = nn.Parameter(torch.randn(E, 2 * H, D) / 4), nn.Parameter(torch.randn(E, D, H) / 4)
        self.b1, self.b2 = nn.Parameter(torch.randn(E, 2 * H)), nn.Parameter(torch.randn(E, D))


class GatheredEinsum(Stacked):
    """Interleaved gate and up with a clamp, as gpt-oss has it."""

    def forward(self, x):
        weights, ids = self.router(x)
        h = torch.einsum("beck,bk->bec", self.w1[ids], x) + self.b1[ids]
        gate, up = h[..., ::2].clamp(max=7.0), h[..., 1::2].clamp(min=-7.0, max=7.0)
        h = gate * torch.sigmoid(1.702 * gate) * (up + 1)
        y = torch.einsum("beck,bek->bec", self.w2[ids], h) + self.b2[ids]
        return torch.einsum("bec,be->bc", y, weights)


class GatheredMatmul(Stacked):
    def forward(self, x):
        weights, ids = self.router(x)
        h = torch.matmul(x[:, None, None, :], self.w1[ids].transpose(-1, -2))
        gate, up = h.chunk(2, dim=-1)
        y = torch.matmul(F.relu(gate).square() * up, self.w2[ids].transpose(-1, -2)).squeeze(2)
        return (y * weights[..., None]).sum(dim=1)


class DenseEinsum(Stacked):
    def forward(self, x):
        weights, ids = self.router(x)
        dense = torch.einsum("tke,tk->te", F.one_hot(ids, E).to(x.dtype), weights)
        gate, up = torch.einsum("td,efd->tef", x, self.w1).chunk(2, dim=-1)
        y = torch.einsum("tef,edf->ted", F.gelu(gate, approximate="tanh") * up, self.w2) + self.b2
        return torch.einsum("ted,te->td", y, dense)


class BatchedMatmul(Stacked):
    """bmm over experts of rows that are the same for each."""

    def forward(self, x):
        weights, ids = self.router(x)
        dense = (F.one_hot(ids, E) * weights.unsqueeze(-1)).sum(1)
        h = torch.bmm(x.unsqueeze(0).expand(E, -1, -1), self.w1.transpose(1, 2)) + self.b1[:, None, :]
        gate, up = h.split(H, dim=-1)
        y = torch.bmm(torch.tanh(gate) * up, self.w2.permute(0, 2, 1))
        return (y * dense.t().unsqueeze(-1)).sum(0)


BLOCKS = [
    BiasedChoice,
    Columns,
    Loop,
    AssignLoop,
    MaskLoop,
    DenseStack,
    SoftMixture,
    GatheredEinsum,
    GatheredMatmul,
    DenseEinsum,
    BatchedMatmul,
]


def seeded(kind):
    torch.manual_seed(7)
    return kind().requires_grad_(False)


QUICK = (Loop, DenseStack, GatheredEinsum, BatchedMatmul)  # one of each way to write experts


def slow(values, quick):
    """Values of which all but a few run with --full only."""
    full = pytest.mark.full
    return [pytest.param(v, marks=() if v in quick else full, id=getattr(v, "__name__", str(v))) for v in values]


@pytest.mark.parametrize("kind", slow(BLOCKS, QUICK))
def test_agrees_with_the_module(kind):
    module = seeded(kind)
    x = torch.randn(2, 9, D) if kind is Loop else torch.randn(18, D)
    layer = moe_mlir.compile(module, example=x)
    expected = module(x)
    assert (layer(x) - expected).abs().max() <= 2e-5 * expected.abs().max()
    assert (layer.experts, layer.top_k) == (E, E if kind in (SoftMixture, Columns) else K)
    assert "moe.experts" in layer.ir() and "moe.grouped_matmul" in layer.ir("grouped")
    other = torch.randn(1, 3, D) if kind is Loop else torch.randn(3, D)  # another number of rows than the example
    assert (layer(other) - module(other)).abs().max() <= 2e-5 * expected.abs().max()


@pytest.mark.parametrize("dtype", slow([torch.bfloat16, torch.float16], [torch.bfloat16]))
def test_formats(dtype):
    module = seeded(GatheredEinsum)
    x = torch.randn(18, D)
    expected = module(x)
    half = moe_mlir.compile(module.to(dtype), dtype=dtype)
    difference = (half(x.to(dtype)).float() - expected).abs().amax(1) / expected.abs().max()
    assert difference.median() < 0.02


def test_the_example_is_made_from_the_first_matrix():
    layer = moe_mlir.compile(seeded(MaskLoop))
    assert layer.model_width == D
    experts, weights = layer.route(torch.randn(4, D))
    assert experts.shape == weights.shape == (4, K)


def test_dropout_is_left_out_and_the_module_as_it_was():
    torch.manual_seed(7)
    block = nn.Sequential(seeded(MaskLoop), nn.Dropout(0.5)).train()
    layer = moe_mlir.compile(block)
    assert block.training and block[1].training
    x = torch.randn(4, D)
    assert (layer(x) - block.eval()(x)).abs().max() < 1e-4


def test_weights_are_named_by_expert():
    ir, weights = module_ir(seeded(DenseStack))
    assert 'from "w1.{e}"' in ir and f"w1.{E - 1}" in weights


class Cosine(Loop):
    def forward(self, x):
        weights, ids = self.router(x)
        dense = torch.zeros(x.shape[0], E).scatter(1, ids, weights)
        outputs = torch.stack([torch.cumsum(expert(x), -1) for expert in self.experts], dim=1)
        return (outputs * dense.unsqueeze(-1)).sum(dim=1)


class OneMissing(MaskLoop):
    def forward(self, x):
        weights, ids = self.router(x)
        return sum((weights * (ids == e)).sum(-1, keepdim=True) * self.experts[e](x) for e in range(E - 1))


class Different(MaskLoop):
    def forward(self, x):
        weights, ids = self.router(x)
        experts = [self.experts[0], *[lambda x, e=e: torch.tanh(self.experts[e](x)) for e in range(1, E)]]
        return sum((weights * (ids == e)).sum(-1, keepdim=True) * expert(x) for e, expert in enumerate(experts))


class AsksForCounts(MaskLoop):
    def forward(self, x):
        weights, ids = self.router(x)
        out = torch.zeros_like(x)
        for e, expert in enumerate(self.experts):
            rows, place = torch.where(ids == e)
            if rows.numel() == 0:
                continue
            out[rows] += expert(x[rows]) * weights[rows, place, None]
        return out


class Branch(Loop):
    def forward(self, x):
        return x if x.sum() > 0 else -x


class WrongWeights(MaskLoop):
    def forward(self, x):
        weights, ids = self.router(x)
        return sum((weights * (ids == e)).sum(-1, keepdim=True) * self.experts[(e + 1) % E](x) for e in range(E))


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (Cosine, "Cosine: not understood: node cumsum = aten.cumsum.default: this operator is not among"),
        (OneMissing, r"a sum over experts \[0, 1, 2, 3, 4\] of 6"),
        (Different, "experts that do not all compute the same function"),
        (AsksForCounts, "data-dependent .*; a test of how many rows an expert gets cannot be exported"),
        (Branch, "Branch: torch.export does not take the module"),
        (nn.ReLU, "ReLU: expected a module with matrices"),
    ],
)
def test_what_is_not_understood_is_named(kind, message):
    with pytest.raises(moe_mlir.CompileError, match=message):
        moe_mlir.compile(seeded(kind))


def test_experts_in_another_order():
    module, x = seeded(WrongWeights), torch.randn(18, D)
    layer = moe_mlir.compile(module)
    assert (layer(x) - module(x)).abs().max() <= 2e-5 * module(x).abs().max()
