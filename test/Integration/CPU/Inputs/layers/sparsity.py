# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Layers whose routing leaves little to do, and what they compute, in NumPy: experts of several kinds under one router,
experts that are all the same, all experts of a row, one expert of a row, and experts that get no row."""

import numpy as np
from examples import best, sigmoid, softmax
from routings import COMBINE
from safetensors import bf16

D, F = 20, 13
NAN_ROW = 3  # where there are as many: it goes to the first experts, as NaN is compared last

MLP = """moe.experts %{rows} weights %up, %down
      : !moe.ragged<{n}, {D}, {t}>, tensor<{n}x{F}x{D}x{t}>, tensor<{n}x{D}x{F}x{t}> -> !moe.ragged<{n}, {D}, f32> {{
  ^bb0(%row: tensor<?x{D}x{t}>, %u: tensor<{F}x{D}x{t}>, %d: tensor<{D}x{F}x{t}>):
    %z = moe.linear %row, %u : tensor<?x{D}x{t}>, tensor<{F}x{D}x{t}> -> tensor<?x{F}xf32>
    %h = moe.map %z : tensor<?x{F}xf32> -> tensor<?x{F}x{t}> {{
    ^bb0(%v: f32):
      %zero = arith.constant 0.0 : f32
      %max = arith.maximumf %v, %zero : f32
      {round}
    }}
    %o = moe.linear %h, %d : tensor<?x{F}x{t}>, tensor<{D}x{F}x{t}> -> tensor<?x{D}xf32>
    moe.yield %o : tensor<?x{D}xf32>
  }}"""
IDENTITY = """moe.experts %{rows} : !moe.ragged<{n}, {D}, {t}> -> !moe.ragged<{n}, {D}, {t}> {{
  ^bb0(%row: tensor<?x{D}x{t}>):
    moe.yield %row : tensor<?x{D}x{t}>
  }}"""
# A map with `number` for all elements, a square plus one, and a product with a matrix that all experts share.
CONSTANT = """moe.experts %{rows} : !moe.ragged<{n}, {D}, {t}> -> !moe.ragged<{n}, {D}, f32> {{
  ^bb0(%row: tensor<?x{D}x{t}>):
    %o = moe.map %row : tensor<?x{D}x{t}> -> tensor<?x{D}xf32> {{
    ^bb0(%v: {t}):
      %number = arith.constant {number} : f32
      moe.yield %number : f32
    }}
    moe.yield %o : tensor<?x{D}xf32>
  }}"""
SQUARE = """moe.experts %{rows} : !moe.ragged<{n}, {D}, f32> -> !moe.ragged<{n}, {D}, f32> {{
  ^bb0(%row: tensor<?x{D}xf32>):
    %o = moe.map %row : tensor<?x{D}xf32> -> tensor<?x{D}xf32> {{
    ^bb0(%v: f32):
      %one = arith.constant 1.0 : f32
      %v2 = arith.mulf %v, %v : f32
      %v3 = arith.addf %v2, %one : f32
      moe.yield %v3 : f32
    }}
    moe.yield %o : tensor<?x{D}xf32>
  }}"""
MATRIX = """moe.experts %{rows} : !moe.ragged<{n}, {D}, f32> -> !moe.ragged<{n}, {D}, f32> {{
  ^bb0(%row: tensor<?x{D}xf32>):
    %o = moe.linear %row, %shared : tensor<?x{D}xf32>, tensor<{D}x{D}xf32> -> tensor<?x{D}xf32>
    moe.yield %o : tensor<?x{D}xf32>
  }}"""

LAYER = """
moe.layer @block{block} block {block} = @{name}(@router{E}, @up{E0}{of}, @down{E0}{of}, @shared)
func.func @{name}(%x: tensor<?x{D}x{t}>, %router: tensor<{E}x{D}xf32>, %up: tensor<{E0}x{F}x{D}x{t}>,
                  %down: tensor<{E0}x{D}x{F}x{t}>, %shared: tensor<{D}x{D}xf32>) -> ({types}) {{
  %l = moe.score.affine %x, %router : tensor<?x{D}x{t}>, tensor<{E}x{D}xf32> -> tensor<?x{E}xf32>
  {route} : tensor<?x{E}xf32>{biasType} -> {type}
{parts}
  {unpack}
  return {values} : {returned}
}}
"""
PART = """  %part{i} = moe.narrow_routing %r from {begin} to {end} : {type} -> !moe.routing<{n}, {K}, f32>
  %rows{i} = moe.dispatch %x by %part{i} : tensor<?x{D}x{t}>, !moe.routing<{n}, {K}, f32> -> !moe.ragged<{n}, {D}, {t}>
  %y{i} = {body}
  %out{i} = moe.combine %y{i} by %part{i} {kind} : !moe.ragged<{n}, {D}, {yt}>, !moe.routing<{n}, {K}, f32>
      -> tensor<?x{D}x{t}>"""


def mlp(w, of, e, row):
    rounded = bf16 if of else np.asarray
    return w["down6" + of][e] @ rounded(np.maximum(w["up6" + of][e] @ row, 0))


class Body:
    """A kind of expert: its text, its element type unless that of the rows, and what expert `e` gives for a row."""

    def __init__(self, text, compute, element="f32", **values):
        self.text, self.compute, self.element, self.values = text, compute, element, values


MLPS = Body(MLP, mlp)
IDENTITIES = Body(IDENTITY, lambda w, of, e, row: row, None)
ZEROS = Body(CONSTANT, lambda w, of, e, row: np.zeros(len(row)), number="0.0")
TWOS = Body(CONSTANT, lambda w, of, e, row: np.full(len(row), 2.0), number="2.0")
SQUARES = Body(SQUARE, lambda w, of, e, row: row * row + 1)
MATRICES = Body(MATRIX, lambda w, of, e, row: w["shared"] @ row)


class Layer:
    """`parts` are (number of experts, body); each is an output of its own."""

    given = False

    def __init__(self, name, kind, k, parts, weigh="#moe.softmax over all", *, rank="scores", dtype="f32", ids=False,
                 limit=0, bias=None, select=None):  # fmt: skip
        self.name, self.kind, self.k, self.parts, self.dtype, self.ids = name, kind, k, parts, dtype, ids
        self.weigh, self.rank, self.limit, self.bias = weigh, rank, limit, bias
        self.experts = sum(n for n, _ in parts)
        self.select = select or f"#moe.top_k<{k}{f', capacity = {limit}' if limit else ''}>"

    def text(self, block):
        of = "" if self.dtype == "f32" else "_bf16"
        values = {"block": block, "name": self.name, "D": D, "F": F, "E": self.experts, "E0": 6, "K": self.k,
                  "t": self.dtype, "of": of, "kind": self.kind, "type": f"!moe.routing<{self.experts}, {self.k}, f32>",
                  "round": "%n = arith.truncf %max : f32 to bf16\n      moe.yield %n : bf16" if of
                  else "moe.yield %max : f32"}  # fmt: skip
        bias = "" if self.bias is None else " bias %bias"
        route = f"%r = moe.route %l{bias} select {self.select} rank {self.rank} weigh {self.weigh}"
        if bias:
            numbers = ", ".join("0xFF800000" if b == -np.inf else f"{b:.1f}" for b in self.bias)
            route = f"%bias = arith.constant dense<[{numbers}]> : tensor<{self.experts}xf32>\n  " + route
        texts, begin, rows = [], 0, f"tensor<?x{D}x{self.dtype}>"
        for i, (n, body) in enumerate(self.parts):
            part = values | {"i": i, "begin": begin, "end": begin + n, "n": n, "rows": f"rows{i}",
                             "yt": body.element or self.dtype}  # fmt: skip
            texts.append(PART.format(body=body.text.format(**part, **body.values), **part))
            begin += n
        outputs = [f"%out{i}" for i in range(len(self.parts))]
        types = [rows] * len(outputs)
        named = [f'{rows} {{moe.name = "{"output" if i == 0 else f"part{i}"}"}}' for i in range(len(outputs))]
        unpack = ""
        if self.ids:
            pair = [f"tensor<?x{self.k}xi32>", f"tensor<?x{self.k}xf32>"]
            unpack = f"%i, %w = moe.unpack_routing %r : {values['type']} -> {pair[0]}, {pair[1]}"
            outputs, types = [*outputs, "%i", "%w"], types + pair
            named += [f'{pair[0]} {{moe.name = "ids"}}', f'{pair[1]} {{moe.name = "factors"}}']
        return LAYER.format(
            route=route, biasType=f", tensor<{self.experts}xf32>" if bias else "", parts="\n".join(texts),
            types=", ".join(named), unpack=unpack, values=", ".join(outputs), returned=", ".join(types), **values,
        )  # fmt: skip

    def route(self, logits):
        scores = softmax(logits) if "softmax over all" in self.weigh else sigmoid(logits)
        compared = (scores if self.rank == "scores" else logits) + (0 if self.bias is None else self.bias)
        ids = best(compared, self.k)
        weights = softmax(logits[ids]) if "over selected" in self.weigh else scores[ids]
        return ids, weights / weights.sum() if "renormalize" in self.weigh else weights

    def compute(self, w, x):
        of = "" if self.dtype == "f32" else "_bf16"
        empty, combine = COMBINE[self.kind]
        outs = [np.full((len(x), D), empty, float) for _ in self.parts]
        all_ids, all_weights, taken = [], [], np.zeros(self.experts, int)
        for t, row in enumerate(x):
            ids, weights = self.route(w[f"router{self.experts}"] @ row)
            ids = ids.copy()
            for j, e in enumerate(ids):
                taken[e] += 1
                if self.limit and taken[e] > self.limit:
                    ids[j] = -1
            begin = 0
            for (n, body), out in zip(self.parts, outs, strict=True):
                own = [(e - begin, p) for e, p in zip(ids, weights, strict=True) if begin <= e < begin + n]
                if own:
                    out[t] = combine(np.array([p for _, p in own]),
                                     np.array([body.compute(w, of, e, row) for e, _ in own]))  # fmt: skip
                begin += n
            all_ids.append(ids)
            all_weights.append(np.where(ids < 0, 0, weights))
        return outs + ([np.array(all_ids), np.array(all_weights)] if self.ids else [])


SCORES = "#moe.sigmoid over each"
DEAD = [0.5, -np.inf, 0.0, 0.5, -np.inf, -np.inf]
LAYERS = [
    *(Layer(f"kinds_{kind}", kind, 3, [(6, MLPS), (2, IDENTITIES), (3, ZEROS), (1, TWOS)]) for kind in COMBINE),
    Layer("zeros_first", "weighted_sum", 2, [(3, ZEROS), (3, IDENTITIES), (6, MLPS)]),
    Layer("kinds_bf16", "weighted_sum", 8, [(2, IDENTITIES), (6, MLPS), (4, ZEROS)], dtype="bf16", ids=True),
    *(Layer(f"squares_{kind}", kind, 2, [(6, SQUARES)], SCORES, limit=5) for kind in COMBINE),
    *(Layer(f"matrices_{kind}", kind, 2, [(6, MATRICES)], SCORES) for kind in COMBINE),
    Layer("matrices_dropped", "weighted_sum", 2, [(6, MATRICES)], SCORES, limit=4),
    *(Layer(f"all_{kind}", kind, 6, [(6, MLPS)], "#moe.softmax over selected", rank="logits") for kind in COMBINE),
    Layer("all_ids", "weighted_sum", 6, [(6, MLPS)], "#moe.sigmoid over each renormalize <>", ids=True),
    Layer("all_bf16", "weighted_sum", 6, [(6, MLPS)], dtype="bf16"),
    Layer("all_in_order", "weighted_sum", 6, [(6, MLPS)], rank="logits", select="#moe.all"),
    *(Layer(f"one_{kind}", kind, 1, [(6, MLPS)]) for kind in COMBINE),
    Layer("one_bf16", "weighted_sum", 1, [(6, MLPS)], SCORES, dtype="bf16"),
    Layer("one_dropped", "weighted_sum", 1, [(6, MLPS)], SCORES, limit=3),
    Layer("dead", "weighted_sum", 2, [(6, MLPS)], bias=DEAD, ids=True),
    Layer("dead_bf16", "sum", 3, [(6, MLPS)], SCORES, bias=DEAD, dtype="bf16"),
]  # fmt: skip


def module():
    """All layers, and their weights: {name: (shape, dtype)}."""
    shapes = {f"router{n}": ((n, D), "f32") for n in (6, 12)}
    for of, dtype in (("", "f32"), ("_bf16", "bf16")):
        shapes |= {"up6" + of: ((6, F, D), dtype), "down6" + of: ((6, D, F), dtype)}
    shapes["shared"] = ((D, D), "f32")
    text = [f'moe.weight @{name} : tensor<{"x".join(map(str, shape))}x{dtype}> from "{name}"'
            for name, (shape, dtype) in shapes.items()]  # fmt: skip
    return "\n".join(text + [layer.text(block) for block, layer in enumerate(LAYERS)]), shapes
