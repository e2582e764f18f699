# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Products of rows by experts' matrices, and weighted sums over experts, written as einsum or matmul."""

from __future__ import annotations

import string
from dataclasses import replace

from moe_mlir._graph_values import Choice, Dense, Expr, OneHot, Rows, Weight
from moe_mlir._scalars import NotUnderstood


def matmul(reader, node, a, b):
    """matmul, mm and bmm as an einsum of the same meaning."""
    ranks = [len(argument.meta["val"].shape) for argument in node.args[:2]]
    if min(ranks) < 2:
        raise NotUnderstood("a product by a vector")
    batch = string.ascii_lowercase[: max(ranks) - 2]
    left = batch[len(batch) - (ranks[0] - 2) :] + "xy"
    right = batch[len(batch) - (ranks[1] - 2) :] + "yz"
    shapes = [argument.meta["val"].shape for argument in node.args[:2]]
    sizes = [dict(zip(letters, shape, strict=True)) for letters, shape in zip((left, right), shapes, strict=True)]
    for letter in batch:
        if len({of[letter] for of in sizes if letter in of}) == 2:
            # One has the dimension once: it is repeated along that of the other.
            if isinstance(a, Rows) and sizes[0][letter] == 1:
                a, left = without(a, left, letter)
            elif isinstance(b, Rows) and sizes[1][letter] == 1:
                b, right = without(b, right, letter)
            else:
                raise NotUnderstood("a product that repeats weights along a dimension")
    return contract(reader, f"{left},{right}->{batch}xz", [a, b])


def without(rows, letters, letter):
    at = letters.index(letter)
    labels = rows.labels[:at] + rows.labels[at + 1 :]
    return replace(rows, labels=labels), letters.replace(letter, "")


def contract(reader, equation, operands):
    if "->" not in equation or "." in equation or len(operands) != 2:
        raise NotUnderstood(f"the equation {equation}; expected two operands, and the result's letters")
    inputs, result = equation.split("->")
    pairs = list(zip(inputs.split(","), operands, strict=True))
    for (one, a), (other, b) in (pairs, pairs[::-1]):
        if isinstance(b, Weight) and not isinstance(a, Weight):
            return product(reader, (one, other, result), reader.rows(a), b)
        if isinstance(a, OneHot) and isinstance(b, Choice):
            return dense(one, other, b, result)
        choice = reader.as_choice(b) if isinstance(b, Choice | Dense | Rows) else None
        if choice is not None and isinstance(a, Rows) and a.slot:
            return weighted_sum((one, other, result), a, choice)
    raise NotUnderstood(f"the equation {equation} of {' and '.join(type(o).__name__.lower() for o in operands)}")


def dense(hot, of, choice, result):
    if hot[:2] == of and result == hot[0] + hot[2]:
        return Dense(choice)
    raise NotUnderstood("a sum of chosen weights that is not one for each expert")


def weighted_sum(equation, rows, choice):
    """sum over the experts (or places) of rows times weights."""
    letters, other, result = equation
    at = dict(zip(letters, rows.labels, strict=True))
    summed = [letter for letter in letters if letter not in result]
    if [at[letter] for letter in summed] != [rows.slot] or any(letter not in letters for letter in other):
        raise NotUnderstood("a sum over something else than experts")
    if [at[letter] for letter in other] != list(choice.labels):
        raise NotUnderstood("weights whose dimensions do not meet those of the rows")
    expr = Expr("moe", rows.expr.width, moe=(rows.expr, choice))
    return Rows(expr, tuple(at[letter] for letter in result))


def product(reader, equation, rows, weight):
    letters, other, result = equation
    at = dict(zip(letters, rows.labels, strict=True))
    contracted = [letter for letter in letters if letter in other and letter not in result]
    if len(contracted) != 1 or at[contracted[0]] != "F":
        raise NotUnderstood("a product along another dimension than the elements")
    if any(letter not in result and letter != contracted[0] for letter in letters + other):
        raise NotUnderstood("a sum beside that of the product")
    slot, labels, order = rows.slot, dict(at), None
    if weight.places is not None:  # [T, K, N, D] in some order of the last two
        places = [letter for letter, label in zip(other, weight.labels, strict=True) if label in ("T", "K")]
        if (
            slot not in (None, "K")
            or rows.at
            or any(at.get(p, w) != w for p, w in zip(places, ("T", "K"), strict=True))
        ):
            raise NotUnderstood("gathered weights of other places than the rows'")
        labels |= dict(zip(places, ("T", "K"), strict=True))
        slot, own = "K", other[2:]
        new = [letter for letter in own if letter != contracted[0]]
        tensor = weight.tensor.permute(0, *[1 + own.index(letter) for letter in (new[0], contracted[0])])
    else:
        own = other
        free = [letter for letter in own if letter != contracted[0]]
        expert = [letter for letter in free if labels.get(letter) == "E"]
        if not expert and len(free) == 2:
            sizes = {letter: weight.tensor.shape[own.index(letter)] for letter in free}
            expert = [letter for letter in sorted(free, key=own.index) if sizes[letter] == reader.experts][:1]
        new = [letter for letter in free if letter not in expert]
        if len(new) != 1 or new[0] in at or (expert and slot not in (None, "E")):
            raise NotUnderstood("a product that is none of rows by each expert's matrix")
        order = [*expert, new[0], contracted[0]]
        tensor = weight.tensor.permute(*[own.index(letter) for letter in order])
        slot = "E" if expert else slot
        labels |= dict.fromkeys(expert, "E")
    labels[new[0]] = "F"
    del labels[contracted[0]]
    expr = Expr("linear", tensor.shape[-2], (rows.expr,), weight=tensor, stacked=tensor.dim() == 3)
    return Rows(expr, tuple(labels[letter] for letter in result), slot, rows.at)
