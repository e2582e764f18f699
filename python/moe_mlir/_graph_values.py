# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the values of a module's graph are, in words of routing: rows, weights, choices, sums over experts.

Dimensions carry labels: "T" for rows, "K" for the places of a choice, "E" for experts, "F" for elements, "1".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch

from moe_mlir._scalars import NotUnderstood


@dataclass(frozen=True, eq=False)
class Weight:
    """A parameter, perhaps a part of it or turned. `places`: indexed by the experts of each place, so that [T, K] stand
    before its own dimensions without that of the experts."""

    tensor: torch.Tensor
    places: Any = None  # the Ids

    @property
    def labels(self) -> tuple[str | None, ...]:
        own = (None,) * self.tensor.dim()
        return own if self.places is None else ("T", "K", *own[1:])

    def turned(self, order) -> Weight:
        if self.places is not None:
            if tuple(order[:2]) != (0, 1):
                raise NotUnderstood("gathered weights whose rows do not come first")
            order = (0, *[at - 1 for at in order[2:]])
        return replace(self, tensor=self.tensor.permute(tuple(order)))


@dataclass(frozen=True, eq=False)
class Expr:
    """A function of one row: "x", "linear", "scalar", "vector", "softmax" or "moe"."""

    op: str
    width: int
    args: tuple = ()
    weight: Any = None  # of linear and vector: tensors by expert, or one tensor [N, K], [N]; stacked: [E, ...]
    stacked: bool = False
    node: Any = None  # of scalar: the graph's node, whose operands that are rows are args
    moe: Any = None  # of moe: (the expert's Expr, Choice)


@dataclass(frozen=True, eq=False)
class Rows:
    """A function of each row, or of each row at each expert (`slot` "E") or place ("K")."""

    expr: Expr
    labels: tuple[str, ...]
    slot: str | None = None
    at: Any = None  # only rows that chose this expert: (Ids, e)


@dataclass(frozen=True, eq=False)
class TopK:
    scores: Expr
    count: int
    bias: Expr | None = None  # added for the choice alone


@dataclass(frozen=True, eq=False)
class Ids:
    top: TopK


@dataclass(frozen=True, eq=False)
class Choice:
    """Weights of the chosen experts, [T, K]: what top-k gave and what was done to it. Without `top` all experts of
    `scores` are chosen."""

    top: TopK | None
    steps: tuple = ()  # ("softmax",), ("sigmoid",), ("renormalize", eps, min), ("scale", factor)
    labels: tuple[str, ...] = ("T", "K")
    scores: Expr | None = None


@dataclass(frozen=True, eq=False)
class ChoiceSum:
    """The sum of a row's weights, kept as a column."""

    of: Choice
    eps: float = 0.0
    least: float = 0.0


@dataclass(frozen=True, eq=False)
class OneHot:
    ids: Ids
    labels: tuple[str, ...] = ("T", "K", "E")


@dataclass(frozen=True, eq=False)
class Mask:
    """Places that chose an expert."""

    ids: Ids
    expert: int


@dataclass(frozen=True, eq=False)
class Place:
    """Where a mask is set: its rows ("T") or its places ("K")."""

    mask: Mask
    which: str


@dataclass(frozen=True, eq=False)
class Dense:
    """Weights [T, E], zero where an expert was not chosen; or, `hot`, of the places, [T, K, E]."""

    choice: Choice
    labels: tuple[str, ...] = ("T", "E")


@dataclass(frozen=True, eq=False)
class Masked:
    """A choice's weights at the places of one expert, zero elsewhere."""

    choice: Choice
    expert: int


@dataclass(frozen=True, eq=False)
class Column:
    """Each row's weight of one expert."""

    choice: Choice
    expert: int
    labels: tuple[str, ...] = ("T",)
    at: Any = None


@dataclass(frozen=True, eq=False)
class Weighted:
    """Rows at each expert or place times their weights."""

    rows: Rows
    choice: Choice


@dataclass(frozen=True, eq=False)
class Partial:
    """A sum over some experts; `terms` are (expert, Expr, Choice). No terms: zeros."""

    terms: tuple = ()
    at: Any = None  # a term of rows that chose this expert


def base_of(choice: Choice):
    """Two choices are one if they come from one top-k and the same was done to them."""
    return (choice.top if choice.top is not None else choice.scores, choice.steps)


def unified(exprs: list[Expr]) -> Expr:
    """One function of an expert out of those of all experts, which differ in their weights only."""
    first = exprs[0]
    for other in exprs[1:]:
        same = (other.op, other.width, len(other.args), other.stacked) == (
            first.op,
            first.width,
            len(first.args),
            first.stacked,
        )
        if not same or (first.node is not None and not _same_node(first.node, other.node)):
            raise NotUnderstood("experts that do not all compute the same function")
    if first.op in ("x", "moe"):
        if any(other is not first for other in exprs):
            raise NotUnderstood("experts of different rows")
        return first
    args = tuple(unified([e.args[i] for e in exprs]) for i in range(len(first.args)))
    weight, stacked = first.weight, first.stacked
    if weight is not None:
        shapes = {e.weight.shape for e in exprs}
        if len(shapes) > 1:
            raise NotUnderstood(f"experts with weights of different shapes, {', '.join(map(str, map(tuple, shapes)))}")
        weight, stacked = [e.weight for e in exprs], True
    return replace(first, args=args, weight=weight, stacked=stacked)


def _same_node(a, b) -> bool:
    def plain(values):
        return [v for v in values if not isinstance(v, torch.fx.Node)]

    return (
        a.target == b.target and plain(a.args) == plain(b.args) and plain(a.kwargs.items()) == plain(b.kwargs.items())
    )
