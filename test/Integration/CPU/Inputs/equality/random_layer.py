# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A random layer of the model form, as valid IR, from a seed and a number alone.

Logits are exact in f32 whatever the order of the sum: rows are multiples of 1/8, router weights of 1/16. So ties are
frequent, and both lowerings see the same ones.
"""

import random

import bodies
import numpy as np
import routers
from bodies import rows

SEED = 20261125
WIDTHS = (1, 2, 3, 5, 8, 16, 17, 24, 31, 32, 33, 40, 48, 64, 65, 96)
EXPERTS = (1, 2, 3, 4, 5, 6, 8, 9, 12, 16, 17, 20, 24, 33, 64)
COMBINE = ("weighted_sum", "weighted_sum", "weighted_sum", "sum", "mean", "max", "log_sum_exp")


class Layer:
    def __init__(self, seed, index):
        self.seed, self.index = seed, index
        self.rng = rng = random.Random(f"{seed}/{index}")
        self.text, self.weights, self.arguments, self.notes = bodies.Text(), {}, [], []
        self.logits, self.given, self.negative = None, 0, False
        self.t = rng.choice(("f32", "bf16"))
        self.router_type, self.weight_type = rng.choice(("f32", self.t)), rng.choice(("f32", "f32", "bf16"))
        self.E, self.D, self.F = rng.choice(EXPERTS), rng.choice(WIDTHS), rng.choice(WIDTHS)
        self.emit()

    def note(self, what):
        self.notes.append(what)

    def describe(self):
        return f"E={self.E} D={self.D} F={self.F} {self.t}: " + ", ".join(self.notes)

    def weight(self, name, shape, dtype, values):
        """Declares a weight; `values` says what it is filled with: "grid" (exact) or "normal"."""
        full, number = f"l{self.index}.{name}", sum(w.rsplit(".", 1)[1].split("_of")[0] == name for w in self.weights)
        full += f"_of{number}" if number else ""
        self.weights[full] = (shape, dtype, values)
        self.arguments.append((f"%w{len(self.arguments)}", f"tensor<{'x'.join(map(str, shape))}x{dtype}>"))
        return self.arguments[-1][0]

    def experts(self, ragged, kind):
        """moe.experts with a body of the table; gives the name of what it returns."""
        body, flags = bodies.BODIES[kind]
        outer, inner, used = self.text, bodies.Text(), []
        inner.count = 1000 * (1 + outer.count)

        def scope(name, shape):
            argument = self.weight(name, (self.E, *shape), self.t, "normal")
            used.append((argument, shape, inner.name("s")))
            return used[-1][2]

        act = self.rng.choice(list(bodies.ACTIVATIONS))
        self.note(f"{kind} {act}")
        y = body(inner, self, "%row", scope, act=act, **flags)
        matrix = "tensor<{}x{}>".format
        types = [matrix("x".join(map(str, (self.E, *shape))), self.t) for _, shape, _ in used]
        out = outer.name("experts")
        given = f"!moe.ragged<{self.E}, {self.D}, {self.t}>"
        outer.add(f"{out} = moe.experts {ragged} weights {', '.join(name for name, *_ in used)} : "
                  f"{', '.join([given, *types])} -> !moe.ragged<{self.E}, {self.D}, f32> {{")  # fmt: skip
        slices = [f"{name}: {matrix('x'.join(map(str, shape)), self.t)}" for _, shape, name in used]
        outer.add(f"^bb0({', '.join([f'%row: {rows(self.D, self.t)}', *slices])}):")
        outer.lines += [*inner.lines, f"moe.yield {y} : {rows(self.D, 'f32')}", "}"]
        return out

    def shared(self):
        """A dense MLP of every row."""
        body, flags = bodies.BODIES[self.rng.choice(("plain", "gated", "gated biased"))]
        self.note("shared expert")
        return body(self.text, self, "%x", lambda name, shape: self.weight(f"shared_{name}", shape, self.t, "normal"),
                    act=self.rng.choice(list(bodies.ACTIVATIONS)), **flags)  # fmt: skip

    def emit(self):
        rng, text = self.rng, self.text
        routing, routing_type, count, axis = rng.choice(routers.ROUTERS)(self)
        d, t, e = self.D, self.t, self.E
        weighted = rng.random() < 0.25
        ragged = text.name("ragged")
        text.add(f"{ragged} = moe.dispatch %x by {routing} {'weighted' if weighted else ''} : {rows(d, t)}, "
                 f"{routing_type} -> !moe.ragged<{e}, {d}, {t}>")  # fmt: skip
        y = self.experts(ragged, rng.choice(list(bodies.BODIES)))
        # A logarithm of a sum with negative weights is no number, or as good as none.
        kinds = [kind for kind in COMBINE if kind != "log_sum_exp" or not self.negative]
        kind = rng.choice(kinds)
        self.note(("weighted rows, " if weighted else "") + kind)
        shared = rng.random() < 0.25
        result = "f32" if shared or rng.random() < 0.2 else t
        like, like_type = (" like %x", f", {rows(d, t)}") if axis == "row" else ("", "")
        out = text.name("out")
        text.add(f"{out} = moe.combine {y} by {routing} {kind}{like} : !moe.ragged<{e}, {d}, f32>, {routing_type}"
                 f"{like_type} -> {rows(d, result)}")  # fmt: skip
        if shared:
            out = text.map(d, [(out, "f32", False), (self.shared(), "f32", False)], t,
                           ["%sum = arith.addf %a, %b : f32"], "%sum")  # fmt: skip
            result = t
        self.results = [("output", out, rows(d, result))]
        if self.logits:
            self.results.append(("logits", self.logits[0], rows(e, self.logits[1])))
        # Windows have ids of a number of rows that no result of a kernel has.
        if axis == "expert":
            self.unpack(routing, routing_type, count)

    def unpack(self, routing, routing_type, count):
        ids, factors = self.text.name("ids"), self.text.name("factors")
        types = rows(count, "i32"), rows(count, self.weight_type)
        self.text.add(f"{ids}, {factors} = moe.unpack_routing {routing} : {routing_type} -> {types[0]}, {types[1]}")
        self.results += [("experts", ids, types[0]), ("weights", factors, types[1])]

    def module_text(self):
        names = [f"@{name}" for name in self.weights]
        declared = [f'moe.weight {name} : {kind} from "{name[1:]}"' for name, (_, kind) in
                    zip(names, self.arguments, strict=True)]  # fmt: skip
        inputs = [("%x", rows(self.D, self.t))] + ([("%given", rows(2 * self.given, "f32"))] if self.given else [])
        arguments = ", ".join(f"{name}: {kind}" for name, kind in inputs + self.arguments)
        results = ", ".join(f'{kind} {{moe.name = "{name}"}}' for name, _, kind in self.results)
        values, kinds = (", ".join(result[i] for result in self.results) for i in (1, 2))
        return "\n".join([
            *declared, f"moe.layer @moe{self.index} block {self.index} = @layer{self.index}({', '.join(names)})",
            f"func.func @layer{self.index}({arguments}) -> ({results}) {{", *self.text.lines,
            f"return {values} : {kinds}", "}", ""])  # fmt: skip

    def draw_weights(self):
        """{name: (array, dtype)}; products keep the size of their rows."""
        numbers = np.random.default_rng([self.seed, self.index])
        drawn = {}
        for name, (shape, dtype, values) in self.weights.items():
            if values == "grid":
                array = numbers.integers(-16, 17, shape) / 16
            else:
                array = numbers.standard_normal(shape) * (shape[-1] ** -0.5 if shape[-1] > 1 else 1)
            drawn[name] = (array.astype(np.float32), dtype)
        return drawn

    def draw_inputs(self, tokens):
        """Arrays for the inputs of the layer: [(array, dtype)]."""
        numbers = np.random.default_rng([self.seed, self.index, tokens])
        x = numbers.integers(-8, 9, (tokens, self.D)) / 8
        # Tokens tend to be alike, so that some experts are crowded and others get none.
        x = np.where(numbers.random((tokens, 1)) < 0.3, x[:1], x) if tokens else x
        inputs = [(x.astype(np.float32), self.t)]
        if self.given:
            ids = numbers.integers(-1, self.E, (tokens, self.given))
            factors = numbers.integers(1, 17, (tokens, self.given)) / 16
            inputs.append((np.concatenate([ids, factors], axis=1).astype(np.float32), "f32"))
        return inputs
