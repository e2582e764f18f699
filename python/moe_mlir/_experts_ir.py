# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The `moe` IR of experts whose routing is made outside, and of their bodies."""

from __future__ import annotations

from dataclasses import dataclass

from moe_mlir._trace import Activation


@dataclass(frozen=True)
class ExpertsDescription:
    """down(activation(first(x))), for each expert, of which each row visits `top_k`.

    The first weight is one tensor `first`, [E, rows, D] (or [E, D, rows], `transposed`), whose rows are one product or
    two (gate and up) as `activation.parts` says; `down` is [E, D, F] or [E, F, D]. With `bias`, `first_bias` [E, rows]
    and `down_bias` [E, D] are added to the products.
    """

    experts: int
    top_k: int
    model_width: int
    expert_width: int
    first_rows: int
    activation: Activation
    dtype: str = "f32"  # of rows and weights
    weight_dtype: str = "f32"  # of the routing's weights
    transposed: bool = False
    bias: bool = False


def part_text(begin: int, step: int, rows: int, of: int, what: str) -> str:
    return "" if rows == of else f" part<{what} {begin} step {step} of {of}>"


def convert(value: str, name: str, source: str, target: str) -> tuple[list[str], str]:
    """A scalar in another format."""
    if source == target:
        return [], value
    op = "arith.extf" if target == "f32" else "arith.truncf"
    return [f"{name} = {op} {value} : {source} to {target}"], name


def activation_map(e: ExpertsDescription) -> list[str]:
    """A moe.map from the products to the input of the last one."""
    act, t, f = e.activation, e.dtype, e.expert_width
    products = [f"%z{i}" for i in range(len(act.inputs))]
    biases = [f"%b{i}" for i in range(len(act.inputs))] if e.bias else []
    types = [f"tensor<?x{f}xf32>"] * len(products) + [f"tensor<{f}x{t}>"] * len(biases)
    lines = [f"%h = moe.map {', '.join(products + biases)} : {', '.join(types)} -> tensor<?x{f}x{t}> {{"]
    if e.bias:
        names = [f"%acc{i}" for i in range(len(products))]
        arguments = [f"{n}: f32" for n in names] + [f"%add{i}: {t}" for i in range(len(biases))]
        lines.append(f"^bb0({', '.join(arguments)}):")
        for i, name in enumerate(act.inputs):
            more, value = convert(f"%add{i}", f"%wide{i}", t, "f32")
            lines += [*more, f"{name} = arith.addf {names[i]}, {value} : f32"]
    else:
        lines.append(f"^bb0({', '.join(f'{name}: f32' for name in act.inputs)}):")
    more, value = convert(act.result, "%rounded", "f32", t)
    return [*lines, *act.lines, *more, f"moe.yield {value} : {t}", "}"]


def bias_map(e: ExpertsDescription) -> list[str]:
    d, t = e.model_width, e.dtype
    more, value = convert("%add", "%wide", t, "f32")
    return [
        f"%y = moe.map %o, %bd : tensor<?x{d}xf32>, tensor<{d}x{t}> -> tensor<?x{d}xf32> {{",
        f"^bb0(%acc: f32, %add: {t}):",
        *more,
        f"%sum = arith.addf %acc, {value} : f32",
        "moe.yield %sum : f32",
        "}",
    ]


class ExpertsWriter:
    """Writes the weights, the body, and what is around it."""

    def __init__(self, e: ExpertsDescription):
        self.e = e
        d, f, t, count = e.model_width, e.expert_width, e.dtype, e.experts
        self.matrix = [f"{f}x{d}x{t}"] * len(e.activation.parts) + [f"{d}x{f}x{t}"]
        self.weights = [f"first{i}" for i in range(len(e.activation.parts))] + ["down"]
        if e.bias:
            self.matrix += [f"{f}x{t}"] * len(e.activation.parts) + [f"{d}x{t}"]
            self.weights += [f"first{i}_bias" for i in range(len(e.activation.parts))] + ["down_bias"]
        self.types = [f"tensor<{count}x{m}>" for m in self.matrix]

    def symbols(self) -> list[str]:
        """The moe.weight symbols, all from tensors called first, down, first_bias and down_bias."""
        e, lines = self.e, []
        side = " transposed" if e.transposed else ""
        for name, type_ in zip(self.weights, self.types, strict=True):
            text = f'moe.weight @{name} : {type_} from "{name.rstrip("0123456789")}"'
            if name.startswith("first"):
                begin, step = e.activation.parts[int(name.removeprefix("first").removesuffix("_bias"))]
                vector = name.endswith("_bias")
                text = f'moe.weight @{name} : {type_} from "{"first_bias" if vector else "first"}"'
                text += "" if vector else side
                text += part_text(begin, step, e.expert_width, e.first_rows, "columns" if vector else "rows")
            elif name == "down":
                text += side
            lines.append(text)
        return lines

    def body(self) -> list[str]:
        """moe.dispatch of %x by %r, moe.experts, and moe.combine into %out."""
        e, n = self.e, len(self.e.activation.parts)
        d, f, t = e.model_width, e.expert_width, e.dtype
        routing = f"!moe.routing<{e.experts}, {e.top_k}, {e.weight_dtype}>"
        slices = [f"%w{i}" for i in range(n)] + ["%wd"] + ([f"%b{i}" for i in range(n)] + ["%bd"] if e.bias else [])
        arguments = [f"%row: tensor<?x{d}x{t}>"]
        arguments += [f"{s}: tensor<{m}>" for s, m in zip(slices, self.matrix, strict=True)]
        lines = [
            f"%rows = moe.dispatch %x by %r : tensor<?x{d}x{t}>, {routing} -> !moe.ragged<{e.experts}, {d}, {t}>",
            f"%outputs = moe.experts %rows weights {', '.join('%' + w for w in self.weights)} : "
            f"!moe.ragged<{e.experts}, {d}, {t}>, {', '.join(self.types)} -> !moe.ragged<{e.experts}, {d}, f32> {{",
            f"^bb0({', '.join(arguments)}):",
        ]
        lines += [
            f"%z{i} = moe.linear %row, %w{i} : tensor<?x{d}x{t}>, tensor<{f}x{d}x{t}> -> tensor<?x{f}xf32>"
            for i in range(n)
        ]
        lines += activation_map(e)
        lines.append(f"%o = moe.linear %h, %wd : tensor<?x{f}x{t}>, tensor<{d}x{f}x{t}> -> tensor<?x{d}xf32>")
        lines += bias_map(e) if e.bias else []
        lines += [
            f"moe.yield {'%y' if e.bias else '%o'} : tensor<?x{d}xf32>",
            "}",
            f"%out = moe.combine %outputs by %r weighted_sum : !moe.ragged<{e.experts}, {d}, f32>, {routing} "
            f"-> tensor<?x{d}x{t}>",
        ]
        return lines


def experts_ir(e: ExpertsDescription) -> str:
    """A module with one layer of three inputs: rows [T, D], ids [T, K] (int32, -1: nowhere), weights [T, K]."""
    writer = ExpertsWriter(e)
    d, k, t, w = e.model_width, e.top_k, e.dtype, e.weight_dtype
    inputs = [f"%x: tensor<?x{d}x{t}>", f"%ids: tensor<?x{k}xi32>", f"%by: tensor<?x{k}x{w}>"]
    inputs += [f"%{name}: {type_}" for name, type_ in zip(writer.weights, writer.types, strict=True)]
    symbols = ", ".join(f"@{name}" for name in writer.weights)
    lines = [
        *writer.symbols(),
        f"moe.layer @moe0 block 0 = @experts({symbols}) "
        f"info {{experts = {e.experts} : i64, top_k = {k} : i64, model_width = {d} : i64, expert_width = "
        f"{e.expert_width} : i64}}",
        f'func.func @experts({", ".join(inputs)}) -> (tensor<?x{d}x{t}> {{moe.name = "output"}}) {{',
        f"%r = moe.make_routing %ids, %by : tensor<?x{k}xi32>, tensor<?x{k}x{w}> -> "
        f"!moe.routing<{e.experts}, {k}, {w}>",
        *writer.body(),
        f"return %out : tensor<?x{d}x{t}>",
        "}",
    ]
    return "\n".join(lines) + "\n"
