# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Layers of every kind of expert body, under one routing, and what they compute, in NumPy.

A body is a list of what it takes, {name: shape of one expert's slice}, its text over `%r` [rows, D], which ends in a
moe.yield of rows [rows, OUT], and a function of one row and an expert's slices.
"""

import numpy as np
from examples import best, sigmoid, softmax

E, D, F, R, OUT = 5, 20, 13, 3, 18

LAYER = """
moe.layer @block{block} block {block} = @{name}(@router, {symbols})
func.func @{name}(%x: tensor<?x{D}xf32>, %router: tensor<{E}x{D}xf32>, {arguments})
    -> (tensor<?x{OUT}xf32> {{moe.name = "output"}}) {{
  %logits = moe.score.affine %x, %router : tensor<?x{D}xf32>, tensor<{E}x{D}xf32> -> tensor<?x{E}xf32>
  %routing = moe.route %logits select #moe.top_k<2> rank logits weigh #moe.softmax over selected
      : tensor<?x{E}xf32> -> !moe.routing<{E}, 2, f32>
  %sent = moe.dispatch %x by %routing : tensor<?x{D}xf32>, !moe.routing<{E}, 2, f32> -> !moe.ragged<{E}, {D}, f32>
  %outputs = moe.experts %sent weights {operands}
      : !moe.ragged<{E}, {D}, f32>, {types} -> !moe.ragged<{E}, {OUT}, f32> {{
  ^bb0(%r: tensor<?x{D}xf32>, {slices}):
    %c0 = arith.constant 0 : index
    %zero = arith.constant 0.0 : f32
    %one = arith.constant 1.0 : f32
    {body}
  }}
  %combined = moe.combine %outputs by %routing weighted_sum
      : !moe.ragged<{E}, {OUT}, f32>, !moe.routing<{E}, 2, f32> -> tensor<?x{OUT}xf32>
  {after}
  return %{result} : tensor<?x{OUT}xf32>
}}
"""

SIZE = "%n = tensor.dim %r, %c0 : tensor<?x{D}xf32>"


def tensor(*shape):
    return f"tensor<{'x'.join(str(n) for n in shape)}xf32>"


def linear(result, rows, matrix, n, k):
    types = f"{tensor('?', k)}, {tensor(n, k)} -> {tensor('?', n)}"
    return f"%{result} = moe.linear %{rows}, %{matrix} : {types}"


def elementwise(result, width, inputs, ops):
    """A moe.map; `ops` compute %v from %0, %1, ...: `inputs` are names of rows, or of vectors where they end in ':'."""
    names = ", ".join("%" + i.rstrip(":") for i in inputs)
    types = ", ".join(tensor(width) if i.endswith(":") else tensor("?", width) for i in inputs)
    arguments = ", ".join(f"%a{i}: f32" for i in range(len(inputs)))
    return (
        f"%{result} = moe.map {names} : {types} -> {tensor('?', width)} {{\n    ^bb0({arguments}):\n      {ops}\n"
        "      moe.yield %v : f32\n    }"
    )


def generic(result, maps, loops, inputs, out, body, *, names="ijk"):  # noqa: PLR0917
    """A linalg.generic: maps as strings of loop names; inputs and out as (name, type)."""
    loops_of = names[: len(loops)]
    indexing = ", ".join(f"affine_map<({', '.join(loops_of)}) -> ({', '.join(m)})>" for m in maps)
    kinds = ", ".join('"parallel"' if c == "p" else '"reduction"' for c in loops)
    arguments = ", ".join(f"%a{i}: f32" for i in range(len(inputs)))
    return (
        f"%{result} = linalg.generic {{indexing_maps = [{indexing}], iterator_types = [{kinds}]}}\n"
        f"        ins({', '.join('%' + n for n, _ in inputs)} : {', '.join(t for _, t in inputs)})"
        f" outs(%{out[0]} : {out[1]}) {{\n    ^bb0({arguments}, %o: f32):\n      {body}\n"
        f"      linalg.yield %v : f32\n    }} -> {out[1]}"
    )


def filled(name, *shape, value="zero"):
    sizes = "%n" if shape[0] == "?" else ""
    return (
        f"%{name}_e = tensor.empty({sizes}) : {tensor(*shape)}\n"
        f"    %{name} = linalg.fill ins(%{value} : f32) outs(%{name}_e : {tensor(*shape)}) -> {tensor(*shape)}"
    )


MULTIPLY_ADD = "%m = arith.mulf %a0, %a1 : f32\n      %v = arith.addf %o, %m : f32"
RELU = "%v = arith.maximumf %a0, %zero : f32"
SILU = """%neg = arith.negf %a0 : f32
      %exp = math.exp %neg : f32
      %sum = arith.addf %exp, %one : f32
      %v = arith.divf %a0, %sum : f32"""


def silu(x):
    return x * sigmoid(x)


def relu(x):
    return np.maximum(x, 0)


class Body:
    def __init__(self, name, weights, lines, compute, after=None):
        """`after`: weights that all rows share, text that makes %last of %x and %combined, and its function."""
        self.name, self.weights, self.lines, self.compute_row = name, weights, lines, compute
        self.shared, self.last, self.compute_last = after or ({}, [], lambda _, y: y)

    def shapes(self):
        stacked = {self.symbol(n): (E, *shape) for n, shape in self.weights.items()}
        return stacked | {self.symbol(n): shape for n, shape in self.shared.items()}

    def text(self, block):
        types = {n: tensor(E, *shape) for n, shape in self.weights.items()}
        every = types | {n: tensor(*shape) for n, shape in self.shared.items()}
        return LAYER.format(
            block=block,
            name=self.name,
            D=D,
            E=E,
            OUT=OUT,
            symbols=", ".join("@" + self.symbol(n) for n in every),
            arguments=", ".join(f"%w_{n}: {t}" for n, t in every.items()),
            types=", ".join(types.values()),
            after="\n  ".join(self.last),
            result="last" if self.last else "combined",
            operands=", ".join(f"%w_{n}" for n in types),
            slices=", ".join(f"%{n}: {tensor(*shape)}" for n, shape in self.weights.items()),
            body="\n    ".join(line.replace("{D}", str(D)) for line in self.lines),
        )

    def symbol(self, name):
        return f"{self.name}_{name}"

    def compute(self, w, x):
        out = np.zeros((len(x), OUT))
        for t, row in enumerate(x):
            logits = w["router"] @ row
            chosen = best(logits, 2)
            for p, e in zip(softmax(logits[chosen]), chosen, strict=True):
                out[t] += p * self.compute_row(row, *(w[self.symbol(n)][e] for n in self.weights))
            out[t] = self.compute_last(row, out[t], *(w[self.symbol(n)] for n in self.shared))
        return [out]


YIELD = f"moe.yield %y : {tensor('?', OUT)}"


def rms_norm(scale):
    """After the expert: a reduction along each row, then each row by its number and by the expert's scale."""
    rows, numbers = tensor("?", OUT), tensor("?")
    return [
        SIZE,
        filled("start", "?"),
        generic(
            "square",
            ["ij", "i"],
            "pr",
            [("h", rows)],
            ("start", numbers),
            "%m = arith.mulf %a0, %a0 : f32\n      %v = arith.addf %o, %m : f32",
        ),
        f"%init = tensor.empty(%n) : {rows}",
        f"%width = arith.constant {OUT}.0 : f32",
        "%eps = arith.constant 1.0e-5 : f32",
        generic(
            "y",
            ["ij", "i", "j", "ij"],
            "pp",
            [("h", rows), ("square", numbers), (scale, tensor(OUT))],
            ("init", rows),
            "%mean = arith.divf %a1, %width : f32\n      %safe = arith.addf %mean, %eps : f32\n"
            "      %root = math.sqrt %safe : f32\n      %unit = arith.divf %a0, %root : f32\n"
            "      %v = arith.mulf %unit, %a2 : f32",
        ),
    ]


def normed(h, scale):
    return h / np.sqrt((h * h).mean() + 1e-5) * scale


LAYERS = [
    Body(
        "plain_mlp",
        {"u": (F, D), "b": (F,), "d": (OUT, F), "c": (OUT,)},
        [
            linear("z", "r", "u", F, D),
            elementwise(
                "h", F, ["z", "b:"], "%s = arith.addf %a0, %a1 : f32\n      %v = arith.maximumf %s, %zero : f32"
            ),
            linear("p", "h", "d", OUT, F),
            elementwise("y", OUT, ["p", "c:"], "%v = arith.addf %a0, %a1 : f32"),
            YIELD,
        ],
        lambda r, u, b, d, c: d @ relu(u @ r + b) + c,
    ),
    Body(
        "three_products",
        {"u": (F, D), "v2": (F, D), "w": (R, D), "d": (OUT, F), "a": (F, R)},
        [
            linear("p", "r", "u", F, D),
            linear("q", "r", "v2", F, D),
            linear("s", "r", "w", R, D),
            linear("t", "s", "a", F, R),
            elementwise("h", F, ["p", "q", "t"], "%m = arith.mulf %a0, %a1 : f32\n      %v = arith.addf %m, %a2 : f32"),
            linear("y", "h", "d", OUT, F),
            YIELD,
        ],
        lambda r, u, v, w, d, a: d @ ((u @ r) * (v @ r) + a @ (w @ r)),
    ),
    Body(
        "low_rank",
        {"a": (R, D), "b": (F, R), "d": (OUT, F)},
        [
            linear("p", "r", "a", R, D),
            linear("q", "p", "b", F, R),
            elementwise("h", F, ["q"], SILU),
            elementwise("g", F, ["h"], "%v = math.tanh %a0 : f32"),
            linear("y", "g", "d", OUT, F),
            YIELD,
        ],
        lambda r, a, b, d: d @ np.tanh(silu(b @ (a @ r))),
    ),
    Body(
        "normalised_output",
        {"u": (OUT, D), "s": (OUT,)},
        [linear("h", "r", "u", OUT, D), *rms_norm("s"), YIELD],
        lambda r, u, s: normed(u @ r, s),
    ),
    Body(
        "log_density",
        {"mu": (D,), "ls": (D,), "h": (OUT, 1)},
        [
            elementwise(
                "z",
                D,
                ["r", "mu:", "ls:"],
                """%half = arith.constant -0.5 : f32
      %diff = arith.subf %a0, %a1 : f32
      %neg = arith.negf %a2 : f32
      %inverse = math.exp %neg : f32
      %unit = arith.mulf %diff, %inverse : f32
      %square = arith.mulf %unit, %unit : f32
      %quad = arith.mulf %square, %half : f32
      %v = arith.subf %quad, %a2 : f32""",
            ),
            SIZE,
            filled("start", "?", 1),
            generic(
                "sum",
                ["ij", "ik"],
                "prp",
                [("z", tensor("?", D))],
                ("start", tensor("?", 1)),
                "%v = arith.addf %o, %a0 : f32",
            ),
            linear("y", "sum", "h", OUT, 1),
            YIELD,
        ],
        lambda r, mu, ls, h: h[:, 0] * (-0.5 * ((r - mu) * np.exp(-ls)) ** 2 - ls).sum(),
    ),
    Body(
        "quadratic",
        {"q": (D, D), "h": (OUT, 1)},
        [
            linear("p", "r", "q", D, D),
            SIZE,
            filled("start", "?", D),
            generic(
                "t",
                ["ik", "kj", "ij"],
                "ppr",
                [("p", tensor("?", D)), ("q", tensor(D, D))],
                ("start", tensor("?", D)),
                MULTIPLY_ADD,
            ),
            filled("none", "?", 1),
            generic(
                "sum",
                ["ij", "ij", "ik"],
                "prp",
                [("r", tensor("?", D)), ("t", tensor("?", D))],
                ("none", tensor("?", 1)),
                MULTIPLY_ADD,
            ),
            linear("y", "sum", "h", OUT, 1),
            YIELD,
        ],
        lambda r, q, h: h[:, 0] * (r @ (q.T @ (q @ r))),
    ),
    Body(
        "softmax_inside",
        {"u": (F, D), "d": (OUT, F)},
        [
            linear("z", "r", "u", F, D),
            SIZE,
            "%low = arith.constant -3.0e+38 : f32",
            filled("least", "?", value="low"),
            generic(
                "most",
                ["ij", "i"],
                "pr",
                [("z", tensor("?", F))],
                ("least", tensor("?")),
                "%v = arith.maximumf %o, %a0 : f32",
            ),
            f"%init = tensor.empty(%n) : {tensor('?', F)}",
            generic(
                "e",
                ["ij", "i", "ij"],
                "pp",
                [("z", tensor("?", F)), ("most", tensor("?"))],
                ("init", tensor("?", F)),
                "%s = arith.subf %a0, %a1 : f32\n      %v = math.exp %s : f32",
            ),
            filled("none", "?"),
            generic(
                "sum",
                ["ij", "i"],
                "pr",
                [("e", tensor("?", F))],
                ("none", tensor("?")),
                "%v = arith.addf %o, %a0 : f32",
            ),
            generic(
                "h",
                ["ij", "i", "ij"],
                "pp",
                [("e", tensor("?", F)), ("sum", tensor("?"))],
                ("init", tensor("?", F)),
                "%v = arith.divf %a0, %a1 : f32",
            ),
            linear("y", "h", "d", OUT, F),
            YIELD,
        ],
        lambda r, u, d: d @ softmax(u @ r),
    ),
    Body(
        "function_of_slice",
        {"u": (F, D), "d": (OUT, F)},
        [
            f"%zeros = tensor.splat %zero : {tensor(F, D)}",
            f"%up = arith.maximumf %u, %zeros : {tensor(F, D)}",
            linear("z", "r", "up", F, D),
            elementwise("h", F, ["z"], SILU),
            linear("y", "h", "d", OUT, F),
            YIELD,
        ],
        lambda r, u, d: d @ silu(relu(u) @ r),
    ),
    Body(
        "transposed",
        {"u": (D, F), "d": (F, OUT)},
        [
            SIZE,
            filled("zu", "?", F),
            f"%z = linalg.matmul ins(%r, %u : {tensor('?', D)}, {tensor(D, F)}) outs(%zu : {tensor('?', F)})"
            f" -> {tensor('?', F)}",
            f"%zeros = tensor.splat %zero[%n] : {tensor('?', F)}",
            f"%h = arith.maximumf %z, %zeros : {tensor('?', F)}",
            filled("zy", "?", OUT),
            f"%y = linalg.matmul ins(%h, %d : {tensor('?', F)}, {tensor(F, OUT)}) outs(%zy : {tensor('?', OUT)})"
            f" -> {tensor('?', OUT)}",
            YIELD,
        ],
        lambda r, u, d: relu(r @ u) @ d,
    ),
    Body(
        "plain_linalg",
        {"u": (F, D), "v2": (F, D), "d": (OUT, F)},
        [
            SIZE,
            filled("zu", "?", F),
            generic(
                "p",
                ["ik", "jk", "ij"],
                "ppr",
                [("r", tensor("?", D)), ("u", tensor(F, D))],
                ("zu", tensor("?", F)),
                MULTIPLY_ADD,
            ),
            generic(
                "q",
                ["ik", "jk", "ij"],
                "ppr",
                [("r", tensor("?", D)), ("v2", tensor(F, D))],
                ("zu", tensor("?", F)),
                MULTIPLY_ADD,
            ),
            f"%init = tensor.empty(%n) : {tensor('?', F)}",
            generic("g", ["ij", "ij"], "pp", [("p", tensor("?", F))], ("init", tensor("?", F)), SILU),
            f"%h = arith.mulf %g, %q : {tensor('?', F)}",
            filled("zy", "?", OUT),
            generic(
                "y",
                ["ik", "jk", "ij"],
                "ppr",
                [("h", tensor("?", F)), ("d", tensor(OUT, F))],
                ("zy", tensor("?", OUT)),
                MULTIPLY_ADD,
            ),
            YIELD,
        ],
        lambda r, u, v, d: d @ (silu(u @ r) * (v @ r)),
    ),
    Body(
        "constant",
        {"c": (OUT,)},
        [
            SIZE,
            f"%init = tensor.empty(%n) : {tensor('?', OUT)}",
            generic(
                "y",
                ["j", "ij"],
                "pp",
                [("c", tensor(OUT))],
                ("init", tensor("?", OUT)),
                "%v = arith.addf %a0, %a0 : f32",
            ),
            YIELD,
        ],
        lambda r, c: 2 * c,
    ),
    Body(
        "residual",
        {"u": (OUT, D)},
        [linear("y", "r", "u", OUT, D), YIELD],
        lambda r, u: u @ r,
        (
            {"s": (OUT, D), "scale": (OUT,)},
            [
                linear("shared", "x", "w_s", OUT, D),
                "%quarter = arith.constant 0.25 : f32",
                elementwise(
                    "sum",
                    OUT,
                    ["shared", "combined", "w_scale:"],
                    "%m = arith.mulf %a1, %a2 : f32\n      %v = arith.addf %a0, %m : f32",
                ),
                elementwise("last", OUT, ["sum"], "%v = arith.mulf %a0, %quarter : f32"),
            ],
            lambda r, y, s, scale: 0.25 * (s @ r + scale * y),
        ),
    ),
]


def module():
    """All layers, and their weights: {name: (shape, dtype)}."""
    shapes = {"router": ((E, D), "f32")}
    for body in LAYERS:
        shapes |= {name: (shape, "f32") for name, shape in body.shapes().items()}
    text = [
        f'moe.weight @{name} : tensor<{"x".join(map(str, shape))}x{dtype}> from "{name}"'
        for name, (shape, dtype) in shapes.items()
    ]
    return "\n".join(text + [body.text(block) for block, body in enumerate(LAYERS)]), shapes
