# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Shapes, random weights and tokens of one SwiGLU MoE layer, and an fp32 reference of it.

A layer is: router [E, D] -> softmax -> the K largest, renormalised -> SwiGLU experts -> weighted sum.
"""

import json
from dataclasses import dataclass, field
from types import SimpleNamespace

import torch

# name: (model width D, expert width F, experts E, top-K, token counts), the published shapes of one layer each.
SHAPES = {
    "granite-1b": (1024, 512, 32, 8, (1, 16, 128, 1024, 4096)),
    "olmoe": (2048, 1024, 64, 8, (1, 16, 128, 1024)),
    "qwen3-30b-a3b": (2048, 768, 128, 8, (1, 16, 128, 1024)),
    "mixtral-slice": (4096, 3584, 8, 2, (1, 16, 128, 1024)),
    "gpt-oss-20b": (2880, 2880, 32, 4, (1, 16, 128, 1024)),
}

# Routers are compared by their choices, so tokens are kept whose K-th and next logit are this far apart.
CLEAR_GAP = 0.03


@dataclass
class Case:
    """One shape in one number format. `dtype` is the format of rows and of the weights before any quantisation."""

    name: str
    D: int
    F: int
    E: int
    K: int
    tokens: tuple
    dtype: torch.dtype
    threads: int
    skew: float = 0.0
    cache: dict = field(default_factory=dict)  # peers may share packed weights through it

    @property
    def weight_bytes(self):
        return 3 * self.D * self.F * self.E * self.dtype.itemsize

    def active_bytes(self, ids, bits):
        """Bytes that a call must read: each expert hit once, of `bits` a weight, and the router."""
        hit = ids.unique().numel()
        return hit * 3 * self.D * self.F * bits / 8 + self.E * self.D * self.dtype.itemsize

    def flops(self, tokens):
        return 2 * tokens * (self.K * 3 * self.D * self.F + self.E * self.D)


def read_shapes(path):
    """{name: [D, F, E, K, [T, ...]]} of a JSON file."""
    with open(path) as file:
        shapes = json.load(file)
    for name, shape in shapes.items():
        if len(shape) != 5 or not all(isinstance(n, int) and n > 0 for n in [*shape[:4], *shape[4]]):
            raise ValueError(f"{path}: {name}: expected [D, F, E, K, [T, ...]] of positive integers, got {shape}")
    return {name: (*shape[:4], tuple(shape[4])) for name, shape in shapes.items()}


def draw_weights(case, seed=0):
    """router [E, D], w13 [E, 2F, D] (gate rows, then up rows), w2 [E, D, F]; variance 1 / columns.

    With a skew s the router row of expert e is scaled by (1 + e)^-s, so that experts with a small index are chosen
    more often.
    """
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape):
        tensor = torch.empty(*shape, dtype=case.dtype)
        for part in tensor:  # Expert by expert: no large f32 temporary.
            part.copy_(torch.randn(*shape[1:], generator=generator) / shape[-1] ** 0.5)
        return tensor

    router = draw(case.E, case.D)
    if case.skew:
        scale = (1 + torch.arange(case.E, dtype=torch.float32)) ** -case.skew
        router = (router.float() * scale[:, None]).to(case.dtype)
    return SimpleNamespace(router=router, w13=draw(case.E, 2 * case.F, case.D), w2=draw(case.E, case.D, case.F))


def draw_tokens(case, w, count, seed=1):
    """`count` rows [D] whose choice of experts no rounding can change."""
    generator, kept, router = torch.Generator().manual_seed(seed), [], w.router.float()
    gap = CLEAR_GAP / (4 if case.skew else 1)
    while sum(map(len, kept)) < count:
        x = torch.randn(max(count, 64), case.D, generator=generator).to(case.dtype)
        best = (x.float() @ router.T).topk(min(case.K + 1, case.E)).values
        clear = best[:, case.K - 1] - best[:, -1] > gap if case.K < case.E else torch.ones(len(x), dtype=torch.bool)
        kept.append(x[clear])
    return torch.cat(kept)[:count].contiguous()


def route(case, w, x):
    """Weights and ids [T, K], in f32."""
    weights, ids = (x.float() @ w.router.float().T).softmax(-1).topk(case.K)
    return weights / weights.sum(-1, keepdim=True), ids


def reference(case, w, x):
    """The layer in f32, one expert after the other, on the weights' own values."""
    weights, ids = route(case, w, x)
    x, out = x.float(), torch.zeros(x.shape[0], case.D)
    for e in ids.unique().tolist():
        token, slot = (ids == e).nonzero(as_tuple=True)
        gate, up = (x[token] @ w.w13[e].float().T).chunk(2, -1)
        rows = (torch.nn.functional.silu(gate) * up) @ w.w2[e].float().T
        out.index_add_(0, token, weights[token, slot, None] * rows)
    return out
