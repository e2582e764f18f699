# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The pool inside a real PyTorch process: torch.mm and moe_parallel_for in turn.

threads_torch.py LIBMOE_RUNTIME.so LIBTASK.so; run it with MOE_POOL=own for the pool's own threads, without for the
default. Prints overhead per call of moe_parallel_for (median and 99th percentile) and what torch.mm takes meanwhile.
"""

import ctypes
import os
import statistics
import sys
import time

import torch

ctypes.CDLL(sys.argv[1], mode=ctypes.RTLD_GLOBAL)
library = ctypes.CDLL(sys.argv[2])
library.timed_call.restype = ctypes.c_double
library.timed_call.argtypes = [ctypes.c_void_p, ctypes.c_int64, ctypes.c_double]
threads = torch.get_num_threads()
pool = ctypes.c_void_p()
library.moe_pool_create(threads, ctypes.byref(pool))
a = torch.randn(256, 256)
b = torch.randn(256, 256)


def p99(times):
    return sorted(times)[len(times) * 99 // 100]


def measure(tasks, us, products, calls=800):
    overhead, multiply = [], []
    for i in range(calls + 50):
        start = time.perf_counter()
        for _ in range(products):
            torch.mm(a, b)
        middle = time.perf_counter()
        took = library.timed_call(pool, tasks, us)
        if i >= 50:
            overhead.append(took - us * -(-tasks // threads))
            multiply.append((middle - start) * 1e6)
    mm = f"torch.mm x {products}: {statistics.median(multiply):.0f} us" if products else "no torch.mm"
    mode = os.environ.get("MOE_POOL", "default")
    print(f"{mode} | {tasks} tasks of {us:g} us, {mm} | {statistics.median(overhead):.2f} | {p99(overhead):.1f}")


measure(threads, 50, 1)
measure(8 * threads, 50, 1)
measure(8 * threads, 50, 5)
measure(8 * threads, 200, 20, 200)
