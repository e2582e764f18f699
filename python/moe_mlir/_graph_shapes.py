# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Operators that change the shape of a graph's values, and what they mean for rows, weights and choices."""

from __future__ import annotations

from dataclasses import replace

from moe_mlir._graph_rules import part_of, shape_of
from moe_mlir._graph_values import Choice, ChoiceSum, Column, Ids, Mask, Masked, Partial, Place, Rows, TopK, Weight
from moe_mlir._scalars import SPLITS, NotUnderstood, packet_of


class ShapeReader:
    """The part of GraphReader that is about shapes."""

    def getitem(self, node):
        of, index = node.args
        if packet_of(of) in SPLITS:
            return self.part(self.rows(self.get(of.args[0])), index * shape_of(node)[-1], 1, shape_of(node)[-1])
        value = self.values.get(of)
        if isinstance(value, TopK):
            return Choice(value) if index == 0 else Ids(value)
        return value[index] if isinstance(value, tuple) else None

    def part(self, rows, begin, step, width):
        """Some columns of a product are a product by some rows of its matrix."""
        return replace(rows, expr=part_of(rows.expr, begin, step, width))

    def on_chunk(self, node, value, count, dim=0):
        return self.on_split(node, value, count, dim)

    def on_split(self, node, value, size, dim=0):
        if self.rows(value).labels[dim] != "F":
            raise NotUnderstood("a split along another dimension than the elements")
        return (value,)

    on_split_with_sizes = on_split

    def on_slice(self, node, value, dim=0, begin=None, end=None, step=1):  # noqa: PLR0917
        if shape_of(node) == shape_of(node.args[0]):
            return value
        choice = self.as_choice(value)
        if choice is not None and choice.labels[dim] == "E" and shape_of(node)[dim] == 1:
            return Column(choice, begin or 0, tuple("1" if c == "E" else c for c in choice.labels))
        if isinstance(value, Rows) and value.labels[dim] == "F":
            return self.part(value, begin or 0, step, shape_of(node)[dim])
        raise NotUnderstood("a part of something else than the elements")

    def on_unsqueeze(self, node, value, dim):
        if isinstance(value, Weight):
            if value.places is not None:
                raise NotUnderstood("a further dimension of gathered weights")
            return Weight(value.tensor.unsqueeze(dim))
        if isinstance(value, Ids | Mask | Place | Partial | ChoiceSum | Masked):
            return value
        labels = list(value.labels)
        labels.insert(dim % (len(labels) + 1), "1")
        return replace(value, labels=tuple(labels))

    def on_squeeze(self, node, value, dim):
        if isinstance(dim, list):
            dim = dim[0]
        if not hasattr(value, "labels") or isinstance(value, Weight) or value.labels[dim] != "1":
            raise NotUnderstood("a squeeze of something else than a dimension of one")
        labels = list(value.labels)
        del labels[dim]
        return replace(value, labels=tuple(labels))

    def on_permute(self, node, value, order):
        if isinstance(value, Weight):
            return value.turned([at % len(order) for at in order])
        return replace(value, labels=tuple(value.labels[at] for at in order))

    def on_transpose(self, node, value, a, b):
        order = list(range(len(shape_of(node))))
        order[a], order[b] = order[b], order[a]
        return self.on_permute(node, value, order)

    def on_t(self, node, value):
        return self.on_permute(node, value, [1, 0])

    on_numpy_T = on_t  # noqa: N815

    def on_expand(self, node, value, shape, **_):
        value = self.rows(value)
        labels = ["E"] * (len(shape) - len(value.labels)) + list(value.labels)
        labels = [
            "E" if label == "1" and size == self.experts else label for label, size in zip(labels, shape, strict=True)
        ]
        if labels.count("E") > 1 or value.slot:
            raise NotUnderstood("an expansion to something else than experts")
        return replace(value, labels=tuple(labels), slot="E" if "E" in labels else None)

    def on_view(self, node, value, shape):
        """Rows of several dimensions as one, and back."""
        if isinstance(value, Partial | Ids):
            return value
        old, new = shape_of(node.args[0]), shape_of(node)
        labels = getattr(value, "labels", None)
        if isinstance(value, Partial | Choice) and labels == ("T", "K") and new == old:
            return value
        value = self.rows(value)
        plain = value.labels[-1] == "F" and set(value.labels[:-1]) == {"T"}
        if not plain or len(new) < 2 or new[-1] != old[-1]:
            raise NotUnderstood("a reshape that mixes rows with elements or experts")
        return replace(value, labels=("T",) * (len(new) - 1) + ("F",))

    on_reshape = on_view
