# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every stage that is printed is read back and printed the same, and compiling twice gives the same bytes.

usage: stages.py OUT MODEL...
"""

import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "Inputs"))
import layers  # noqa: E402

STAGES = ("model", "grouped", "linalg", "kernel", "target")


def read_back(checks, path, what):
    """moe-opt without a pass is the identity on what a tool printed."""
    printed = path.read_text().rstrip("\n")
    checks.expect("func" in printed, f"{what}: no function was printed")
    again = layers.call("moe-opt", path).rstrip("\n")
    if not checks.expect(again == printed, f"{what}: printed otherwise when read back"):
        lines = zip(printed.splitlines(), again.splitlines(), strict=False)
        print(next((f"  {a}\n  {b}" for a, b in lines if a != b), "  another number of lines"))


def check_stages(checks, model, out, flags):
    what = f"{model.name} {' '.join(flags)}"
    dump = out / "dump"
    layers.call("moe-compile", model, *flags, "-o", out / "dumped.so", f"--dump-stages={dump}")
    for path in sorted(dump.glob("*.mlir")):
        read_back(checks, path, f"{what} --dump-stages {path.name}")
    dumped = {path.stem.split("-", 1)[1] for path in dump.glob("*.mlir")}
    # The naive lowering goes from the model straight to the kernel.
    wanted = set(STAGES) - ({"grouped", "linalg"} if "--reference" in flags else set())
    checks.expect(wanted == dumped, f"{what}: expected the stages {sorted(wanted)}, got {sorted(dumped)}")
    for stage in STAGES:
        if stage in wanted:
            path = out / f"{stage}.mlir"
            layers.call("moe-compile", model, *flags, "--emit=mlir", f"--stage={stage}", "-o", path)
            read_back(checks, path, f"{what} --stage={stage}")
    for path in dump.iterdir():
        path.unlink()


def check_deterministic(checks, model, out, flags, turns):
    made = []
    for turn in range(turns):
        folder = out / str(turn)
        temporary = folder / f"tmp-{turn}"
        temporary.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, "TMPDIR": str(temporary), "LANG": "C" if turn % 2 else "C.UTF-8"}
        command = ["moe-compile", model.resolve(), *flags, "-o", "layer.so"]
        subprocess.run(command, cwd=folder, env=environment, check=True)
        made.append({path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()})
        checks.expect(not list(temporary.iterdir()), f"{model.name}: left files in the folder for temporary ones")
    what = f"{model.name} {' '.join(flags)}"
    names = set(made[0])
    checks.expect(names == {"layer.so", "layer.h"}, f"{what}: expected a library and a header, got {names}")
    for name in made[0]:
        other = [turn for turn in range(turns) if made[turn].get(name) != made[0][name]]
        checks.expect(not other, f"{what}: {name} has other bytes in the turns {other}")


def main():
    out = Path(sys.argv[1])
    checks = layers.Checks()
    # In a folder each, with threads: the first model as often as it takes to see an order that varies.
    for number, model in enumerate(map(Path, sys.argv[2:])):
        for flags in ([], ["--dtype=bf16"], ["--reference"]):
            check_stages(checks, model, out, flags)
            check_deterministic(checks, model, out, flags, 2 if number or flags else 20)
    checks.done()


if __name__ == "__main__":
    main()
