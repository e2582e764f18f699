# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Reads a module's graph of ATen operators node by node: each becomes one of the values of _graph_values."""

from __future__ import annotations

import operator
from dataclasses import replace

import torch

from moe_mlir._contraction import contract, matmul
from moe_mlir._graph_rules import at_of, broadcast, combined, is_scores, linear, shape_of, vector
from moe_mlir._graph_shapes import ShapeReader
from moe_mlir._graph_values import (
    Choice,
    ChoiceSum,
    Column,
    Dense,
    Expr,
    Ids,
    Mask,
    Masked,
    OneHot,
    Partial,
    Place,
    Rows,
    TopK,
    Weight,
    Weighted,
    base_of,
    unified,
)
from moe_mlir._scalars import SAME, NotUnderstood, is_scalar_operator, packet_of

aten = torch.ops.aten
NO_VALUE = {aten._assert_tensor_metadata, aten._assert_scalar, aten.sym_size, aten.sym_constrain_range_for_size}
IN_PLACE = {aten.add_: aten.add, aten.mul_: aten.mul, aten.index_add_: aten.index_add, aten.div_: aten.div}
IN_PLACE |= {aten.index_put_: aten.index_put, aten.scatter_: aten.scatter, aten.silu_: aten.silu, aten.relu_: aten.relu}


class GraphReader(ShapeReader):
    def __init__(self, program, weights, width: int):
        """weights: tensors by the names of the graph's placeholders; every other placeholder is the rows."""
        self.values: dict = {}
        self.program, self.weights = program, weights
        self.x = Expr("x", width)
        self.experts: int | None = None  # columns of the router

    def read(self) -> Expr:
        """What the module's output is a function of; raises NotUnderstood with the node that is not."""
        for node in self.program.graph.nodes:
            if node.op == "placeholder":
                self.values[node] = self.placeholder(node)
            elif node.op == "output":
                return self.output(node)
            elif node.op == "call_function":
                try:
                    self.values[node] = self.call(node)
                except NotUnderstood as error:
                    raise NotUnderstood(f"node {node.name} = {node.target}: {error}") from None
        raise NotUnderstood("a graph without an output")

    def placeholder(self, node):
        if node.name in self.weights:
            return Weight(self.weights[node.name])
        return Rows(self.x, ("T",) * (len(shape_of(node)) - 1) + ("F",))

    def output(self, node):
        results = node.args[0]
        if len(results) != 1:
            raise NotUnderstood(f"{len(results)} results; expected the block's output alone")
        value = self.rows(self.values.get(results[0]))
        if value.slot or value.at or value.labels[-1] != "F" or set(value.labels[:-1]) != {"T"}:
            raise NotUnderstood("an output that is not one row for each row of the input")
        return value.expr

    def rows(self, value) -> Rows:
        """A value as rows; a sum over experts is complete when it has them all."""
        if isinstance(value, Partial) and value.terms:
            terms = sorted(value.terms, key=lambda term: term[0])
            experts, choice = [term[0] for term in terms], terms[0][2]
            if experts != list(range(self.experts or 0)):
                raise NotUnderstood(f"a sum over experts {experts} of {self.experts}")
            if any(base_of(term[2]) != base_of(choice) for term in terms):
                raise NotUnderstood("experts weighted by different routers")
            expr = unified([term[1] for term in terms])
            return Rows(Expr("moe", expr.width, moe=(expr, choice)), ("T", "F"))
        if not isinstance(value, Rows):
            raise NotUnderstood(f"a {type(value).__name__.lower()} where rows are expected")
        return value

    def get(self, argument):
        if isinstance(argument, torch.fx.Node):
            value = self.values.get(argument)
            if value is None:
                raise NotUnderstood(f"its operand {argument.name} is not understood")
            return value
        if isinstance(argument, list | tuple):
            return [self.get(each) for each in argument]
        return argument

    def call(self, node):
        if node.target is operator.getitem:
            return self.getitem(node)
        packet = packet_of(node)
        packet = IN_PLACE.get(packet, packet)
        if packet is None or packet in NO_VALUE:
            return None
        if packet in SAME:
            return self.get(node.args[0])
        name = packet.__name__
        handler = getattr(self, f"on_{name}", None)
        if handler is not None:
            return handler(node, *map(self.get, node.args), **{k: self.get(v) for k, v in node.kwargs.items()})
        if is_scalar_operator(packet):
            return self.elementwise(node)
        raise NotUnderstood("this operator is not among those of the patterns in docs/python.md")

    # Of rows alone.

    def elementwise(self, node):
        values = [self.get(a) for a in node.args if isinstance(a, torch.fx.Node)]
        if len(values) == 1 and isinstance(values[0], Choice) and packet_of(node) is aten.sigmoid:
            return replace(values[0], steps=(*values[0].steps, ("sigmoid",)))
        rows = [self.rows(v) for v in values if not isinstance(v, Weight)]
        if not rows:
            raise NotUnderstood("a computation on weights")
        labels, slot, at = rows[0].labels, rows[0].slot, rows[0].at
        for other in rows[1:]:
            labels = broadcast(labels, other.labels)
            slot = slot or other.slot
            if other.slot not in (None, slot) or other.at != at:
                raise NotUnderstood("values of different rows together")
        width = shape_of(node)[labels.index("F") - len(labels)]
        args = []
        for value in values:
            args.append(vector(value, labels, self.experts) if isinstance(value, Weight) else self.rows(value).expr)
        if any(arg.width != width for arg in args):
            raise NotUnderstood("a computation across the elements of a row")
        return Rows(Expr("scalar", width, tuple(args), node=node), labels, slot, at)

    def on_add(self, node, a, b, alpha=1):
        for one, other in ((a, b), (b, a)):
            if isinstance(one, ChoiceSum) and isinstance(other, float | int):
                return replace(one, eps=one.eps + other)
            if isinstance(one, Partial) and isinstance(other, float | int) and other == 0:
                return one
            if isinstance(one, Partial) and isinstance(other, Partial) and alpha == 1:
                return Partial(one.terms + other.terms, one.at or other.at)
            if isinstance(one, Partial) and not one.terms and isinstance(other, Rows):
                return other
        return self.elementwise(node)

    def on_mul(self, node, a, b):
        for one, other in ((a, b), (b, a)):
            if isinstance(one, Choice) and isinstance(other, float | int):
                return replace(one, steps=(*one.steps, ("scale", float(other))))
            if isinstance(one, Choice) and isinstance(other, Mask):
                return Masked(one, other.expert)
            if isinstance(one, Choice) and isinstance(other, OneHot):
                return Dense(one, broadcast(one.labels, other.labels))
            if isinstance(one, Rows) and (choice := self.as_choice(other)):
                return self.weighted(one, choice)
            if isinstance(one, Rows) and isinstance(column := self.as_column(other), Column):
                if one.at != column.at:
                    raise NotUnderstood("weights of other rows")
                return Partial(((column.expert, one.expr, column.choice),), one.at)
        return self.elementwise(node)

    def weighted(self, rows, weights):
        label = {"K": "K", "E": "E"}.get(rows.slot)
        if label is None or label not in weights.labels:
            raise NotUnderstood("weights for other experts than the rows are of")
        if broadcast(rows.labels, weights.labels) != rows.labels or "F" in weights.labels:
            raise NotUnderstood("weights whose dimensions do not meet those of the rows")
        return Weighted(rows, weights)

    def as_choice(self, value):
        """Weights [T, K] or [T, E] of a choice of experts."""
        if isinstance(value, Choice):
            return value
        if isinstance(value, Dense) and "K" not in value.labels:
            return replace(value.choice, labels=value.labels)
        if isinstance(value, Rows) and value.slot is None and is_scores(value.expr, self.experts):
            labels = tuple("E" if label == "F" else label for label in value.labels)
            return Choice(None, (), labels, value.expr)
        return None

    def as_column(self, value):
        return value if isinstance(value, Column) else None

    def on_div(self, node, a, b):
        if isinstance(a, Choice) and isinstance(b, ChoiceSum) and base_of(b.of) == base_of(a):
            return replace(a, steps=(*a.steps, ("renormalize", b.eps, b.least)))
        if isinstance(a, Choice) and isinstance(b, float | int):
            return replace(a, steps=(*a.steps, ("scale", 1.0 / b)))
        return self.elementwise(node)

    def on_linear(self, node, x, weight, bias=None):
        x = self.rows(x)
        if not isinstance(weight, Weight) or weight.tensor.dim() != 2 or weight.places is not None:
            raise NotUnderstood("a linear layer by something that is no matrix")
        if x.labels[-1] != "F":
            raise NotUnderstood("a linear layer along another dimension than the elements")
        return self.biased(replace(x, expr=linear(x.expr, weight.tensor)), bias)

    def biased(self, rows, bias):
        if bias is None:
            return rows
        add = Expr(
            "scalar", rows.expr.width, (rows.expr, Expr("vector", rows.expr.width, weight=bias.tensor)), node=None
        )
        return replace(rows, expr=add)

    def on_matmul(self, node, a, b):
        return matmul(self, node, a, b)

    on_bmm = on_mm = on_matmul

    def on_einsum(self, node, equation, operands, path=None):
        return contract(self, equation.replace(" ", ""), operands)

    # Of routing.

    def on_softmax(self, node, x, dim, dtype=None):
        if isinstance(x, Choice) and dim in (-1, len(x.labels) - 1):
            return replace(x, steps=(*x.steps, ("softmax",)))
        x = self.rows(x)
        if dim not in (-1, len(x.labels) - 1) or x.labels[-1] != "F" or x.slot:
            raise NotUnderstood("a softmax along another dimension than the experts")
        self.experts = self.experts or x.expr.width
        return replace(x, expr=Expr("softmax", x.expr.width, (x.expr,)))

    def on_topk(self, node, x, k, *options, **named):
        given = dict(zip(("dim", "largest", "sorted"), options, strict=False)) | named
        dim, largest = given.get("dim", -1), given.get("largest", True)
        x = self.rows(x)
        if dim not in (-1, len(x.labels) - 1) or not largest or x.slot:
            raise NotUnderstood("a top-k that does not choose the largest of a row")
        self.experts = x.expr.width
        return TopK(x.expr, k)

    def on_gather(self, node, scores, dim, ids, **_):
        """Scores of what was chosen, by themselves or with a bias."""
        scores = self.rows(scores)
        if (
            not isinstance(ids, Ids)
            or dim not in (-1, len(scores.labels) - 1)
            or not is_scores(scores.expr, self.experts)
        ):
            raise NotUnderstood("a gather of something else than the chosen experts' scores")
        chosen = ids.top.scores
        if chosen is scores.expr:
            return Choice(ids.top)
        if scores.expr.args == (chosen,):  # chosen by the logits: both functions rise
            return Choice(TopK(scores.expr, ids.top.count))
        plain = chosen.op == "scalar" and packet_of(chosen.node) is aten.add if chosen.node is not None else False
        if plain and len(chosen.args) == 2 and scores.expr in chosen.args:
            other = chosen.args[1 - chosen.args.index(scores.expr)]
            if other.op == "vector":
                return Choice(TopK(scores.expr, ids.top.count, other))
        raise NotUnderstood("scores of experts that were chosen by something else")

    def on_clamp(self, node, value, low=None, high=None):
        if isinstance(value, ChoiceSum) and high is None and not value.eps:
            return replace(value, least=float(low))
        return self.elementwise(node)

    on_clamp_min = on_clamp

    def on_scatter(self, node, base, dim, ids, source, **_):
        if not isinstance(base, Partial) or base.terms or not isinstance(source, Choice) or not isinstance(ids, Ids):
            raise NotUnderstood("a scatter of something else than chosen weights into zeros")
        return Dense(source)

    def on_one_hot(self, node, ids, classes=-1):
        if not isinstance(ids, Ids) or classes != self.experts:
            raise NotUnderstood("a one_hot of something else than chosen experts")
        return OneHot(ids)

    def on_zeros(self, node, *_, **__):
        return Partial()

    on_zeros_like = on_new_zeros = on_zeros

    def on_eq(self, node, ids, expert):
        if not isinstance(ids, Ids) or not isinstance(expert, int):
            raise NotUnderstood("a comparison of something else than chosen experts with a number")
        return Mask(ids, expert)

    def on_where(self, node, mask, *values):
        if not isinstance(mask, Mask):
            raise NotUnderstood("a condition that is not `ids == expert`")
        if not values:
            return (Place(mask, "T"), Place(mask, "K"))
        if isinstance(values[0], Choice) and values[1] == 0:
            return Masked(values[0], mask.expert)
        raise NotUnderstood("a choice between two values")

    def on_nonzero_numpy(self, node, mask):
        return self.on_where(node, mask)

    def on_index(self, node, value, indices):
        places = [i for i in indices if i is not None]
        if isinstance(value, Weight) and len(places) == 1 and isinstance(places[0], Ids) and value.places is None:
            return Weight(value.tensor, places[0])
        if all(isinstance(place, Place) for place in places) and len(places) == len(indices):
            at = (places[0].mask.ids.top, places[0].mask.expert)
            if isinstance(value, Rows) and value.labels == ("T", "F") and [p.which for p in places] == ["T"]:
                return replace(value, at=at)
            if isinstance(value, Partial) and [p.which for p in places] == ["T"]:
                return Partial((), at) if not value.terms else replace(value, at=at)
            if isinstance(value, Choice) and [p.which for p in places] == ["T", "K"]:
                return Column(value, at[1], ("T", *value.labels[2:]), at)
        raise NotUnderstood("an index that is neither chosen experts nor the rows of one")

    def on_index_add(self, node, base, dim, place, term, *, alpha=1):  # noqa: PLR0917
        whole = isinstance(base, Partial) and isinstance(term, Partial) and isinstance(place, Place)
        if not whole or dim != 0 or alpha != 1 or place.which != "T" or term.at != at_of(place):
            raise NotUnderstood("an index_add of something else than an expert's weighted rows into zeros")
        return Partial(base.terms + term.terms)

    def on_index_put(self, node, base, places, value, accumulate=False):
        whole = isinstance(base, Partial) and isinstance(value, Partial) and len(places) == 1
        if not whole or not isinstance(places[0], Place) or value.at != at_of(places[0]):
            raise NotUnderstood("an assignment of something else than an expert's weighted rows")
        return Partial(base.terms + value.terms) if accumulate else Partial(value.terms)

    def on_select(self, node, value, dim, index):
        if isinstance(value, Weight) and dim == 0 and value.places is None:
            return Weight(value.tensor[index])
        choice = self.as_choice(value)
        if choice is not None and choice.labels[dim] == "E" and index >= 0:
            return Column(choice, index, tuple(c for i, c in enumerate(choice.labels) if i != dim % len(choice.labels)))
        raise NotUnderstood("a selection of something else than an expert")

    def on_stack(self, node, values, dim=0):
        rows = [self.rows(value) for value in values]
        if len(rows) != self.experts or any(r.slot or r.at for r in rows):
            raise NotUnderstood("a stack of something else than every expert's output")
        labels = list(rows[0].labels)
        labels.insert(dim % (len(labels) + 1), "E")
        return Rows(unified([r.expr for r in rows]), tuple(labels), "E")

    def on_sum(self, node, value, dims=None, keepdim=False, dtype=None):
        dims = [dims] if isinstance(dims, int) else dims
        if dims is None or len(dims) != 1:
            raise NotUnderstood("a sum over another number of dimensions than one")
        labels = value.rows.labels if isinstance(value, Weighted) else getattr(value, "labels", ("T", "K"))
        label = labels[dims[0]]
        at = dims[0] % len(labels)
        left = labels[:at] + (("1",) if keepdim else ()) + labels[at + 1 :]
        if isinstance(value, Choice) and label == "K" and keepdim:
            return ChoiceSum(value)
        if isinstance(value, Masked) and label == "K":
            return Column(value.choice, value.expert, left)
        if isinstance(value, Dense) and label == "K":
            return replace(value, labels=left)
        if isinstance(value, Weighted) and label == value.rows.slot:
            return combined(value, left)
        raise NotUnderstood("a sum over something else than experts")
