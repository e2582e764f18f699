# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the values of a graph have in common: labels that meet, parts of products, parameters beside rows."""

from __future__ import annotations

from dataclasses import replace

import torch

from moe_mlir._graph_values import Expr, Rows
from moe_mlir._scalars import NotUnderstood, packet_of

aten = torch.ops.aten


def shape_of(node):
    return node.meta["val"].shape


def at_of(place):
    return (place.mask.ids.top, place.mask.expert)


def is_scores(expr, experts) -> bool:
    """Weights of all experts: a softmax or sigmoid of as many columns."""
    if expr.width != experts:
        return False
    return expr.op == "softmax" or (
        expr.op == "scalar" and expr.node is not None and packet_of(expr.node) is aten.sigmoid
    )


def linear(expr, matrix, stacked=False) -> Expr:
    return Expr("linear", matrix.shape[-2], (expr,), weight=matrix, stacked=stacked)


def combined(value, labels) -> Rows:
    expr = value.rows.expr
    return Rows(Expr("moe", expr.width, moe=(expr, value.choice)), labels)


def part_of(expr, begin, step, width) -> Expr:
    end = begin + step * (width - 1) + 1
    if expr.op in ("linear", "vector"):
        axis = (1 if expr.stacked else 0) if expr.op == "linear" else -1
        index = [slice(None)] * expr.weight.dim()
        index[axis] = slice(begin, end, step)
        return replace(expr, width=width, weight=expr.weight[tuple(index)])
    if expr.op == "scalar":
        return replace(expr, width=width, args=tuple(part_of(arg, begin, step, width) for arg in expr.args))
    raise NotUnderstood("a part of something else than a product's columns")


def broadcast(a, b):
    """The labels of two arrays together, aligned at the last dimension."""
    size = max(len(a), len(b))
    a, b = (("1",) * (size - len(each)) + tuple(each) for each in (a, b))
    result = []
    for one, other in zip(a, b, strict=True):
        if one != other and "1" not in (one, other):
            raise NotUnderstood(f"dimensions {one} and {other} together")
        result.append(other if one == "1" else one)
    return tuple(result)


def vector(weight, labels, experts) -> Expr:
    """A parameter that is added to (or multiplied with) rows: [F], [E, F] or one for each place."""
    tensor = weight.tensor
    if weight.places is not None:
        if tensor.dim() != 2 or labels[-1] != "F":
            raise NotUnderstood("gathered weights that are no vector for each expert")
        return Expr("vector", tensor.shape[1], weight=tensor, stacked=True)
    of = ("1",) * (len(labels) - tensor.dim()) + tuple(labels[-tensor.dim() :])
    sizes = (1,) * (len(labels) - tensor.dim()) + tuple(tensor.shape)
    used = [label for label, size in zip(of, sizes, strict=True) if size != 1]
    if used == ["F"]:
        return Expr("vector", tensor.numel(), weight=tensor.reshape(-1))
    if used == ["E", "F"]:
        return Expr("vector", sizes[-1], weight=tensor.reshape(experts, -1), stacked=True)
    raise NotUnderstood("a parameter that is neither one number for each element nor for each expert's elements")
