# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Layers in linalg that compute all experts for all rows and mask them, and what they compute, in NumPy.

They differ in how the mask is spelled, where its ids come from, what the experts do and in which order dimensions are.
"""

import numpy as np
from examples import best, silu, softmax
from safetensors import bf16

# Given ids are -1 to 5: with as many experts as here some are out of range.
E, D, F = 4, 20, 13
NAN_ROW = None

LAYER = """
moe.layer @block{block} block {block} = @{name}({symbols})
func.func @{name}(%x: tensor<?x{D}x{t}>{given}, {arguments}) -> (tensor<?x{D}xf32> {{moe.name = "output"}}) {{
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %n = tensor.dim %x, %c0 : tensor<?x{D}x{t}>
  {ids}
  {mask}
  {experts}
  {combination}
  return %out : tensor<?x{D}xf32>
}}
"""


def filled(name, shape, dtype="f32"):
    return (f"%{name}_e = tensor.empty(%n) : tensor<{shape}x{dtype}>\n  %{name} = linalg.fill ins(%zero : f32)"
            f" outs(%{name}_e : tensor<{shape}x{dtype}>) -> tensor<{shape}x{dtype}>")  # fmt: skip


def generic(result, space, inputs, out, ops):
    """space: loops and their kinds; inputs and out: (name, loops, type); ops compute %v from %a0, %a1, ... and %o."""
    loops, kinds = space.split()
    maps = ", ".join(f"affine_map<({', '.join(loops)}) -> ({', '.join(at)})>" for _, at, _ in [*inputs, out])
    iterators = ", ".join('"parallel"' if k == "p" else '"reduction"' for k in kinds)
    element = [t.split("x")[-1] for _, _, t in [*inputs, out]]
    arguments = ", ".join([f"%a{i}: {e}" for i, e in enumerate(element[:-1])] + [f"%o: {element[-1]}"])
    return (f"%{result} = linalg.generic {{indexing_maps = [{maps}], iterator_types = [{iterators}]}}\n"
            f"      ins({', '.join('%' + n for n, _, _ in inputs)} : {', '.join(f'tensor<{t}>' for _, _, t in inputs)})"
            f" outs(%{out[0]} : tensor<{out[2]}>) {{\n  ^bb0({arguments}):\n    {ops}\n"
            f"    linalg.yield %v : {element[-1]}\n  }} -> tensor<{out[2]}>")  # fmt: skip


MULTIPLY_ADD = "%m = arith.mulf %a0, %a1 : f32\n    %v = arith.addf %o, %m : f32"
WIDE = """%x0 = arith.extf %a0 : bf16 to f32
    %x1 = arith.extf %a1 : bf16 to f32
    %m = arith.mulf %x0, %x1 : f32
    %v = arith.addf %o, %m : f32"""
TEST = """%e = linalg.index {loop} : index
    %i = arith.index_cast %e : index to i32
    %here = arith.cmpi eq, %a0, %i : i32
    """

TO_INTEGER = "%v = arith.fptosi %a0 : f32 to i32"

# Ids and weights, [T, 3] and [T, 2].
GIVEN = f"""%k = tensor.extract_slice %given[0, 0] [%n, 3] [1, 1] : tensor<?x6xf32> to tensor<?x3xf32>
  %w = tensor.extract_slice %given[0, 3] [%n, 3] [1, 1] : tensor<?x6xf32> to tensor<?x3xf32>
  %i_e = tensor.empty(%n) : tensor<?x3xi32>
  {generic("ids", "tk pp", [("k", "tk", "?x3xf32")], ("i_e", "tk", "?x3xi32"), TO_INTEGER)}"""
ROUTED = f"""%l = moe.score.affine %x, %w_router : tensor<?x{D}x{{t}}>, tensor<{E}x{D}xf32> -> tensor<?x{E}xf32>
  %r = moe.route %l select #moe.top_k<2> rank logits weigh #moe.softmax over selected
      : tensor<?x{E}xf32> -> !moe.routing<{E}, 2, f32>
  %ids, %w = moe.unpack_routing %r : !moe.routing<{E}, 2, f32> -> tensor<?x2xi32>, tensor<?x2xf32>"""


def selected_mask(k):
    """[T, E] in one op, by selection."""
    ops = TEST.format(loop=1) + "%s = arith.select %here, %a1, %zero : f32\n    %v = arith.addf %o, %s : f32"
    return [filled("m0", f"?x{E}"),
            generic("mask", "tek ppr", [("ids", "tk", f"?x{k}xi32"), ("w", "tk", f"?x{k}xf32")],
                    ("m0", "te", f"?x{E}xf32"), ops)]  # fmt: skip


def one_hot_mask(k):
    """[T, E] from a one-hot tensor [T, K, E]."""
    hot = f"?x{k}x{E}xf32"
    return [f"%hot_e = tensor.empty(%n) : tensor<{hot}>",
            generic("hot", "tke ppp", [("ids", "tk", f"?x{k}xi32")], ("hot_e", "tke", hot),
                    TEST.format(loop=2) + "%v = arith.uitofp %here : i1 to f32"),
            filled("m0", f"?x{E}"),
            generic("mask", "tek ppr", [("hot", "tke", hot), ("w", "tk", f"?x{k}xf32")],
                    ("m0", "te", f"?x{E}xf32"), MULTIPLY_ADD)]  # fmt: skip


def summed(order="etd", dims=f"{E}x?x{D}"):
    """Product with the mask and sum in one op."""
    return [filled("o0", f"?x{D}"),
            generic("out", "ted prp", [("mask", "te", f"?x{E}xf32"), ("y", order, f"{dims}xf32")],
                    ("o0", "td", f"?x{D}xf32"), MULTIPLY_ADD)]  # fmt: skip


# A product, then a sum over experts.
MASKED_THEN_SUMMED = [
    f"%s_e = tensor.empty(%n) : tensor<{E}x?x{D}xf32>",
    generic("s", "etd ppp", [("mask", "te", f"?x{E}xf32"), ("y", "etd", f"{E}x?x{D}xf32")],
            ("s_e", "etd", f"{E}x?x{D}xf32"), "%v = arith.mulf %a0, %a1 : f32"),
    filled("o0", f"?x{D}"),
    f"%out = linalg.reduce {{arith.addf}} ins(%s : tensor<{E}x?x{D}xf32>) outs(%o0 : tensor<?x{D}xf32>)"
    " dimensions = [0]",
]  # fmt: skip


def product(result, rows, matrix, size, *, dtype="f32", rows_are="etk"):
    """[E, T, n] of rows [E, T, k] or [T, k]."""
    n, k = size
    dims = f"{E}x?x{k}" if rows_are == "etk" else f"?x{k}"
    return [filled(f"{result}0", f"{E}x?x{n}"),
            generic(result, "etnk pppr", [(rows, rows_are, f"{dims}x{dtype}"),
                                             (matrix, "enk", f"{E}x{n}x{k}x{dtype}")],
                    (f"{result}0", "etn", f"{E}x?x{n}xf32"), MULTIPLY_ADD if dtype == "f32" else WIDE)]  # fmt: skip


def silu_of(name):
    """Of a tensor [E, T, F] in arith and math on tensors."""
    t = f"tensor<{E}x?x{F}xf32>"
    return [f"%ones = tensor.splat %one[%n] : {t}", f"%neg = arith.negf %{name} : {t}", f"%exp = math.exp %neg : {t}",
            f"%den = arith.addf %exp, %ones : {t}", f"%act = arith.divf %{name}, %den : {t}"]  # fmt: skip


RELU_MLP = [
    *product("z", "x", "w_up", (F, D), rows_are="tk"), filled("h0", f"{E}x?x{F}"),
    f"%h = arith.maximumf %z, %h0 : tensor<{E}x?x{F}xf32>", *product("y", "h", "w_down", (D, F)),
]  # fmt: skip


def gated(dtype):
    wide, hidden = f"tensor<{E}x?x{D}x{dtype}>", f"tensor<{E}x?x{F}x{dtype}>"
    rounding = "%v = arith.mulf %a0, %a1 : f32"
    if dtype == "bf16":
        rounding = "%p = arith.mulf %a0, %a1 : f32\n    %v = arith.truncf %p : f32 to bf16"
    both = f"{E}x?x{F}xf32"
    return [
        f"%r_e = tensor.empty(%n) : {wide}",
        f"%rows = linalg.broadcast ins(%x : tensor<?x{D}x{dtype}>) outs(%r_e : {wide}) dimensions = [0]",
        *product("z", "rows", "w_gate", (F, D), dtype=dtype), f"%b_e = tensor.empty(%n) : tensor<{both}>",
        f"%b = linalg.broadcast ins(%w_bias : tensor<{E}x{F}xf32>) outs(%b_e : tensor<{both}>) dimensions = [1]",
        f"%g = arith.addf %z, %b : tensor<{both}>", *silu_of("g"),
        *product("u", "rows", "w_up", (F, D), dtype=dtype), f"%h_e = tensor.empty(%n) : {hidden}",
        generic("h", "etf ppp", [("act", "etf", both), ("u", "etf", both)], ("h_e", "etf", hidden[7:-1]), rounding),
        *product("y", "h", "w_down", (D, F), dtype=dtype),
    ]  # fmt: skip


# [T, E, D], with a product that starts from a bias and a matrix [K, N], and a norm of each row, which are none of
# moe.linear and moe.map.
ROWS_FIRST = [
    f"%b_e = tensor.empty(%n) : tensor<?x{E}x{D}xf32>",
    generic("b", "ted ppp", [("w_offset", "ed", f"{E}x{D}xf32")], ("b_e", "ted", f"?x{E}x{D}xf32"),
            "%v = arith.addf %a0, %zero : f32"),
    generic("p", "tenk pppr", [("x", "tk", f"?x{D}xf32"), ("w_turned", "ekn", f"{E}x{D}x{D}xf32")],
            ("b", "ten", f"?x{E}x{D}xf32"), MULTIPLY_ADD),
    filled("q0", f"?x{E}"),
    generic("q", "ted ppr", [("p", "ted", f"?x{E}x{D}xf32")], ("q0", "te", f"?x{E}xf32"),
            "%m = arith.mulf %a0, %a0 : f32\n    %v = arith.addf %o, %m : f32"),
    generic("y", "ted ppp", [("p", "ted", f"?x{E}x{D}xf32"), ("q", "te", f"?x{E}xf32")],
            ("b_e", "ted", f"?x{E}x{D}xf32"), "%d = math.sqrt %a1 : f32\n    %v = arith.divf %a0, %d : f32"),
]  # fmt: skip


def from_given(_, given):
    return [[(int(e), p) for e, p in zip(row[:3], row[3:], strict=True) if 0 <= int(e) < E] for row in given]


def from_router(logits, _):
    chosen = [best(row, 2) for row in logits]
    return [list(zip(c, softmax(row[c]), strict=True)) for c, row in zip(chosen, logits, strict=True)]


def gated_row(rounded, row, *weights):
    gate, bias, up, down = weights
    return down @ rounded(silu(gate @ row + bias) * (up @ row))


def normed_row(row, turned, offset):
    y = row @ turned + offset
    return y / np.sqrt(y @ y)


class Layer:
    def __init__(self, name, weights, pairs, lines, compute_row, *, dtype="f32"):
        self.name, self.weights, self.pairs, self.dtype = name, weights, pairs, dtype
        self.mask, self.experts, self.combination = lines
        self.compute_row = compute_row
        self.given = pairs is from_given

    def text(self, block):
        shapes = {n: ALL[n] for n in ([] if self.given else ["router"]) + self.weights}
        arguments = ", ".join(f"%w_{n.removesuffix('_bf16')}: tensor<{'x'.join(map(str, s))}x{t}>"
                              for n, (s, t) in shapes.items())  # fmt: skip
        return LAYER.format(
            block=block, name=self.name, D=D, t=self.dtype, symbols=", ".join("@" + n for n in shapes),
            given=", %given: tensor<?x6xf32>" if self.given else "", arguments=arguments,
            ids=GIVEN if self.given else ROUTED.replace("{t}", self.dtype), mask="\n  ".join(self.mask),
            experts="\n  ".join(self.experts), combination="\n  ".join(self.combination),
        )  # fmt: skip

    def compute(self, w, x, given=None):
        out = np.zeros((len(x), D))
        for t, pairs in enumerate(self.pairs(x @ w["router"].T, given)):
            for e, p in pairs:
                out[t] += p * self.compute_row(x[t], *(w[n][e] for n in self.weights))
        return [out]


GATED = ["gate", "bias", "up", "down"]
LAYERS = [
    Layer("relu_given", ["up", "down"], from_given, (selected_mask(3), RELU_MLP, summed()),
          lambda row, up, down: down @ np.maximum(up @ row, 0)),
    Layer("relu_routed", ["up", "down"], from_router, (one_hot_mask(2), RELU_MLP, MASKED_THEN_SUMMED),
          lambda row, up, down: down @ np.maximum(up @ row, 0)),
    Layer("gated_given", GATED, from_given, (one_hot_mask(3), gated("f32"), MASKED_THEN_SUMMED),
          lambda *of: gated_row(np.asarray, *of)),
    Layer("gated_bf16", ["gate_bf16", "bias", "up_bf16", "down_bf16"], from_router,
          (selected_mask(2), gated("bf16"), summed()), lambda *of: gated_row(bf16, *of), dtype="bf16"),
    Layer("rows_first", ["turned", "offset"], from_given, (selected_mask(3), ROWS_FIRST, summed("ted", f"?x{E}x{D}")),
          normed_row),
]  # fmt: skip

ALL = {"router": ((E, D), "f32"), "bias": ((E, F), "f32"), "turned": ((E, D, D), "f32"), "offset": ((E, D), "f32")}
for _name, _shape in {"gate": (E, F, D), "up": (E, F, D), "down": (E, D, F)}.items():
    ALL |= {_name: (_shape, "f32"), f"{_name}_bf16": (_shape, "bf16")}


def module():
    """All layers, and their weights: {name: (shape, dtype)}."""
    text = [f'moe.weight @{name} : tensor<{"x".join(map(str, shape))}x{dtype}> from "{name}"'
            for name, (shape, dtype) in ALL.items()]  # fmt: skip
    return "\n".join(text + [layer.text(block) for block, layer in enumerate(LAYERS)]), ALL
