# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Expert bodies as text: activations and MLPs, a table row each."""

ONE, ZERO = "arith.constant 1.0 : f32", "arith.constant 0.0 : f32"

# Scalar functions of %a in f32 that leave their value in %act.
ACTIVATIONS = {
    "identity": [f"%zero = {ZERO}", "%act = arith.addf %a, %zero : f32"],
    "relu": [f"%zero = {ZERO}", "%act = arith.maximumf %a, %zero : f32"],
    "relu_squared": [f"%zero = {ZERO}", "%pos = arith.maximumf %a, %zero : f32", "%act = arith.mulf %pos, %pos : f32"],
    "sigmoid": [f"%one = {ONE}", "%neg = arith.negf %a : f32", "%exp = math.exp %neg : f32",
                "%den = arith.addf %exp, %one : f32", "%act = arith.divf %one, %den : f32"],
    "silu": [f"%one = {ONE}", "%neg = arith.negf %a : f32", "%exp = math.exp %neg : f32",
             "%den = arith.addf %exp, %one : f32", "%act = arith.divf %a, %den : f32"],
    "tanh": ["%act = math.tanh %a : f32"],
    "gelu": [f"%one = {ONE}", "%half = arith.constant 0.5 : f32", "%root = arith.constant 0.70710678 : f32",
             "%in = arith.mulf %a, %root : f32", "%erf = math.erf %in : f32", "%sum = arith.addf %erf, %one : f32",
             "%part = arith.mulf %a, %half : f32", "%act = arith.mulf %part, %sum : f32"],
    "clamped_swish": [f"%one = {ONE}", "%limit = arith.constant 7.0 : f32", "%slope = arith.constant -1.702 : f32",
                      "%low = arith.minimumf %a, %limit : f32", "%in = arith.mulf %low, %slope : f32",
                      "%exp = math.exp %in : f32", "%den = arith.addf %exp, %one : f32",
                      "%act = arith.divf %low, %den : f32"],
}  # fmt: skip


def rows(width, dtype):
    return f"tensor<?x{width}x{dtype}>"


class Text:
    """Lines of a function with names that do not meet."""

    def __init__(self):
        self.lines, self.count = [], 0

    def name(self, stem="v"):
        self.count += 1
        return f"%{stem}{self.count}"

    def add(self, line):
        self.lines.append(line)

    def linear(self, x, shape, dtype, matrix, result):
        """One product: [rows, width] times a matrix of shape (inner, width)."""
        inner, width = shape
        out = self.name("p")
        self.add(f"{out} = moe.linear {x}, {matrix} : {rows(width, dtype)}, tensor<{inner}x{width}x{dtype}> "
                 f"-> {rows(inner, result)}")  # fmt: skip
        return out

    def map(self, width, operands, result, body, value):
        """moe.map over operands (name, dtype, is a vector); they are %a, %b, %c, ... of `body`, in f32."""
        out, types, arguments, widen = self.name("m"), [], [], []
        for letter, (_, dtype, vector) in zip("abcdef", operands, strict=False):
            types.append(f"tensor<{width}x{dtype}>" if vector else rows(width, dtype))
            raw = letter if dtype == "f32" else f"{letter}_{dtype}"
            arguments.append(f"%{raw}: {dtype}")
            if dtype != "f32":
                widen.append(f"%{letter} = arith.extf %{raw} : {dtype} to f32")
        self.add(f"{out} = moe.map {', '.join(name for name, *_ in operands)} : {', '.join(types)} "
                 f"-> {rows(width, result)} {{")  # fmt: skip
        self.add(f"^bb0({', '.join(arguments)}):")
        self.lines += [*widen, *body]
        if result != "f32":
            self.add(f"%narrow = arith.truncf {value} : f32 to {result}")
            value = "%narrow"
        self.lines += [f"moe.yield {value} : {result}", "}"]
        return out


def mlp(text, layer, x, scope, *, act, gated=False, biased=False, residual=False, slope=False, narrow=False):
    """act(x W + b) [* (x V + c)] D [+ d] [+ x], in f32; `scope` declares a weight and gives its name in this region."""
    d, f, t = layer.D, layer.F, layer.t
    product = t if narrow else "f32"
    first = text.linear(x, (f, d), t, scope("up", (f, d)), product)
    operands, body = [(first, product, False)], []
    letter = iter("bcdef")
    if gated:
        operands.append((text.linear(x, (f, d), t, scope("gate", (f, d)), product), product, False))
        gate = next(letter)
    if biased:
        operands.append((scope("up_bias", (f,)), t, True))
        bias = next(letter)
    if slope:
        operands.append((scope("slope", (f,)), t, True))
        leak = next(letter)
    lines = list(ACTIVATIONS[act])
    if biased:  # %a of the activation is the sum
        body.append(f"%biased = arith.addf %a, %{bias} : f32")
        lines = [line.replace("%a,", "%biased,").replace("%a ", "%biased ") for line in lines]
    body += lines
    value = "%act"
    if slope:
        body += [f"%leak = arith.mulf %act, %{leak} : f32"]
        value = "%leak"
    if gated:
        body.append(f"%gated = arith.mulf {value}, %{gate} : f32")
        value = "%gated"
    h = text.map(f, operands, t, body, value)
    y = text.linear(h, (d, f), t, scope("down", (d, f)), "f32")
    if biased:
        y = text.map(d, [(y, "f32", False), (scope("down_bias", (d,)), t, True)], "f32",
                     ["%sum = arith.addf %a, %b : f32"], "%sum")  # fmt: skip
    if residual:
        y = text.map(d, [(y, "f32", False), (x, t, False)], "f32", ["%sum = arith.addf %a, %b : f32"], "%sum")
    return y


def single(text, layer, x, scope, **_):
    """One matrix and nothing else."""
    return text.linear(x, (layer.D, layer.D), layer.t, scope("only", (layer.D, layer.D)), "f32")


def shared_factor(text, layer, x, scope, *, act, **_):
    """Two products of which one is used twice."""
    d, f, t = layer.D, layer.F, layer.t
    p = text.linear(x, (f, d), t, scope("p", (f, d)), "f32")
    q = text.linear(x, (f, d), t, scope("q", (f, d)), "f32")
    product = [*ACTIVATIONS[act], "%m = arith.mulf %act, %b : f32"]
    m = text.map(f, [(p, "f32", False), (q, "f32", False)], "f32", product, "%m")
    n = text.map(f, [(m, "f32", False), (p, "f32", False)], t, ["%n = arith.addf %a, %b : f32"], "%n")
    return text.linear(n, (d, f), t, scope("down", (d, f)), "f32")


# name: (function, what it is called with)
BODIES = {
    "plain": (mlp, {}),
    "plain biased": (mlp, {"biased": True}),
    "gated": (mlp, {"gated": True}),
    "gated biased": (mlp, {"gated": True, "biased": True}),
    "gated narrow": (mlp, {"gated": True, "narrow": True}),
    "slope": (mlp, {"slope": True}),
    "residual": (mlp, {"residual": True}),
    "gated residual": (mlp, {"gated": True, "residual": True, "biased": True}),
    "single": (single, {}),
    "shared factor": (shared_factor, {}),
}
