# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The experts of a model by way of transformers' experts interface: the routing is made by the model."""

from __future__ import annotations

import contextlib
import functools
import threading
import warnings
from dataclasses import dataclass

import torch
from transformers.integrations.moe import grouped_mm_experts_forward

from moe_mlir._arrays import contiguous
from moe_mlir._experts_ir import ExpertsDescription, experts_ir
from moe_mlir._extension import _moe
from moe_mlir._layer import Layer, torch_operator
from moe_mlir._scalars import NotUnderstood
from moe_mlir._threads import get_pool
from moe_mlir._trace import trace_activation

NAME = "moe_mlir"
FORMATS = {torch.float32: "f32", torch.bfloat16: "bf16", torch.float16: "f16"}
CACHE = "_moe_mlir_cache"  # on an experts module: its Packed, or None

_packing = threading.Lock()  # threads that call a model for the first time wait for one set of packed weights
_freeing = threading.local()  # .now: whether this thread frees what it packs


@dataclass(frozen=True, eq=False)
class Packed:
    """What came of packing an experts module's weights."""

    state: list | str  # state_of them then, or "freed"
    key: tuple  # top-K, formats of the routing's weights and of rows
    layer: Layer | None  # none: runs as grouped_mm
    number: int  # of the layer, for graphs; 0: there is none

    def __deepcopy__(self, memo: dict) -> Packed:
        """A copy of the module packs its own weights, which lie elsewhere, unless there are none."""
        return self

    def __reduce__(self):
        if self.state == "freed":
            raise TypeError("the weights of the experts were freed; load the model again to pickle it")
        return nothing_packed, ()  # another process packs again


def nothing_packed() -> None:
    return None


@functools.lru_cache(maxsize=64)
def library_of(ir: str):
    """Modules of one shape share their code."""
    return _moe.Source("<experts>", ir, random_weights=True).compile()


def parameters_of(experts) -> dict[str, torch.Tensor]:
    """The weights by the names of ExpertsDescription."""
    first = "gate_up_proj" if experts.has_gate else "up_proj"
    names = {"first": first, "down": "down_proj"}
    if experts.has_bias:
        names |= {"first_bias": f"{first}_bias", "down_bias": "down_proj_bias"}
    return {ours: getattr(experts, theirs) for ours, theirs in names.items()}


def describe_experts(experts, weights, hidden, top_k: int, weight_dtype) -> ExpertsDescription:
    """Raises NotUnderstood with what is not."""
    if experts.has_post_expert_norm:
        raise NotUnderstood("a norm after each expert")
    for tensor in (*weights.values(), hidden):
        if tensor.device.type != "cpu":
            raise NotUnderstood(f"tensors on {tensor.device}")
    first, dtype = weights["first"], hidden.dtype
    if dtype not in FORMATS or weight_dtype not in FORMATS or first.dtype not in FORMATS or first.dim() != 3:
        raise NotUnderstood(f"weights {list(first.shape)} of {first.dtype}, rows of {dtype}")
    rows = first.shape[2 if experts.is_transposed else 1]
    down = weights["down"].shape
    apply = experts._apply_gate if experts.has_gate else experts.act_fn
    return ExpertsDescription(
        experts=first.shape[0],
        top_k=top_k,
        model_width=hidden.shape[-1],
        expert_width=down[1 if experts.is_transposed else 2],
        first_rows=rows,
        activation=trace_activation(apply, rows),
        dtype=FORMATS[dtype],
        weight_dtype=FORMATS[weight_dtype],
        transposed=experts.is_transposed,
        bias=experts.has_bias,
    )


def build_layer(experts, weights, hidden, top_k: int, weight_dtype) -> Layer:
    ir = experts_ir(describe_experts(experts, weights, hidden, top_k, weight_dtype))
    library = library_of(ir)
    handle = library.load_tensors(0, get_pool(), {name: contiguous(weight) for name, weight in weights.items()})
    return Layer(library, 0, handle, _moe.Source("<experts>", ir, random_weights=True))


def state_of(experts) -> list:
    """Changes when a weight is replaced or written to."""
    state = []
    for weight in experts._parameters.values():
        state += [weight.data_ptr(), 0 if weight.is_inference() else weight._version]
    return state


def cached_layer(experts, key) -> tuple[bool, Layer | None]:
    """Whether there is an answer for weights as they are now, and which."""
    cached = experts.__dict__.get(CACHE)
    if cached is None:
        return False, None
    freed, of = cached.state == "freed", cached.key
    if freed and of != key:
        raise RuntimeError(
            f"{type(experts).__name__}: its weights were freed when they were packed for top {of[0]}, {of[1]} routing "
            f"weights and {of[2]} rows; load the model again for {key}"
        )
    return of == key and (freed or cached.state == state_of(experts)), cached.layer


def layer_for(experts, hidden, top_k: int, weight_dtype) -> Layer | None:
    """The layer of an experts module, packed when it is first asked for, and again when its weights have changed."""
    key = (top_k, weight_dtype, hidden.dtype)
    known, layer = cached_layer(experts, key)
    if known:
        return layer
    with _packing:
        known, layer = cached_layer(experts, key)
        return layer if known else pack(experts, hidden, key)


def pack(experts, hidden, key) -> Layer | None:
    state, weights = state_of(experts), parameters_of(experts)
    try:
        layer = build_layer(experts, weights, hidden, *key[:2])
    except NotUnderstood as error:
        warn_once(f"moe_mlir: {type(experts).__name__} runs as grouped_mm: {error}")
        layer = None
    if layer is not None and getattr(_freeing, "now", False):
        state = "freed"
        free_weights(experts, weights.values())
    experts.__dict__[CACHE] = Packed(state, key, layer, layer.number if layer else 0)
    return layer


def free_weights(module, parameters) -> None:
    """Gives back the parameters' memory; from then on the module refuses to be saved."""
    for parameter in parameters:
        parameter.data = torch.empty(0, dtype=parameter.dtype)
    module.register_state_dict_pre_hook(refuse_to_save)


def refuse_to_save(module, *_):
    raise RuntimeError(f"{type(module).__name__}: its weights were freed; load the model again to save it")


@functools.cache
def warn_once(message: str) -> None:
    warnings.warn(message, stacklevel=4)


def moe_mlir_experts(self, hidden_states, top_k_index, top_k_weights):
    """The function that transformers calls: `self` is the experts module.

    hidden_states [T, D], top_k_index [T, K] (an id that no expert has goes nowhere), top_k_weights [T, K]; returns
    [T, D] in the format of hidden_states. What cannot be compiled runs as grouped_mm, with a warning.
    """
    if torch.compiler.is_compiling():
        packed = getattr(self, CACHE, None)
        if packed is None:
            raise RuntimeError(
                "moe_mlir: call moe_mlir.transformers.prepare(model) before torch.compile or torch.export"
            )
        if packed.number == 0:
            return grouped_mm_experts_forward(self, hidden_states, top_k_index, top_k_weights)
        return torch_operator().layer([hidden_states, top_k_index, top_k_weights], packed.number)
    layer = layer_for(self, hidden_states, top_k_index.shape[-1], top_k_weights.dtype)
    if layer is None:
        return grouped_mm_experts_forward(self, hidden_states, top_k_index, top_k_weights)
    return layer(hidden_states, top_k_index, top_k_weights)


@contextlib.contextmanager
def _free_while_packing(free: bool):
    _freeing.now = free
    try:
        yield
    finally:
        _freeing.now = False


def prepare(model, *, free: bool = False, inputs: dict | None = None) -> None:
    """Packs the weights of every experts module now rather than at the first call, by running the model on one token.

    free: gives back the memory of each module's own weights when they are packed, one module after the other. The model
        can then run, but not be saved, trained or changed to another format.
    inputs: the arguments of the model's call; left out, `input_ids` of one token.
    """
    inputs = inputs or {"input_ids": torch.ones(1, 1, dtype=torch.long)}
    with _free_while_packing(free), torch.no_grad():
        model(**inputs)
