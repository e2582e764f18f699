#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How long a layer takes to load: packed from its checkpoint, with a packed file written, and with it mapped.

OLMoE's layer (D 2048, F 1024, E 64, K 8; 805 MB in bf16) with random weights in a checkpoint of --folder's file system.
"cold" is with the files out of the page cache. The first call after the load (--tokens rows) is timed as well, as a
mapping is read only then, and a second one, which finds everything in memory.

    load_time.py [--folder DIR] [--dtypes bf16,int8] [--tokens 128] [--rounds 7]

Needs torch, safetensors and a build of this project (MOE_BUILD, default build/).
"""

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import torch
from bench.layer import BUILD, Layer, write_checkpoint

CASE = SimpleNamespace(D=2048, F=1024, E=64, K=8)


def forget(*files):
    """Takes files out of the page cache."""
    for file in files:
        if file.exists():
            fd = os.open(file, os.O_RDONLY)
            os.fsync(fd)
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(fd)


def read(*files):
    for file in files:
        if file.exists():
            with open(file, "rb", buffering=0) as opened:
                while opened.read(16 << 20):
                    pass


def timed(library, packed, x):
    """Seconds of a load, the first call, and the second."""
    layer = Layer(library, packed=packed)
    rows = x.shape[0]
    shapes = [(CASE.D, x.dtype), (CASE.E, x.dtype), (CASE.K, torch.int32), (CASE.K, x.dtype)]
    outputs = [torch.empty(rows, cols, dtype=dtype) for cols, dtype in shapes]
    layer.workspace(rows)
    seconds = [layer.load_seconds]
    for _ in range(2):
        start = time.perf_counter()
        layer.run(x, outputs)
        seconds.append(time.perf_counter() - start)
    layer.free()
    return seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", default=None)
    parser.add_argument("--dtypes", default="bf16")
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()
    torch.manual_seed(1)
    e, f, d = CASE.E, CASE.F, CASE.D
    shapes = {"router": (e, d), "w13": (e, 2 * f, d), "w2": (e, d, f)}
    x = torch.randn(args.tokens, d).to(torch.bfloat16)
    print("| weights | load | load ms | fastest | first call ms | second call ms |\n|---|---|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        folder = Path(name)
        w = {key: (torch.randn(shape) * shape[-1] ** -0.5).to(torch.bfloat16) for key, shape in shapes.items()}
        write_checkpoint(folder, CASE, SimpleNamespace(**w))
        del w
        checkpoint, packed = folder / "model.safetensors", folder / "packed"
        for dtype in args.dtypes.split(","):
            library = folder / f"{dtype}.so"
            flags = [] if dtype == "bf16" else [f"--dtype={dtype}"]
            subprocess.run([BUILD / "bin" / "moe-compile", folder, *flags, "-o", library], check=True)
            times = {}
            for _ in range(args.rounds):
                for cold in (False, True):
                    prepare = forget if cold else read
                    label = ", cold" if cold else ""
                    prepare(checkpoint)
                    times.setdefault("packed in memory" + label, []).append(timed(library, None, x))
                    packed.unlink(missing_ok=True)
                    prepare(checkpoint)
                    times.setdefault("packed and written" + label, []).append(timed(library, packed, x))
                    prepare(packed)
                    times.setdefault("mapped" + label, []).append(timed(library, packed, x))
            for case, each in times.items():
                load, first, second = (statistics.median(column) * 1e3 for column in zip(*each, strict=True))
                fastest = min(row[0] for row in each) * 1e3
                print(f"| {dtype} | {case} | {load:.2f} | {fastest:.2f} | {first:.1f} | {second:.1f} |", flush=True)
            packed.unlink()


if __name__ == "__main__":
    main()
