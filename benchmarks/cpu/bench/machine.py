# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the machine can do at best, measured at the start of a run: the roofline that shares are of.

Bandwidth is that of reading 2 GiB, more than any cache holds. The compute peak is the faster of torch.mm (oneDNN) at
2048 x 4096 x 4096 and a loop of multiply-adds in registers (f32) as `moe-run --benchmark` measures it.
"""

import ctypes
import os
import subprocess
import tempfile
import time
from pathlib import Path

import torch

READER = r"""
#include <stddef.h>
#include <stdint.h>
typedef uint64_t vec __attribute__((vector_size(64)));
uint64_t read_all(const char *data, size_t bytes, int threads) {
  uint64_t sum = 0;
#pragma omp parallel for num_threads(threads) schedule(static) reduction(+ : sum)
  for (int t = 0; t < threads; ++t) {
    size_t part = bytes / threads / 512 * 512;
    const vec *p = (const vec *)(data + t * part), *end = p + part / 64;
    vec a = {0}, b = a, c = a, d = a;
    for (; p < end; p += 4)
      a ^= p[0], b ^= p[1], c ^= p[2], d ^= p[3];
    a ^= b ^ c ^ d;
    for (int i = 0; i < 8; ++i)
      sum += a[i];
  }
  return sum;
}
"""


def _fastest(function, repeats):
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def read_bandwidth(threads, size=2 << 30):
    """Bytes a second."""
    with tempfile.TemporaryDirectory() as folder:
        source, library = Path(folder) / "reader.c", Path(folder) / "reader.so"
        source.write_text(READER)
        compiler = os.environ.get("CC", "cc")
        flags = ["-O3", "-march=native", "-fopenmp", "-shared", "-fPIC"]
        subprocess.run([compiler, *flags, str(source), "-o", str(library)], check=True)
        read = ctypes.CDLL(str(library)).read_all
    read.argtypes, read.restype = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int], ctypes.c_uint64
    memory = torch.ones(size, dtype=torch.uint8)
    return size / _fastest(lambda: read(memory.data_ptr(), size, threads), 5)


def mm_peak(dtype):
    """FLOP a second of torch.mm on torch's threads."""
    x, y = torch.randn(2048, 4096).to(dtype), torch.randn(4096, 4096).to(dtype)
    torch.mm(x, y.T)
    return 2 * 2048 * 4096 * 4096 / _fastest(lambda: torch.mm(x, y.T), 4)


def features():
    """Model name and the instruction sets that matter here, as /proc/cpuinfo says them."""
    info = {}
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        info.setdefault(key.strip(), value.strip())
    wanted = ("avx2", "fma", "f16c", "avx512f", "avx512_bf16", "avx512_vnni", "amx_tile", "amx_bf16", "amx_int8")
    flags = info.get("flags", "").split()
    return {
        "cpu": info.get("model name", "unknown"),
        "family": info.get("cpu family", ""),
        "features": [name for name in wanted if name in flags],
        "cpus": os.cpu_count(),
    }


def measure(threads, dtypes):
    """{"read_GBs", "mm_GFLOPs": {dtype: ...}, "cpu", "features", ...}."""
    peaks = {str(dtype).removeprefix("torch."): mm_peak(dtype) / 1e9 for dtype in dtypes}
    return {**features(), "threads": threads, "read_GBs": read_bandwidth(threads) / 1e9, "mm_GFLOPs": peaks}


def waited_seconds():
    """Seconds that this process's threads were ready but not running: how much other work disturbed."""
    total = 0
    for thread in os.listdir("/proc/self/task"):
        try:
            total += int(Path(f"/proc/self/task/{thread}/schedstat").read_text().split()[1])
        except OSError:
            continue
    return total / 1e9
