# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The `moe` IR of a block that was read from a module's graph."""

from __future__ import annotations

import itertools

import torch

from moe_mlir._graph_values import Choice, Expr
from moe_mlir._scalars import NotUnderstood, ScalarCode, emit_node, float_text, packet_of

aten = torch.ops.aten


class ModuleWriter:
    """Writes one layer; `weights` are its tensors by the names that the IR gives them."""

    def __init__(self, output: Expr, dtype: str):
        self.dtype = dtype
        self.weights: dict[str, torch.Tensor] = {}
        self.symbols: list[str] = []
        self.arguments: list[tuple[str, str]] = []  # (name, type) of the kernel's weights
        self.names = (f"%v{i}" for i in itertools.count())
        self.info: dict[str, int] = {}
        self.routing: list[tuple[str, str]] | None = None  # (value, type) of experts and weights
        body: list[str] = []
        width = width_of_input(output)
        self.rows = ("%x", f"tensor<?x{width}x{dtype}>")
        result = self.value(output, body, {}, dtype)
        self.ir = self.module(body, result, output.width)

    def module(self, body, result, width) -> str:
        t = self.dtype
        arguments = [f"%x: {self.rows[1]}"] + [f"%{name}: {type_}" for name, type_ in self.arguments]
        results = [(result, f'tensor<?x{width}x{t}> {{moe.name = "output"}}', f"tensor<?x{width}x{t}>")]
        for name, (value, type_) in zip(("experts", "weights"), self.routing or (), strict=False):
            results.append((value, f'{type_} {{moe.name = "{name}"}}', type_))
        info = ", ".join(f"{key} = {value} : i64" for key, value in self.info.items())
        return "\n".join([
            *self.symbols,
            f"moe.layer @moe0 block 0 = @block({', '.join('@' + name for name, _ in self.arguments)})"
            + (f" info {{{info}}}" if info else ""),
            f"func.func @block({', '.join(arguments)}) -> ({', '.join(r[1] for r in results)}) {{",
            *body,
            f"return {', '.join(r[0] for r in results)} : {', '.join(r[2] for r in results)}",
            "}",
        ]) + "\n"  # fmt: skip

    def weight(self, tensor, stacked: bool) -> tuple[str, str]:
        """Declares a weight; a list has one tensor for each expert."""
        name = f"w{len(self.arguments)}"
        if isinstance(tensor, list):
            source, shape = f"{name}.{{e}}", [len(tensor), *tensor[0].shape]
            self.weights |= {f"{name}.{e}": each for e, each in enumerate(tensor)}
        else:
            source, shape = name, list(tensor.shape)
            self.weights[name] = tensor
        type_ = f"tensor<{'x'.join(map(str, shape))}x{self.dtype}>"
        self.symbols.append(f'moe.weight @{name} : {type_} from "{source}"')
        self.arguments.append((name, type_))
        return f"%{name}", type_

    def value(self, expr: Expr, lines: list[str], known: dict, dtype: str, region=None) -> str:
        """The name of a value of rows in a format; `region` has the experts' slices of weights, inside of experts."""
        key = (id(expr), dtype)
        if key not in known:
            known[key] = getattr(self, f"emit_{expr.op}")(expr, lines, known, dtype, region)
        return known[key]

    def emit_x(self, expr, lines, known, dtype, region):
        name, type_ = region.rows if region else self.rows
        if dtype == self.dtype:
            return name
        return self.map([(name, type_, expr)], lambda code, values: values[expr], lines, expr.width, dtype)

    def operand(self, expr, region) -> tuple[str, str]:
        if region is None:
            if expr.stacked:
                raise NotUnderstood("weights of experts outside of a sum over experts")
            return self.weight(expr.weight, False)
        return region.slice(self, expr)

    def emit_linear(self, expr, lines, known, dtype, region):
        rows = self.value(expr.args[0], lines, known, self.dtype, region)
        matrix, type_ = self.operand(expr, region)
        name, t = next(self.names), self.dtype
        lines.append(
            f"{name} = moe.linear {rows}, {matrix} : tensor<?x{expr.args[0].width}x{t}>, {type_} -> "
            f"tensor<?x{expr.width}x{dtype}>"
        )
        return name

    def emit_scalar(self, expr, lines, known, dtype, region):
        """All scalar code down to products and vectors becomes one map."""
        leaves: dict[int, Expr] = {}

        def collect(each):
            if each.op == "scalar":
                for arg in each.args:
                    collect(arg)
            else:
                leaves[id(each)] = each

        collect(expr)
        inputs = []
        for leaf in sorted(leaves.values(), key=lambda leaf: leaf.op == "vector"):
            if leaf.op == "vector":
                inputs.append((*self.operand(leaf, region), leaf))
            else:
                wide = self.dtype if leaf.op == "x" else "f32"
                name = self.value(leaf, lines, known, wide, region)
                inputs.append((name, f"tensor<?x{leaf.width}x{wide}>", leaf))
        if inputs[0][2].op == "vector":
            raise NotUnderstood("a computation on weights alone")

        def compute(code, values):
            done = dict(values)

            def scalar(each):
                if each not in done:
                    done[each] = self.scalar_node(code, each, scalar)
                return done[each]

            return scalar(expr)

        return self.map(inputs, compute, lines, expr.width, dtype)

    def scalar_node(self, code: ScalarCode, expr, scalar) -> str:
        if expr.node is None:  # a bias
            return code.emit("arith.addf", scalar(expr.args[0]), scalar(expr.args[1]))
        nodes = [a for a in expr.node.args if isinstance(a, torch.fx.Node)]
        of = {id(node): arg for node, arg in zip(nodes, expr.args, strict=True)}
        return emit_node(code, expr.node, lambda node: scalar(of[id(node)]))

    def map(self, inputs, compute, lines, width, dtype) -> str:
        code, name = ScalarCode(f"%s{len(lines)}_"), next(self.names)
        arguments, values = [], {}
        for i, (_, type_, expr) in enumerate(inputs):
            element = type_.rsplit("x", 1)[1].rstrip(">")
            argument = f"%a{len(lines)}_{i}"
            arguments.append(f"{argument}: {element}")
            if element == "f32":
                values[expr] = argument
            else:
                values[expr] = code.emit("arith.extf", argument, type=f"{element} to f32")
        result = compute(code, values)
        if dtype != "f32":
            result = code.emit("arith.truncf", result, type=f"f32 to {dtype}")
        operands, types = ", ".join(i[0] for i in inputs), ", ".join(i[1] for i in inputs)
        lines += [
            f"{name} = moe.map {operands} : {types} -> tensor<?x{width}x{dtype}> {{",
            f"^bb0({', '.join(arguments)}):",
            *code.lines,
            f"moe.yield {result} : {dtype}",
            "}",
        ]
        return name

    def emit_softmax(self, expr, *_):
        raise NotUnderstood("a softmax that is no router's")

    def emit_vector(self, expr, *_):
        raise NotUnderstood("a parameter where rows are expected")

    def emit_moe(self, expr, lines, known, dtype, region):
        if region is not None:
            raise NotUnderstood("experts within experts")
        if self.routing is not None:
            raise NotUnderstood("two routings in one block")
        body, choice = expr.moe
        source = sources_of(body)
        if len(source) != 1:
            raise NotUnderstood("experts that take more than one kind of rows")
        routing, kind, experts = self.route(choice, lines, known)
        inner = Region(self, source[0], experts)
        code: list[str] = []
        result = self.value(body, code, {}, "f32", inner)
        t, width_in, width = self.dtype, source[0].width, expr.width
        rows = self.value(source[0], lines, known, t)
        ragged, outputs, name = next(self.names), next(self.names), next(self.names)
        slices = ", ".join([f"%row: {inner.rows[1]}"] + [f"{n}: {s}" for n, s, _, _ in inner.slices])
        types = ", ".join([f"!moe.ragged<{experts}, {width_in}, {t}>"] + [w for _, _, _, w in inner.slices])
        lines += [
            f"{ragged} = moe.dispatch {rows} by {routing} : tensor<?x{width_in}x{t}>, {kind} -> "
            f"!moe.ragged<{experts}, {width_in}, {t}>",
            f"{outputs} = moe.experts {ragged} weights {', '.join(w for _, _, w, _ in inner.slices)} : {types} -> "
            f"!moe.ragged<{experts}, {width}, f32> {{",
            f"^bb0({slices}):",
            *code,
            f"moe.yield {result} : tensor<?x{width}xf32>",
            "}",
            f"{name} = moe.combine {outputs} by {routing} weighted_sum : !moe.ragged<{experts}, {width}, f32>, {kind} "
            f"-> tensor<?x{width}x{dtype}>",
        ]
        inner_width = next((s.split("x")[0].removeprefix("tensor<") for _, s, _, _ in inner.slices if "x" in s), "0")
        self.info |= {"model_width": width_in, "expert_width": int(inner_width)}
        return name

    def route(self, choice: Choice, lines, known) -> tuple[str, str, int]:
        t = self.dtype
        scores = choice.top.scores if choice.top else choice.scores
        logits, rank, weigh, over = scores, "logits", "identity", "each"
        steps = list(choice.steps)
        if scores.op == "softmax":
            logits, rank, weigh, over = scores.args[0], "scores", "softmax", "all"
        elif scores.op == "scalar" and scores.node is not None and packet_of(scores.node) is aten.sigmoid:
            logits, rank, weigh = scores.args[0], "scores", "sigmoid"
        elif steps and steps[0] == ("softmax",):
            weigh, over = "softmax", "selected"
            steps.pop(0)
        elif steps and steps[0] == ("sigmoid",):
            weigh = "sigmoid"
            steps.pop(0)
        more = ""
        if steps and steps[0][0] == "renormalize":
            _, eps, least = steps.pop(0)
            more += f" renormalize<eps = {float_text(float(eps))}, min = {float_text(float(least))}>"
        if steps and steps[0][0] == "scale":
            more += f" scale {float_text(float(steps.pop(0)[1]))}"
        if steps:
            raise NotUnderstood(f"weights of a choice that are changed by {', then '.join(s[0] for s in choice.steps)}")
        experts = logits.width
        count = choice.top.count if choice.top else experts
        select = f"#moe.top_k<{count}>" if choice.top else "#moe.all"
        rank = rank if choice.top else "logits"
        kind = f"!moe.routing<{experts}, {count}, f32>"
        source, bias = logits, None
        if logits.op == "scalar" and logits.node is None and logits.args[0].op == "linear":
            source, bias = logits.args
        if source.op == "linear":
            rows = self.value(source.args[0], lines, known, t)
            matrix, type_ = self.weight(source.weight, False)
            name = next(self.names)
            extra, extra_type = "", ""
            if bias is not None:
                vector, vector_type = self.weight(bias.weight, False)
                extra, extra_type = f" bias {vector}", f", {vector_type}"
            lines.append(
                f"{name} = moe.score.affine {rows}, {matrix}{extra} : tensor<?x{source.args[0].width}x{t}>, {type_}"
                f"{extra_type} -> tensor<?x{experts}x{t}>"
            )
            logits_type = f"tensor<?x{experts}x{t}>"
        else:
            name, logits_type = self.value(logits, lines, known, "f32"), f"tensor<?x{experts}xf32>"
        if choice.top and choice.top.bias is not None:
            vector, vector_type = self.weight(choice.top.bias.weight, False)
            name, logits_type = f"{name} bias {vector}", f"{logits_type}, {vector_type}"
        routing, ids, weights = next(self.names), next(self.names), next(self.names)
        types = f"tensor<?x{count}xi32>, tensor<?x{count}xf32>"
        lines += [
            f"{routing} = moe.route {name} select {select} rank {rank} weigh #moe.{weigh} over {over}{more} : "
            f"{logits_type} -> {kind}",
            f"{ids}, {weights} = moe.unpack_routing {routing} : {kind} -> {types}",
        ]
        self.routing = [(ids, f"tensor<?x{count}xi32>"), (weights, f"tensor<?x{count}xf32>")]
        self.info |= {"experts": experts, "top_k": count}
        return routing, kind, experts


class Region:
    """What is inside of moe.experts: one expert's rows and slices of weights."""

    def __init__(self, writer: ModuleWriter, source: Expr, experts: int):
        self.rows = ("%row", f"tensor<?x{source.width}x{writer.dtype}>")
        self.experts = experts
        self.slices: list[tuple[str, str, str, str]] = []  # (name, type) inside, (name, type) outside

    def slice(self, writer, expr) -> tuple[str, str]:
        if not expr.stacked:
            raise NotUnderstood("weights that experts share")
        count = len(expr.weight) if isinstance(expr.weight, list) else expr.weight.shape[0]
        if count != self.experts:
            raise NotUnderstood(f"weights of {count} experts, where the router has {self.experts}")
        outer, outer_type = writer.weight(expr.weight, True)
        name = f"%e{len(self.slices)}"
        inner_type = "tensor<" + outer_type.removeprefix("tensor<").split("x", 1)[1]
        self.slices.append((name, inner_type, outer, outer_type))
        return name, inner_type


def sources_of(expr: Expr) -> list[Expr]:
    """The rows that an expression starts from."""
    if expr.op == "x":
        return [expr]
    found: dict[int, Expr] = {}
    for arg in expr.args:
        found |= {id(each): each for each in sources_of(arg)}
    return list(found.values())


def width_of_input(expr: Expr) -> int:
    if expr.op == "x":
        return expr.width
    inner = expr.moe[0] if expr.op == "moe" else None
    for each in ([inner] if inner is not None else []) + list(expr.args):
        if (width := width_of_input(each)) is not None:
            return width
    return None
