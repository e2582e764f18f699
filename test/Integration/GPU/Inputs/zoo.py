# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiles checkpoints for a GPU and runs them in the emulator, by way of the runtime.

usage: zoo.py ZOO FOLDER BUILD full|quick [NAME...]
"""

import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[4] / "benchmarks" / "gpu"))
import checkpoints  # noqa: E402
from device import Error, Runtime  # noqa: E402

DTYPES = ["f32", "bf16"]
CHIPS = ["sm_80", "sm_90"]


def compile_checkpoint(checkpoint, folder, chip, dtype):
    files = {}
    for kind, suffix in (("llvm", "ll"), ("ptx", "ptx")):
        files[kind] = folder / f"{checkpoint.name}-{dtype}.{suffix}"
        command = ["moe-compile", checkpoint, "--target=nvptx", f"--chip={chip}", f"--dtype={dtype}"]
        subprocess.run([*command, f"--emit={kind}", "-o", files[kind]], check=True)
    return files


def main():
    zoo, folder, build, size, *names = sys.argv[1:]
    os.environ["MOE_CUDA_DRIVER"] = f"{build}/lib/libMoETestFakeCuda.so"
    runtime = Runtime(f"{build}/lib/libmoe_runtime.so")
    full, failed = size == "full", 0
    chosen = [Path(zoo) / name for name in names] or sorted(path.parent for path in Path(zoo).glob("*/config.json"))
    for i, checkpoint in enumerate(chosen):
        # The quick suite takes one number format of each, in turn.
        for dtype in DTYPES if full or names else [DTYPES[i % 2]]:
            chip = CHIPS[i // 2 % 2]
            files = compile_checkpoint(checkpoint, Path(folder), chip, dtype)
            tokens = (1, 2, 7, 16, 33, 65, 130) if full else (1, 5, 33)
            schedules = ("forward", "backward", "run-ahead", "random") if full else ("forward", "run-ahead")
            try:
                text = checkpoints.check(runtime, files, checkpoint, tokens, schedules)
            except (checkpoints.Mismatch, Error) as error:
                text, failed = f"FAILED: {error}", failed + 1
            print(f"{checkpoint.name} {dtype} {chip}: {text}", flush=True)
    sys.exit(f"{failed} failed" if failed else 0)


if __name__ == "__main__":
    main()
