#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Routes of many shapes and kinds, held against NumPy.

usage: routes.py emit > module.mlir     functions with moe.select, plain and fast, and a main that prints their results
       routes.py check < printed        compares what main printed with the same routes computed here

Rows of logits lie on a coarse grid, so that ties are frequent and everything else is far apart; some rows hold NaN,
infinities, zeros of both signs and values at which scores saturate.
"""

import re
import sys
from dataclasses import dataclass

import numpy as np

ROWS = 24
F32 = np.float32


@dataclass
class Route:
    experts: int
    count: int
    weigh: str = "softmax"
    over: str = "all"
    rank: str = "logits"
    select: str = ""
    groups: int = 1
    keep: int = 1
    reduce: str = "max"
    mask: str = "neg_inf"
    renormalize: str = ""
    p: float = 1.0
    eps: float = 0.0
    min: float = 0.0
    scale: float = 1.0
    bias: bool = False
    logit_type: str = "f32"

    def text(self):
        select = f"#moe.top_k<{self.count}>"
        if self.select == "all":
            select = "#moe.all"
        elif self.groups > 1:
            select = f"#moe.group_top_k<{self.count}, groups = {self.groups}, keep = {self.keep}"
            select += f", reduce = {self.reduce}, mask = {self.mask}>"
        scale = f" scale {self.scale}" if self.scale != 1.0 else ""
        return f"select {select} rank {self.rank} weigh #moe.{self.weigh} over {self.over} {self.renormalize}{scale}"


def grouped(**kind):
    return Route(16, 4, groups=4, keep=2, **kind)


ROUTES = [
    # Selections: one expert, all of them, more than fit in registers, sizes around the width of a vector.
    Route(1, 1),
    Route(5, 1, over="selected"),
    Route(5, 5, over="selected"),
    Route(8, 2, rank="scores", renormalize="renormalize"),
    Route(8, 8, select="all"),
    Route(16, 16, over="selected"),
    Route(17, 3, rank="scores"),
    Route(17, 17, over="selected"),
    Route(32, 20),
    Route(33, 20, over="selected", bias=True),
    Route(60, 4, over="selected"),
    Route(64, 8, rank="scores", bias=True, renormalize="renormalize"),
    Route(128, 8, rank="scores", renormalize="renormalize"),
    Route(300, 33, rank="scores", logit_type="bf16"),
    Route(2100, 3, rank="scores"),
    # Score functions, of the logits and of the ranking.
    Route(19, 3, "sigmoid", "each"),
    Route(
        19, 3, "sigmoid", "each", "scores", bias=True, renormalize="renormalize<eps = 1.0e-20>", eps=1e-20, scale=2.5
    ),
    Route(19, 3, "sqrt_softplus", "each", "scores"),
    Route(19, 18, "sqrt_softplus", "each", scale=1.5),
    Route(19, 3, "relu", "each"),
    Route(19, 7, "relu", "each", "scores", renormalize="renormalize<min = 0.25>", min=0.25),
    Route(19, 19, "relu", "each", select="all", scale=0.5),
    Route(19, 3, "identity", "each", "scores"),
    Route(19, 3, "identity", "each", renormalize="renormalize<p = 2.0>", p=2.0),
    Route(19, 3, "one", "each", renormalize="renormalize"),
    Route(7, 3, "identity", "each", renormalize="renormalize<p = 3.0, eps = 0.5>", p=3.0, eps=0.5),
    Route(7, 3, "sigmoid", "each", renormalize="renormalize<min = 2.0>", min=2.0),
    # Groups of experts.
    grouped(),
    grouped(over="selected", reduce="top2_sum"),
    grouped(weigh="sigmoid", over="each", rank="scores", reduce="top2_sum", bias=True, mask="zero"),
    grouped(over="group", rank="scores"),
    grouped(over="group", renormalize="renormalize"),
    Route(80, 36, over="selected", groups=40, keep=20),
]


def rows_of(index, route):
    """Logits [ROWS, experts] and the bias, the same whenever they are asked for."""
    random = np.random.default_rng(index)
    logits = random.integers(-16, 17, (ROWS, route.experts)).astype(F32) / F32(4)
    special = [
        np.zeros(route.experts),
        np.where(np.arange(route.experts) % 2, 0.0, -0.0),
        np.full(route.experts, np.nan),
        np.full(route.experts, -np.inf),
        np.full(route.experts, np.inf),
        np.where(random.random(route.experts) < 0.3, np.nan, logits[5]),
        np.where(random.random(route.experts) < 0.3, -np.inf, logits[6]),
        np.where(random.random(route.experts) < 0.1, np.inf, logits[7]),
        30 + np.abs(logits[8]),
        np.arange(route.experts) / 4,
        -np.arange(route.experts) / 4,
        np.copysign(np.where(logits[11] < 0, np.nan, logits[11]), -1),
    ]
    logits[: len(special)] = special
    if route.logit_type == "bf16":
        logits = (logits.view(np.uint32) & np.uint32(0xFFFF0000)).view(F32)
    bias = random.integers(-3, 4, route.experts).astype(F32) / F32(8) if route.bias else None
    return logits, bias


# ===-- The module ---===


def bits(values, kind="f32"):
    """Floats as the hexadecimal literals that keep NaN and the sign of zero."""
    if values.ndim > 1:
        return "[" + ", ".join(bits(row, kind) for row in values) + "]"
    words = [f"0x{word:08X}" for word in values.view(np.uint32)]
    return "[" + ", ".join(word if kind == "f32" else word[:6] for word in words) + "]"


def function(name, route, mark):
    ids, weights = f"tensor<?x{route.count}xi32>", f"tensor<?x{route.count}xf32>"
    rows = f"tensor<?x{route.experts}x{route.logit_type}>"
    bias = f"tensor<{route.experts}xf32>"
    argument, use, use_type = (f", %bias: {bias}", "bias %bias", f", {bias}") if route.bias else ("", "", "")
    yield f"func.func @{name}(%rows: {rows}{argument}) -> ({ids}, {weights}) {{"
    yield "  %zero = arith.constant 0 : index"
    yield f"  %t = tensor.dim %rows, %zero : {rows}"
    yield f"  %i = tensor.empty(%t) : {ids}"
    yield f"  %w = tensor.empty(%t) : {weights}"
    yield f"  %ids, %weights = moe.select %rows {use} {route.text()} {mark}"
    yield f"      : {rows}{use_type} outs(%i, %w : {ids}, {weights}) -> {ids}, {weights}"
    yield f"  return %ids, %weights : {ids}, {weights}"
    yield "}"


def call(name, index, route):
    ids, weights = f"tensor<?x{route.count}xi32>", f"tensor<?x{route.count}xf32>"
    rows, bias = f"tensor<?x{route.experts}x{route.logit_type}>", f"tensor<{route.experts}xf32>"
    arguments, types = (f"%rows{index}, %bias{index}", f"{rows}, {bias}") if route.bias else (f"%rows{index}", rows)
    yield f"  %ids_{name}, %w_{name} = call @{name}({arguments}) : ({types}) -> ({ids}, {weights})"
    yield f"  %ids_{name}_u = tensor.cast %ids_{name} : {ids} to tensor<*xi32>"
    yield f"  %w_{name}_u = tensor.cast %w_{name} : {weights} to tensor<*xf32>"
    yield f"  call @printMemrefI32(%ids_{name}_u) : (tensor<*xi32>) -> ()"
    yield f"  call @printMemrefF32(%w_{name}_u) : (tensor<*xf32>) -> ()"


def emit():
    yield "func.func private @printMemrefI32(tensor<*xi32>) attributes { llvm.emit_c_interface }"
    yield "func.func private @printMemrefF32(tensor<*xf32>) attributes { llvm.emit_c_interface }"
    for index, route in enumerate(ROUTES):
        yield from function(f"fast{index}", route, "")
        yield from function(f"plain{index}", route, "{test.reference}")
    yield "func.func @main() {"
    for index, route in enumerate(ROUTES):
        logits, bias = rows_of(index, route)
        element = route.logit_type
        kind = f"tensor<{ROWS}x{route.experts}x{element}>"
        yield f"  %const{index} = arith.constant dense<{bits(logits, element)}> : {kind}"
        yield f"  %rows{index} = tensor.cast %const{index} : {kind} to tensor<?x{route.experts}x{element}>"
        if route.bias:
            yield f"  %bias{index} = arith.constant dense<{bits(bias)}> : tensor<{route.experts}xf32>"
        yield from call(f"fast{index}", index, route)
        yield from call(f"plain{index}", index, route)
    yield "  return"
    yield "}"


# ===-- The same in NumPy ---===


def best(values, k):
    """Larger first, ties to the lowest index, NaN last."""
    return sorted(range(len(values)), key=lambda e: (bool(np.isnan(values[e])), -float(values[e]) + 0.0, e))[:k]


def softmax(values):
    exp = np.exp(values - np.max(values), dtype=F32)
    return exp / np.sum(exp, dtype=F32)


ELEMENTWISE = {
    "sigmoid": lambda x: F32(1) / (F32(1) + np.exp(-x)),
    "sqrt_softplus": lambda x: np.sqrt(np.logaddexp(F32(0), x)),
    "relu": lambda x: np.maximum(x, F32(0)),
    "identity": lambda x: x,
    "one": np.ones_like,
}


def nan_as_lowest(values):
    return np.where(np.isnan(values), F32(-np.inf), values)


def select(route, rank):
    if route.select == "all":
        return list(range(route.experts))
    if route.groups > 1:
        parts = np.sort(nan_as_lowest(rank).reshape(route.groups, -1))[:, ::-1]
        scores = parts[:, 0] if route.reduce == "max" else parts[:, 0] + parts[:, 1]
        kept = np.zeros(route.groups, bool)
        kept[best(scores, route.keep)] = True
        mask = F32(-np.inf) if route.mask == "neg_inf" else F32(0)
        rank = np.where(np.repeat(kept, route.experts // route.groups), rank, mask)
    return best(rank, route.count)


def expect(route, logits, bias):
    """Ids and weights of one row."""
    if route.over == "all":
        scores = softmax(logits)
    elif route.over == "group":
        scores = np.concatenate([softmax(part) for part in logits.reshape(route.groups, -1)])
    elif route.over == "each":
        scores = ELEMENTWISE[route.weigh](logits)
    else:
        scores = None
    rank = scores if route.rank == "scores" else logits
    ids = select(route, rank + bias if route.bias else rank)
    weights = softmax(logits[ids]) if scores is None else scores[ids]
    if route.renormalize:
        norm = np.sum(np.abs(weights) ** route.p) ** (1 / route.p) + route.eps
        weights = weights / np.maximum(norm, route.min)
    return ids, weights * F32(route.scale)


def tables(text):
    """The matrices that printMemref wrote."""
    for block in re.findall(r"data =\s*(\[\[.*?\]\])", text, re.S):
        yield np.array([row.split(",") for row in re.findall(r"\[([^\[\]]*)\]", block)], dtype=float)


def check(text):
    printed = iter(tables(text))
    for index, route in enumerate(ROUTES):
        logits, bias = rows_of(index, route)
        expected = [expect(route, row, bias) for row in logits]
        ids, weights = np.array([e[0] for e in expected]), np.array([e[1] for e in expected])
        for form in ("fast", "plain"):
            got_ids, got_weights = next(printed), next(printed)
            what = f"{form}, {route}"
            for row in range(ROWS):
                same = np.array_equal(got_ids[row], ids[row])
                same = same and np.allclose(got_weights[row], weights[row], rtol=2e-5, atol=1e-7, equal_nan=True)
                if not same:
                    sys.exit(
                        f"{what}\nrow {row}: {logits[row]}\n"
                        f"expected {ids[row]} {weights[row]}\ngot      {got_ids[row]} {got_weights[row]}"
                    )
    if next(printed, None) is not None:
        sys.exit("more tables than routes")
    print(f"{len(ROUTES)} routes of {ROWS} rows agree, in both forms")


if __name__ == "__main__":
    np.seterr(all="ignore")
    if sys.argv[1:] == ["emit"]:
        print("\n".join(emit()))
    elif sys.argv[1:] == ["check"]:
        check(sys.stdin.read())
    else:
        sys.exit(__doc__)
