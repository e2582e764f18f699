# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Layers of one kind of expert, an MLP with ReLU, under every kind of routing, and what they compute, in NumPy."""

import numpy as np
from examples import best, sigmoid, softmax
from safetensors import bf16

E, D, F = 6, 20, 13
NAN_ROW = None

LAYER = """
moe.layer @block{block} block {block} = @{name}(@{router}, @up{of}, @down{of})
func.func @{name}(%x: tensor<?x{D}x{t}>{given}, %router: tensor<{R}x{D}xf32>, %up: tensor<{E}x{F}x{D}x{t}>,
                  %down: tensor<{E}x{D}x{F}x{t}>) -> (tensor<?x{D}x{t}> {{moe.name = "output"}}{results}) {{
  {routing}
  %rows = moe.dispatch %x by %r {weighted} : tensor<?x{D}x{t}>, {type} -> !moe.ragged<{E}, {D}, {t}>
  %y = moe.experts %rows weights %up, %down
      : !moe.ragged<{E}, {D}, {t}>, tensor<{E}x{F}x{D}x{t}>, tensor<{E}x{D}x{F}x{t}> -> !moe.ragged<{E}, {D}, f32> {{
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
  }}
  %out = moe.combine %y by %r {kind} {like} : !moe.ragged<{E}, {D}, f32>, {type}{likeType} -> tensor<?x{D}x{t}>
  {unpack}
  return %out{returned} : tensor<?x{D}x{t}>{returnedTypes}
}}
"""

SCORE = "%l = moe.score.{how} : tensor<?x{D}x{t}>, tensor<{R}x{D}xf32> -> tensor<?x{R}xf32>"
ROUTE = SCORE + "\n  %r = moe.route %l select {select} rank {rank} weigh {weigh} : tensor<?x{E}xf32> -> {type}"
WITHIN = """{score}
  %nodes = tensor.extract_slice %l[0, 0] [%n, 3] [1, 1] : tensor<?x{R}xf32> to tensor<?x3xf32>
  %leaves = tensor.extract_slice %l[0, 3] [%n, {E}] [1, 1] : tensor<?x{R}xf32> to tensor<?x{E}xf32>
  %node = moe.route %nodes select {parent} rank logits weigh #moe.softmax over selected
      : tensor<?x3xf32> -> !moe.routing<3, 2, f32>
  %r = moe.route_within %node, %leaves select {select} weigh {weigh}
      : !moe.routing<3, 2, f32>, tensor<?x{E}xf32> -> {type}"""
GIVEN = """%n = tensor.dim %given, %c0 : tensor<?x6xf32>
  %none = tensor.empty(%n) : tensor<?x3xi32>
  %numbers = tensor.extract_slice %given[0, 0] [%n, 3] [1, 1] : tensor<?x6xf32> to tensor<?x3xf32>
  %ws = tensor.extract_slice %given[0, 3] [%n, 3] [1, 1] : tensor<?x6xf32> to tensor<?x3xf32>
  %chosen = linalg.map ins(%numbers : tensor<?x3xf32>) outs(%none : tensor<?x3xi32>) (%v: f32, %o: i32) {
    %id = arith.fptosi %v : f32 to i32
    linalg.yield %id : i32
  }
  %r = moe.make_routing %chosen, %ws : tensor<?x3xi32>, tensor<?x3xf32> -> {type}"""


def cosine(x, w):
    norms = np.linalg.norm(x, axis=1)[:, None] + 0.5, np.linalg.norm(w, axis=1) + 0.25
    return 6 * (x @ w.T) / (norms[0] * norms[1])


# What follows moe.score, and the logits of rows x.
SCORES = {
    "affine": ("affine %x, %router", lambda x, w: x @ w.T),
    "cosine": ("cosine %x, %router row_eps 0.5 vector_eps 0.25 scale 6.0", cosine),
}


def choice(logits, weigh, over, rank):
    """Scores of all entries, what is compared, and a function from picked logits to weights."""
    every = np.apply_along_axis(softmax, 1, logits) if weigh == "softmax" and over == "all" else sigmoid(logits)
    return every, every if rank == "scores" else logits


class Pairs:
    """(row, slot, expert, weight) in the order of the routing; experts of -1 are left out of everything."""

    def __init__(self, ids, weights):
        self.ids, self.weights = np.array(ids, int), np.array(weights, float)

    def of_row(self, t):
        return [(e, w) for e, w in zip(self.ids[t], self.weights[t], strict=True) if e >= 0]


class Picks(Pairs):
    """Ids are of rows: [experts * windows, k]."""

    def of_row(self, t):
        windows = len(self.ids) // E
        return [(r // windows, self.weights[r, j]) for r, j in np.argwhere(self.ids == t)]


def capacity(ids, limit):
    taken = np.zeros(E, int)
    for row in ids:
        for k, e in enumerate(row):
            if e < 0:
                continue
            row[k] = e if taken[e] < limit else -1
            taken[e] += 1
    return ids


def experts_by_row(logits, k, weigh, over, rank, *, limit=0, renormalize=False):
    every, compared = choice(logits, weigh, over, rank)
    ids = [list(best(row, k)) for row in compared]
    weights = [softmax(x[i]) if over == "selected" else s[i] for x, s, i in zip(logits, every, ids, strict=True)]
    if renormalize:
        weights = [w / w.sum() for w in weights]
    ids = np.reshape(ids, (len(logits), k)).astype(int)
    return Pairs(capacity(ids, limit) if limit else ids, np.reshape(weights, (len(logits), k)))


def rows_by_expert(logits, k, weigh, over, rank, *, window=0, renormalize=False, scale=1):
    every, compared = choice(logits, weigh, over, rank)
    rows = len(logits)
    starts = range(0, rows, window) if window else [0]
    ids, weights = [], []
    for e in range(E):
        for begin in starts:
            here = slice(begin, begin + window if window else rows)
            picked = begin + best(compared[here, e], k)
            weight = softmax(logits[picked, e]) if over == "selected" else every[picked, e]
            if renormalize:
                weight = weight / weight.sum()
            empty = k - len(picked)
            ids.append(list(picked) + [-1] * empty)
            weights.append(list(weight * scale) + [0] * empty)
    return Picks(ids, weights)


def within(logits, parent_limit, limit):
    nodes, leaves = logits[:, :3], logits[:, 3:]
    parents = [list(best(row, 2)) for row in nodes]
    weights = [softmax(row[p]) for row, p in zip(nodes, parents, strict=True)]
    parents = np.reshape(parents, (-1, 2)).astype(int)
    if parent_limit:
        parents = capacity(parents, parent_limit)
    ids, products = [], []
    for row, nodes_of_row, node_weights in zip(leaves, parents, weights, strict=True):
        chosen = [2 * g + best(row[2 * g : 2 * g + 2], 1)[0] if g >= 0 else -1 for g in nodes_of_row]
        ids.append(chosen)
        products.append([w * sigmoid(row[e]) for w, e in zip(node_weights, chosen, strict=True)])
    ids = np.array(ids, int)
    return Pairs(capacity(ids, limit) if limit else ids, products)


COMBINE = {
    "weighted_sum": (0, lambda w, y: (w[:, None] * y).sum(axis=0)),
    "sum": (0, lambda w, y: y.sum(axis=0)),
    "mean": (0, lambda w, y: y.mean(axis=0)),
    "max": (-np.inf, lambda w, y: y.max(axis=0)),
    "log_sum_exp": (-np.inf, lambda w, y: np.log((w[:, None] * np.exp(y)).sum(axis=0))),
}


class Layer:
    def __init__(
        self,
        name,
        kind,
        pairs,
        select="",
        weigh="",
        *,
        rank="logits",
        count=0,
        dtype="f32",
        weighted=False,
        ids_rows="?",
        parent=None,
        given=False,
        score="affine",
    ):
        self.name, self.kind, self.pairs, self.dtype, self.weighted = name, kind, pairs, dtype, weighted
        self.router = "nodes_and_leaves" if parent else "router"
        self.logits_of = SCORES[score][1]
        self.given, self.returns_ids = given, ids_rows is not None
        row = ", row" if "axis = row" in select else ""
        values = {
            "E": E, "D": D, "F": F, "R": E + 3 if parent else E, "t": dtype, "name": name, "select": select,
            "weigh": weigh, "rank": rank, "kind": kind, "parent": parent, "router": self.router,
            "how": SCORES[score][0],
            "of": "" if dtype == "f32" else "_bf16", "weighted": "weighted" if weighted else "",
            "type": f"!moe.routing<{E}, {count}, f32{row}>", "given": ", %given: tensor<?x6xf32>" if given else "",
            "like": "like %x" if row else "", "likeType": f", tensor<?x{D}x{dtype}>" if row else "",
            "round": "moe.yield %max : f32" if dtype == "f32" else
                     "%out = arith.truncf %max : f32 to bf16\n      moe.yield %out : bf16",
        }  # fmt: skip
        types = f"tensor<{ids_rows}x{count}xi32>", f"tensor<{ids_rows}x{count}xf32>"
        values |= dict.fromkeys(("unpack", "returned", "returnedTypes", "results"), "")
        if self.returns_ids:
            # Not called experts and weights, which moe-run would put in another order.
            values["results"] = f', {types[0]} {{moe.name = "ids"}}, {types[1]} {{moe.name = "factors"}}'
            values["unpack"] = f"%i, %w = moe.unpack_routing %r : {values['type']} -> {types[0]}, {types[1]}"
            values["returned"], values["returnedTypes"] = ", %i, %w", ", " + ", ".join(types)
        zero = "%c0 = arith.constant 0 : index\n  "
        if given:
            routing = zero + GIVEN.replace("{type}", values["type"])
        elif parent:
            values["score"] = SCORE.format(**values)
            rows = f"%n = tensor.dim %x, %c0 : tensor<?x{D}x{dtype}>\n  "
            routing = zero + rows + WITHIN.format(**values)
        else:
            routing = ROUTE.format(**values)
        self.values = values | {"routing": routing}

    def text(self, block):
        return LAYER.format(block=block, **self.values)

    def compute(self, w, x, given=None):
        """The output, and ids and weights where the layer gives them."""
        pairs = self.pairs(self.logits_of(x, w[self.router]), given)
        of = self.values["of"]
        rounded = bf16 if self.dtype == "bf16" else np.asarray
        empty, combine = COMBINE[self.kind]
        out = np.full((len(x), D), empty, float)
        for t, row in enumerate(x):
            own = pairs.of_row(t)
            sent = [rounded(row * p) if self.weighted else row for _, p in own]
            ys = [w["down" + of][e] @ rounded(np.maximum(w["up" + of][e] @ s, 0))
                  for (e, _), s in zip(own, sent, strict=True)]  # fmt: skip
            if own:
                out[t] = combine(np.array([p for _, p in own]), np.array(ys))
        factors = np.where(pairs.ids < 0, 0, pairs.weights)
        return [out, pairs.ids, factors] if self.returns_ids else [out]


def by_row(k, weigh, over, rank, **more):
    return lambda logits, _: experts_by_row(logits, k, weigh, over, rank, **more)


def by_expert(k, weigh, over, rank, **more):
    return lambda logits, _: rows_by_expert(logits, k, weigh, over, rank, **more)


def every_relu(logits, _):
    return Pairs(np.tile(np.arange(E), (len(logits), 1)), np.where(logits > 0, logits, 0))


def made(_, given):
    return Pairs(given[:, :3].astype(int), given[:, 3:])


def limited(kind, limit, **more):
    return Layer(f"capacity_{kind}", kind, by_row(2, "softmax", "all", "scores", limit=limit, renormalize=True),
                 f"#moe.top_k<2, capacity = {limit}>", "#moe.softmax over all renormalize <>", rank="scores", count=2,
                 **more)  # fmt: skip


LAYERS = [
    Layer("weighted", "sum", by_row(2, "sigmoid", "each", "logits"), "#moe.top_k<2>", "#moe.sigmoid over each",
          count=2, weighted=True),
    Layer("weighted_bf16", "sum", by_row(1, "sigmoid", "each", "logits", limit=4), "#moe.top_k<1, capacity = 4>",
          "#moe.sigmoid over each", count=1, weighted=True, dtype="bf16"),
    Layer("relu", "weighted_sum", every_relu, "#moe.all", "#moe.relu over each", count=E),
    Layer("cosine", "weighted_sum", by_row(2, "softmax", "all", "scores", renormalize=True), "#moe.top_k<2>",
          "#moe.softmax over all renormalize <>", rank="scores", count=2, score="cosine"),
    Layer("cosine_bf16", "weighted_sum", by_row(3, "softmax", "selected", "logits"), "#moe.top_k<3>",
          "#moe.softmax over selected", count=3, dtype="bf16", score="cosine"),
    limited("weighted_sum", 5), limited("sum", 1), limited("mean", 3), limited("max", 3), limited("log_sum_exp", 3),
    Layer("capacity_bf16", "weighted_sum", by_row(3, "softmax", "selected", "logits", limit=7),
          "#moe.top_k<3, capacity = 7>", "#moe.softmax over selected", count=3, dtype="bf16"),
    *(Layer(f"given_{kind}", kind, made, count=3, given=True) for kind in COMBINE),
    Layer("given_weighted", "sum", made, count=3, given=True, weighted=True),
    Layer("levels", "weighted_sum", lambda logits, _: within(logits, 0, 0), "#moe.top_k<1>", "#moe.sigmoid over each",
          count=2, parent="#moe.top_k<2>"),
    Layer("levels_capacity", "mean", lambda logits, _: within(logits, 6, 2), "#moe.top_k<1, capacity = 2>",
          "#moe.sigmoid over each", count=2, parent="#moe.top_k<2, capacity = 6>"),
    Layer("choose_rows", "weighted_sum", by_expert(3, "softmax", "all", "scores"), "#moe.top_k<3, axis = row>",
          "#moe.softmax over all", rank="scores", count=3, ids_rows=E),
    Layer("choose_rows_scaled", "log_sum_exp",
          by_expert(4, "softmax", "selected", "logits", renormalize=True, scale=2.5),
          "#moe.top_k<4, axis = row>", "#moe.softmax over selected renormalize <> scale 2.5", count=4,
          ids_rows=E),
    Layer("windows", "mean", by_expert(2, "sigmoid", "each", "scores", window=5),
          "#moe.top_k<2, axis = row, window = 5>", "#moe.sigmoid over each", rank="scores", count=2, ids_rows=None),
    Layer("windows_max", "max", by_expert(1, "sigmoid", "each", "logits", window=4),
          "#moe.top_k<1, axis = row, window = 4>", "#moe.sigmoid over each", count=1, ids_rows=None),
    Layer("windows_bf16", "sum", by_expert(3, "softmax", "all", "logits", window=8),
          "#moe.top_k<3, axis = row, window = 8>", "#moe.softmax over all", count=3, ids_rows=None,
          weighted=True, dtype="bf16"),
]  # fmt: skip


def module():
    """All layers, and their weights: {name: (shape, dtype)}."""
    shapes = {"router": ((E, D), "f32"), "nodes_and_leaves": ((E + 3, D), "f32"), "up": ((E, F, D), "f32"),
              "down": ((E, D, F), "f32"), "up_bf16": ((E, F, D), "bf16"), "down_bf16": ((E, D, F), "bf16")}  # fmt: skip
    text = [f'moe.weight @{name} : tensor<{"x".join(map(str, shape))}x{dtype}> from "{name}"'
            for name, (shape, dtype) in shapes.items()]  # fmt: skip
    return "\n".join(text + [layer.text(block) for block, layer in enumerate(LAYERS)]), shapes
