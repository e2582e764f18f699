# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""This project's compiled layer, for the machine level and number format that compare.py was asked for.

MOE_BENCH_DIR names a folder for checkpoints, each of the size of its weights (default: the temporary folder).
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import torch
from bench.layer import BUILD, Layer, write_checkpoint

from . import Peer


def build_with(flags):
    def build(case, w):
        folder = Path(tempfile.mkdtemp(prefix="moe-bench-", dir=os.environ.get("MOE_BENCH_DIR")))
        try:
            write_checkpoint(folder, case, w)
            library = folder / "layer.so"
            subprocess.run([str(BUILD / "bin" / "moe-compile"), str(folder), "-o", str(library), *flags], check=True)
            layer = Layer(library, 0, folder, threads=case.threads)
        finally:
            shutil.rmtree(folder, ignore_errors=True)  # Weights are packed in memory, the library is mapped.

        def run(x):
            n, dtype = x.shape[0], x.dtype
            outputs = [
                torch.empty(n, case.D, dtype=dtype),
                torch.empty(n, case.E, dtype=dtype),
                torch.empty(n, case.K, dtype=torch.int32),
                torch.empty(n, case.K, dtype=dtype),
            ]
            layer.run(x, outputs)
            return outputs[0]

        return run

    return build


def peers(cpu, formats):
    """Our peers: one in the case's own format, and one for each of `formats` ({name: (bits, tolerance)})."""
    level = [f"--cpu={cpu}"]
    result = {"moe-mlir": Peer(build_with(level))}
    for name, (bits, tolerance) in formats.items():
        result[f"moe-mlir-{name}"] = Peer(build_with([*level, f"--dtype={name}"]), bits=bits, tolerance=tolerance)
    return result
