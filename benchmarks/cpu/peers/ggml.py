# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""llama.cpp's ggml on the CPU: a graph of mul_mat_id, f32 rows.

GGML_MOE_LIB names a library with three functions over ggml: moe_new(D, F, E, K, type, threads, repack, router, w13, w2)
-> handle, moe_run(handle, tokens, rows, result) -> 0 and moe_buft(handle) -> the kind of weight buffer.
"""

import ctypes
import os

import torch

from . import Peer

LIBRARY = ctypes.CDLL(os.environ["GGML_MOE_LIB"])
LIBRARY.moe_new.restype = ctypes.c_void_p
LIBRARY.moe_new.argtypes = [ctypes.c_int] * 7 + [ctypes.c_void_p] * 3
LIBRARY.moe_run.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]

# Of enum ggml_type.
TYPES = {torch.float32: 0, torch.bfloat16: 30, "q8_0": 8, "q4_0": 2}


def build_with(quantised=None):
    def build(case, w):
        tensors = [t.float().contiguous() for t in (w.router, w.w13, w.w2)]
        kind = TYPES[quantised or case.dtype]
        pointers = [t.data_ptr() for t in tensors]
        handle = LIBRARY.moe_new(case.D, case.F, case.E, case.K, kind, case.threads, 1, *pointers)

        def run(x):
            rows = x.float()
            out = torch.empty_like(rows)
            if LIBRARY.moe_run(handle, x.shape[0], rows.data_ptr(), out.data_ptr()) != 0:
                raise RuntimeError("moe_run failed")
            return out

        return run

    return build


def by_32(case, _tokens):
    return case.dtype == torch.bfloat16 and case.D % 32 == 0 and case.F % 32 == 0


PEERS = {
    "ggml": Peer(build_with()),
    "ggml-q8_0": Peer(build_with("q8_0"), by_32, bits=8.5, tolerance=0.05),
    "ggml-q4_0": Peer(build_with("q4_0"), by_32, bits=4.5, tolerance=0.3),
}
