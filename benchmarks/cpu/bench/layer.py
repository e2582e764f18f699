# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A layer compiled by this project, called through its C ABI (docs/abi.md).

MOE_BUILD names the build folder (default: build).
"""

import ctypes
import json
import os
import time
from pathlib import Path

import torch
from safetensors.torch import save_file

BUILD = Path(os.environ.get("MOE_BUILD", Path(__file__).resolve().parents[3] / "build"))
DTYPES = {torch.float32: 1, torch.bfloat16: 2, torch.int32: 4}
DTYPE_NAMES = {torch.float32: "float32", torch.bfloat16: "bfloat16"}


class LoadOptions(ctypes.Structure):
    _fields_ = [
        ("checkpoint", ctypes.c_char_p),
        ("random_weights", ctypes.c_int32),
        ("check_digest", ctypes.c_int32),
        ("seed", ctypes.c_uint64),
        ("pool", ctypes.c_void_p),
        ("packed", ctypes.c_char_p),
        ("verify_packed", ctypes.c_int32),
        ("reserved", ctypes.c_int32),
        ("progress", ctypes.c_void_p),
        ("progress_data", ctypes.c_void_p),
    ]


class Tensor(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("rows", ctypes.c_int64),
        ("cols", ctypes.c_int64),
        ("stride", ctypes.c_int64),
        ("dtype", ctypes.c_int32),
        ("reserved", ctypes.c_int32),
    ]

    @classmethod
    def of(cls, t):
        return cls(t.data_ptr(), t.shape[0], t.shape[1], t.stride(0), DTYPES[t.dtype], 0)


class Layer:
    """A layer of a compiled library, called through the C ABI (docs/abi.md).

    `seed` draws its weights at random; `packed` names a file that keeps them (docs/packed-file.md). `load_seconds` is
    what moe_layer_load took.
    """

    def __init__(self, library, index=0, checkpoint=None, *, threads=0, seed=None, packed=None):
        self.runtime = ctypes.CDLL(str(BUILD / "lib" / "libmoe_runtime.so"))
        self.runtime.moe_last_error.restype = ctypes.c_char_p
        handle, self.pool, self.layer = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p()
        self.check(self.runtime.moe_pool_create(threads, ctypes.byref(self.pool)))
        self.check(self.runtime.moe_library_open(str(library).encode(), ctypes.byref(handle)))
        folder = str(checkpoint).encode() if checkpoint else None
        options = LoadOptions(folder, seed is not None, 0, seed or 0, self.pool.value)
        options.packed = str(packed).encode() if packed else None
        load = self.runtime.moe_layer_load
        start = time.perf_counter()
        self.check(load(handle, ctypes.c_int64(index), ctypes.byref(options), ctypes.byref(self.layer)))
        self.load_seconds = time.perf_counter() - start
        self.workspaces = {}

    def check(self, status):
        if status != 0:
            raise RuntimeError(self.runtime.moe_last_error().decode())

    def free(self):
        self.runtime.moe_layer_free(self.layer)

    def workspace(self, tokens):
        if tokens not in self.workspaces:
            size = ctypes.c_size_t()
            self.check(self.runtime.moe_layer_workspace_size(self.layer, ctypes.c_int64(tokens), ctypes.byref(size)))
            memory = torch.zeros(size.value + 64, dtype=torch.uint8)
            start = (memory.data_ptr() + 63) // 64 * 64
            self.workspaces[tokens] = (memory, ctypes.c_void_p(start), size)
        return self.workspaces[tokens][1:]

    def run(self, x, outputs):
        inputs = (Tensor * 1)(Tensor.of(x))
        results = (Tensor * len(outputs))(*[Tensor.of(t) for t in outputs])
        start, size = self.workspace(x.shape[0])
        self.check(self.runtime.moe_layer_run(self.layer, inputs, results, start, size, self.pool))


def write_checkpoint(folder, case, w):
    """One layer in OLMoE's layout (renormalised softmax, SwiGLU), the model's other tensors left out.

    w has router [E, D], w13 [E, 2F, D] (gate rows first) and w2 [E, D, F].
    """
    config = {
        "model_type": "olmoe",
        "hidden_size": case.D,
        "intermediate_size": case.F,
        "num_experts": case.E,
        "num_experts_per_tok": case.K,
        "norm_topk_prob": True,
        "hidden_act": "silu",
        "num_hidden_layers": 1,
        "dtype": DTYPE_NAMES[w.w13.dtype],
    }
    (folder / "config.json").write_text(json.dumps(config))
    prefix = "model.layers.0.mlp."
    tensors = {prefix + "gate.weight": w.router}
    for e in range(case.E):
        tensors[f"{prefix}experts.{e}.gate_proj.weight"] = w.w13[e, : case.F]
        tensors[f"{prefix}experts.{e}.up_proj.weight"] = w.w13[e, case.F :]
        tensors[f"{prefix}experts.{e}.down_proj.weight"] = w.w2[e]
    save_file({name: t.contiguous() for name, t in tensors.items()}, folder / "model.safetensors")
