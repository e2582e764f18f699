# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The activation of an expert, traced from what a module computes with."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only

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


class Recorder(TorchDispatchMode):
    """The operators that a function runs, as a graph. Unlike a tracer of torch.fx it changes no class meanwhile, so
    that other threads may run models."""

    def __init__(self, rows: torch.Tensor):
        super().__init__()
        self.graph = torch.fx.Graph()
        self.nodes: dict[int, torch.fx.Node] = {}
        self.tensors: list[torch.Tensor] = []  # alive, so that no id is used twice
        self.source = self.know(rows, self.graph.placeholder("rows"))

    def know(self, tensor, node):
        node.meta["val"] = tensor
        self.nodes[id(tensor)] = node
        self.tensors.append(tensor)
        return node

    def node_of(self, tensor):
        node = self.nodes.get(id(tensor))
        if node is None:
            raise NotUnderstood("a tensor that is not among the rows")
        return node

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        nodes, named = tree_map_only(torch.Tensor, self.node_of, (args, kwargs or {}))
        result = func(*args, **(kwargs or {}))
        node = self.graph.call_function(func, tuple(nodes), named)
        if isinstance(result, torch.Tensor):
            self.know(result, node)
        elif isinstance(result, tuple | list):
            for i, each in enumerate(result):
                self.know(each, self.graph.call_function(operator.getitem, (node, i)))
        return result


def record(function: Callable, width: int) -> tuple[torch.fx.Graph, torch.fx.Node]:
    """The graph of a function of rows, and the node of the rows; raises NotUnderstood for what has no graph."""
    rows = torch.empty(3, width, device="meta")
    with torch.no_grad():
        recorder = Recorder(rows)
        try:
            with recorder:
                result = function(rows)
        except NotUnderstood:
            raise
        except Exception as error:
            raise NotUnderstood((str(error).splitlines() or [type(error).__name__])[0]) from error
    if not isinstance(result, torch.Tensor):
        raise NotUnderstood("an activation of several results")
    recorder.graph.output(recorder.node_of(result))
    return recorder.graph, recorder.source


def trace_activation(function: Callable, width: int) -> Activation:
    """`function` of rows of `width` columns, such as an experts module's `_apply_gate` or `act_fn`.

    Raises NotUnderstood with the operator that has no translation.
    """

    graph, source = record(function, width)
    code = ScalarCode()
    values: dict = {}
    parts: dict = {}

    def product(part):
        if part not in parts:
            parts[part] = f"%p{len(parts)}"
        return parts[part]

    def value(node):
        return product((0, 1)) if node is source else _known(values, node)

    for node in graph.nodes:
        if node is source:
            continue
        if node.op == "output":
            name = value(node.args[0])
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
