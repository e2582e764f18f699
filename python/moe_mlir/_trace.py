# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The activation of an expert, traced from what a module computes with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.fx.experimental.proxy_tensor import make_fx

from moe_mlir._scalars import SPLITS, NotUnderstood, ScalarCode, emit_node, packet_of, part_of, whole_slice


@dataclass(frozen=True)
class Activation:
    """Scalar code from products (and biases, added before) to what the last product takes.

    parts: (begin, step) of the rows of the first weight that each of `inputs` is a product by.
    """

    lines: tuple[str, ...]
    inputs: tuple[str, ...]
    parts: tuple[tuple[int, int], ...]
    result: str


def trace_activation(function: Callable, width: int) -> Activation:
    """`function` of rows of `width` columns, such as an experts module's `_apply_gate` or `act_fn`.

    Raises NotUnderstood with the operator that has no translation.
    """

    def plain(rows):  # a bound method would be asked for its self
        return function(rows)

    with torch.no_grad():
        graph = make_fx(plain, tracing_mode="fake")(torch.empty(3, width)).graph
    code = ScalarCode()
    values: dict = {}
    parts: dict = {}

    def product(part):
        if part not in parts:
            parts[part] = f"%p{len(parts)}"
        return parts[part]

    source = next(node for node in graph.nodes if node.op == "placeholder")

    def value(node):
        return product((0, 1)) if node is source else _known(values, node)

    for node in graph.nodes:
        if node is source:
            continue
        if node.op == "output":
            result = node.args[0]
            if not isinstance(result, torch.fx.Node):
                raise NotUnderstood("an activation of several results")
            name = value(result)
            return Activation(tuple(code.lines), tuple(parts.values()), tuple(parts), name)
        if (whole_slice(node) and node.args[0] is source) or packet_of(node) in SPLITS:
            values[node] = None
        elif (part := part_of(node, width)) is not None and _of_source(node, source, values):
            values[node] = product(part)
        else:
            values[node] = emit_node(code, node, value)
    raise NotUnderstood("an activation without a result")


def _of_source(node, source, values):
    """Whether a part is one of the rows themselves, by way of nodes that take all of them."""
    of = node.args[0]
    while of is not source:
        if values.get(of, "") is not None:
            return False
        of = of.args[0]
    return True


def _known(values, node):
    value = values.get(node)
    if value is None:
        raise NotUnderstood(f"the node {node.name}: {node.target}")
    return value
