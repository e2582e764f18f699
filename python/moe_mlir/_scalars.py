# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Elementwise functions of PyTorch as scalar code of MLIR.

A function is traced to a graph of ATen operators on tensors; each operator that works element by element becomes a few
ops of arith and math on f32, whatever the tensors' format. What is not understood is named.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable

import torch


class NotUnderstood(ValueError):
    """A node of a graph that has no translation; the message names it."""


def float_text(value: float) -> str:
    """A number as MLIR writes it: with a point, whatever the exponent."""
    return repr(value) if "e" not in repr(value) else f"{value:.17e}"


class ScalarCode:
    """Lines of scalar ops on f32 with fresh names."""

    def __init__(self, prefix: str = "%s"):
        self.lines: list[str] = []
        self.constants: dict[float, str] = {}
        self._prefix, self._count = prefix, 0

    def emit(self, op: str, *operands: str, type: str = "f32") -> str:  # noqa: A002
        self._count += 1
        name = f"{self._prefix}{self._count}"
        self.lines.append(f"{name} = {op} {', '.join(operands)} : {type}")
        return name

    def constant(self, value: float) -> str:
        value = float(value)
        if value not in self.constants:
            self._count += 1
            name = self.constants[value] = f"{self._prefix}{self._count}"
            if math.isfinite(value):
                text = float_text(value)
            else:
                text = "0x7F800000" if value > 0 else "0xFF800000" if value < 0 else "0x7FC00000"
            self.lines.append(f"{name} = arith.constant {text} : f32")
        return self.constants[value]

    # Functions that are more than an op.

    def sigmoid(self, x):
        denominator = self.emit("arith.addf", self.emit("math.exp", self.emit("arith.negf", x)), self.constant(1))
        return self.emit("arith.divf", self.constant(1), denominator)

    def silu(self, x):
        denominator = self.emit("arith.addf", self.emit("math.exp", self.emit("arith.negf", x)), self.constant(1))
        return self.emit("arith.divf", x, denominator)

    def gelu(self, x, approximate="none"):
        if approximate == "tanh":
            cube = self.emit("arith.mulf", self.emit("arith.mulf", x, x), x)
            inner = self.emit("arith.addf", x, self.emit("arith.mulf", cube, self.constant(0.044715)))
            scaled = self.emit("arith.mulf", inner, self.constant(math.sqrt(2 / math.pi)))
            bent = self.emit("math.tanh", scaled)
        else:
            bent = self.emit("math.erf", self.emit("arith.mulf", x, self.constant(math.sqrt(0.5))))
        half = self.emit("arith.mulf", x, self.constant(0.5))
        return self.emit("arith.mulf", half, self.emit("arith.addf", bent, self.constant(1)))

    def softplus(self, x, beta=1.0, threshold=20.0):
        # log(1 + e^-|bx|) / b + max(x, 0) overflows nowhere, so that the threshold is not needed.
        magnitude = self.emit("math.absf", self.emit("arith.mulf", x, self.constant(beta)))
        grown = self.emit("math.exp", self.emit("arith.negf", magnitude))
        log = self.emit("math.log", self.emit("arith.addf", grown, self.constant(1)))
        return self.emit("arith.addf", self.emit("arith.divf", log, self.constant(beta)), self.clamp(x, 0.0))

    def clamp(self, x, low=None, high=None):
        if low is not None:
            x = self.emit("arith.maximumf", x, low if isinstance(low, str) else self.constant(low))
        if high is not None:
            x = self.emit("arith.minimumf", x, high if isinstance(high, str) else self.constant(high))
        return x

    def power(self, x, exponent):
        if exponent == 0.5:
            return self.emit("math.sqrt", x)
        if exponent not in (1, 2, 3, 4):
            raise NotUnderstood(f"a power of {exponent}")
        result = x
        for _ in range(int(exponent) - 1):
            result = self.emit("arith.mulf", result, x)
        return result


aten = torch.ops.aten


def _binary(op):
    def emit(code, a, b, alpha=1, rounding_mode=None):
        if rounding_mode is not None:
            raise NotUnderstood("a division that rounds")
        b = code.emit("arith.mulf", b, code.constant(alpha)) if alpha != 1 else b
        return code.emit(op, a, b)

    return emit


def _unary(op):
    return lambda code, a: code.emit(op, a)


# What each operator is; its tensors and numbers are names of values.
OPERATORS: dict = {
    aten.add: _binary("arith.addf"),
    aten.sub: _binary("arith.subf"),
    aten.rsub: lambda code, a, b: code.emit("arith.subf", b, a),
    aten.mul: _binary("arith.mulf"),
    aten.div: _binary("arith.divf"),
    aten.minimum: _binary("arith.minimumf"),
    aten.maximum: _binary("arith.maximumf"),
    aten.neg: _unary("arith.negf"),
    aten.exp: _unary("math.exp"),
    aten.log: _unary("math.log"),
    aten.tanh: _unary("math.tanh"),
    aten.sqrt: _unary("math.sqrt"),
    aten.abs: _unary("math.absf"),
    aten.erf: _unary("math.erf"),
    aten.rsqrt: lambda code, a: code.emit("arith.divf", code.constant(1), code.emit("math.sqrt", a)),
    aten.reciprocal: lambda code, a: code.emit("arith.divf", code.constant(1), a),
    aten.sigmoid: ScalarCode.sigmoid,
    aten.silu: ScalarCode.silu,
    aten.gelu: ScalarCode.gelu,
    aten.softplus: ScalarCode.softplus,
    aten.mish: lambda code, a: code.emit("arith.mulf", a, code.emit("math.tanh", code.softplus(a))),
    aten.relu: lambda code, a: code.clamp(a, 0.0),
    aten.square: lambda code, a: code.emit("arith.mulf", a, a),
    aten.pow: ScalarCode.power,
    aten.clamp: ScalarCode.clamp,
    aten.hardtanh: lambda code, a, low=-1.0, high=1.0: code.clamp(a, low, high),
    aten.clamp_min: lambda code, a, low: code.clamp(a, low),
    aten.clamp_max: lambda code, a, high: code.clamp(a, None, high),
}
# Change the format or nothing: all is computed in f32.
SAME = {
    aten._to_copy,
    aten.to,
    aten.alias,
    aten.clone,
    aten.detach,
    aten.contiguous,
    aten.dropout,
    aten.lift_fresh_copy,
}
SPLITS = {aten.split, aten.chunk, aten.split_with_sizes}
# Operands that are numbers in any case.
NUMBERS = {aten.pow, aten.clamp, aten.hardtanh, aten.clamp_min, aten.clamp_max, aten.softplus}


def is_scalar_operator(packet) -> bool:
    return packet in OPERATORS or packet in SAME


def packet_of(node):
    """The operator of a node without its overload; None for a node that calls none."""
    return getattr(node.target, "overloadpacket", None) if node.op == "call_function" else None


def emit_node(code: ScalarCode, node, value: Callable) -> str:
    """The value of an elementwise node; `value` gives that of one of its arguments."""
    packet = packet_of(node)
    if packet in SAME:
        return value(node.args[0])
    if packet not in OPERATORS:
        raise NotUnderstood(f"the operator {node.target} (node {node.name})")

    def operand(argument):
        if isinstance(argument, int | float) and packet not in NUMBERS:
            return code.constant(argument)
        return value(argument) if isinstance(argument, torch.fx.Node) else argument

    kwargs = {key: each for key, each in node.kwargs.items() if key not in ("dtype", "inplace")}
    return OPERATORS[packet](code, *map(operand, node.args), **{k: operand(v) for k, v in kwargs.items()})


def part_of(node, width: int):
    """(begin, step) of the columns of its argument that a node takes, out of `width`; None when it is no such node."""
    packet = packet_of(node)
    if packet is aten.slice:
        _, dim, begin, _, step = (*node.args, None, None, None, None)[:5]
        if (dim or 0) in (-1, node.meta["val"].dim() - 1):
            return begin or 0, step or 1
    halved = node.target is operator.getitem and packet_of(node.args[0]) in SPLITS
    if halved and node.meta["val"].shape[-1] * 2 == width:
        return node.args[1] * width // 2, 1
    return None


def whole_slice(node) -> bool:
    """A slice that takes everything of a dimension, as `[..., ::2]` makes of the dimensions before the last."""
    return packet_of(node) is aten.slice and node.meta["val"].shape == node.args[0].meta["val"].shape
