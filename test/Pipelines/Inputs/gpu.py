#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiles every layer of a folder of checkpoints for a GPU.

usage: gpu.py ZOO

Checks that each kernel of the launch records is an entry of the PTX, and with ptxas, that none spills.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

DTYPES = ["f32", "bf16", "f16"]
CHIPS = ["sm_80", "sm_86", "sm_89", "sm_90", "sm_90a", "sm_100a", "sm_120"]


def compile_layer(checkpoint, chip, dtype, folder):
    subprocess.run(
        ["moe-compile", checkpoint, "--target=nvptx", f"--chip={chip}", f"--dtype={dtype}", "--emit=ptx"]
        + ["-o", folder / "kernels.ptx", f"--dump-stages={folder}"],
        check=True,
    )
    return (folder / "kernels.ptx").read_text(), (folder / "summary.txt").read_text()


def check(checkpoint, chip, dtype, folder):
    ptx, summary = compile_layer(checkpoint, chip, dtype, folder)
    first = ptx.split("\n", 1)[0]
    records = json.loads(first.removeprefix("// moe.launches: "))
    started = {launch["kernel"] for program in records["programs"] for launch in program["launches"]}
    entries = set(re.findall(r"\.entry (\w+)\(", ptx))
    if started != entries or not started:
        sys.exit(f"{checkpoint.name} {chip} {dtype}: starts {started}, but has {entries}")
    if f".target {chip}" not in ptx:
        sys.exit(f"{checkpoint.name} {chip} {dtype}: for another chip")
    for bytes_spilled in re.findall(r"(\d+) bytes spill", summary):
        if bytes_spilled != "0":
            sys.exit(f"{checkpoint.name} {chip} {dtype}: spills:\n{summary}")


def main():
    checkpoints = sorted(path.parent for path in Path(sys.argv[1]).glob("*/config.json"))
    with tempfile.TemporaryDirectory() as folder:
        for i, checkpoint in enumerate(checkpoints):
            # Each checkpoint with one chip and one storage in turn; all pairs come up.
            check(checkpoint, CHIPS[i % len(CHIPS)], DTYPES[i % len(DTYPES)], Path(folder))
    print(len(checkpoints), "layers")


main()
