# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""This project's compiled layer as a peer: PEERS = {name: namespace(build, ...)}.

`build(cfg, w)` writes the weights as a checkpoint in OLMoE's layout, compiles it with moe-compile and gives a
function from tokens [T, D] to [T, D]. cfg has D, F, E, K, esize, threads; w has router [E, D], w13 [E, 2F, D] (gate
rows first) and w2 [E, D, F]. MOE_BUILD names the build folder (default: build), MOE_BENCH_DIR where checkpoints go.
"""

import ctypes
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import SimpleNamespace

import torch
from safetensors.torch import save_file

BUILD = Path(os.environ.get("MOE_BUILD", Path(__file__).resolve().parents[2] / "build"))
DTYPES = {torch.float32: 1, torch.bfloat16: 2, torch.int32: 4}
DTYPE_NAMES = {torch.float32: "float32", torch.bfloat16: "bfloat16"}


class LoadOptions(ctypes.Structure):
    _fields_ = [
        ("checkpoint", ctypes.c_char_p),
        ("random_weights", ctypes.c_int32),
        ("check_digest", ctypes.c_int32),
        ("seed", ctypes.c_uint64),
        ("pool", ctypes.c_void_p),
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
    """A layer of a compiled library, called through the C ABI (docs/abi.md)."""

    def __init__(self, library, index=0, checkpoint=None, threads=0):
        self.runtime = ctypes.CDLL(str(BUILD / "lib" / "libmoe_runtime.so"))
        self.runtime.moe_last_error.restype = ctypes.c_char_p
        handle, self.pool, self.layer = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p()
        self.check(self.runtime.moe_pool_create(threads, ctypes.byref(self.pool)))
        self.check(self.runtime.moe_library_open(str(library).encode(), ctypes.byref(handle)))
        options = LoadOptions(str(checkpoint).encode() if checkpoint else None, 0, 0, 0, self.pool.value)
        load = self.runtime.moe_layer_load
        self.check(load(handle, ctypes.c_int64(index), ctypes.byref(options), ctypes.byref(self.layer)))
        self.workspaces = {}

    def check(self, status):
        if status != 0:
            raise RuntimeError(self.runtime.moe_last_error().decode())

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


def write_checkpoint(folder, cfg, w):
    """One OLMoE layer, its other tensors left out."""
    config = {
        "model_type": "olmoe",
        "hidden_size": cfg.D,
        "intermediate_size": cfg.F,
        "num_experts": cfg.E,
        "num_experts_per_tok": cfg.K,
        "norm_topk_prob": True,
        "hidden_act": "silu",
        "num_hidden_layers": 1,
        "dtype": DTYPE_NAMES[w.w13.dtype],
    }
    (folder / "config.json").write_text(json.dumps(config))
    prefix = "model.layers.0.mlp."
    tensors = {prefix + "gate.weight": w.router}
    for e in range(cfg.E):
        tensors[f"{prefix}experts.{e}.gate_proj.weight"] = w.w13[e, : cfg.F]
        tensors[f"{prefix}experts.{e}.up_proj.weight"] = w.w13[e, cfg.F :]
        tensors[f"{prefix}experts.{e}.down_proj.weight"] = w.w2[e]
    save_file({name: t.contiguous() for name, t in tensors.items()}, folder / "model.safetensors")


def build_with(*flags):
    def build(cfg, w):
        folder = Path(tempfile.mkdtemp(prefix="moe-peer-", dir=os.environ.get("MOE_BENCH_DIR")))
        try:
            write_checkpoint(folder, cfg, w)
            library = folder / "layer.so"
            subprocess.run([str(BUILD / "bin" / "moe-compile"), str(folder), "-o", str(library), *flags], check=True)
            layer = Layer(library, 0, folder, cfg.threads)
        finally:
            shutil.rmtree(folder, ignore_errors=True)  # Weights are packed in memory, the library is mapped.

        def run(x):
            n, dtype = x.shape[0], x.dtype
            outputs = [
                torch.empty(n, cfg.D, dtype=dtype),
                torch.empty(n, cfg.E, dtype=dtype),
                torch.empty(n, cfg.K, dtype=torch.int32),
                torch.empty(n, cfg.K, dtype=dtype),
            ]
            layer.run(x, outputs)
            return outputs[0]

        return run

    return build


PEERS = {"moe-mlir": SimpleNamespace(build=build_with())}
