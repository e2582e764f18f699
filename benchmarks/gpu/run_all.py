#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tests and times device code on a machine with a GPU, from what prepare.py wrote: no compiler is needed here.

run_all.py [--artefacts build/gpu] [--json OUT.json] [--plot OUT.png]

First says what this machine is and what it lacks. Then every checkpoint beside its references, a few of them under
compute-sanitizer too; and, when all agree, the table of shapes: median time between two events, ratio to the best peer,
share of the floor (the larger of FLOP and bytes by the rates of --tflops and --gbps). For few rows caches are flushed
before every call. Exit status 1 when a result is wrong.
"""

# ruff: noqa: PLC0415  (libraries that may be missing are imported where they are wanted)
import argparse
import importlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))
PEER_MODULES = ("hf",)
SANITIZED = ("mixtral", "deepseek_v3-bf16", "gpt_oss")
SANITIZER_TOOLS = ("memcheck", "racecheck")


def need_numpy(artefacts):
    """numpy from here, or from a wheel among the artefacts."""
    if importlib.util.find_spec("numpy"):
        return
    for wheel in artefacts.glob("numpy-*.whl"):
        zipfile.ZipFile(wheel).extractall(artefacts / "site")
        sys.path.insert(0, str(artefacts / "site"))
        if importlib.util.find_spec("numpy"):
            return
    sys.exit("run_all.py: numpy is missing: install it, or put its wheel for this Python into the artefacts' folder")


def describe(driver, args):
    """What the machine has, and what it lacks: {name: what for}."""
    found, lacks = {"device": driver.properties()}, {}
    if shutil.which("nvidia-smi"):
        fields = "name,driver_version,clocks.sm,clocks.mem,clocks.max.sm,power.limit,temperature.gpu"
        done = subprocess.run(
            ["nvidia-smi", f"--query-gpu={fields}", "--format=csv"], check=False, capture_output=True, text=True
        )
        found["nvidia_smi"] = done.stdout.strip().splitlines()
    else:
        lacks["nvidia-smi"] = "clocks and driver are not noted"
    if not shutil.which("compute-sanitizer"):
        lacks["compute-sanitizer"] = "kernels are not run under it"
    for module in ("torch", "transformers", "safetensors", "matplotlib"):
        if not importlib.util.find_spec(module):
            lacks[module] = "no plot" if module == "matplotlib" else "no peers, and large shapes are not checked"
    if not args.tflops or not args.gbps:
        lacks["--tflops and --gbps"] = "no share of the floor"
    return found, lacks


def files_of(entry, artefacts):
    return {kind: artefacts / entry[kind] for kind in ("ptx", "cubin", "llvm") if kind in entry}


def check_one(args, artefacts, manifest, name):
    """What `--only NAME` does, in a process of its own: a fault on a device ends its context."""
    import checkpoints
    from device import Error, Runtime

    entry = next(e for e in manifest["checkpoints"] if e["name"] == name)
    runtime = Runtime(str(artefacts / manifest["runtime"]))
    try:
        text = checkpoints.check(
            runtime, files_of(entry, artefacts), ROOT / "test/zoo" / entry["checkpoint"], (1, 7, 33, 130)
        )
    except (checkpoints.Mismatch, Error) as error:
        sys.exit(f"FAILED: {error}")
    print(text)


def check_all(args, manifest, lacks):
    results = []

    def run(name, tool=None):
        command = [sys.executable, __file__, "--artefacts", args.artefacts, "--only", name]
        if tool:
            command = ["compute-sanitizer", f"--tool={tool}", "--error-exitcode=9", *command]
        try:
            done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=args.limit)
            text = ((done.stdout + done.stderr).strip().splitlines() or ["no output"])[-1]
            passed = done.returncode == 0
        except subprocess.TimeoutExpired:
            text, passed = f"FAILED: no end after {args.limit} s", False
        label = name + (f" ({tool})" if tool else "")
        results.append({"name": label, "passed": passed, "text": text})
        print(f"{'pass' if passed else 'FAIL'}  {label}: {text}", flush=True)

    names = [entry["name"] for entry in manifest["checkpoints"]]
    for name in names:
        run(name)
    if "compute-sanitizer" not in lacks:
        for name in SANITIZED:
            for tool in SANITIZER_TOOLS if name in names else ():
                run(name, tool)
    return results


def load_peers(lacks):
    """{name: build}; None without PyTorch on a device."""
    if any(module in lacks for module in ("torch", "safetensors")):
        return None
    import torch

    if not torch.cuda.is_available():
        lacks["torch for CUDA"] = "no peers, and large shapes are not checked"
        return None
    peers = {}
    for module in PEER_MODULES:
        try:
            peers |= importlib.import_module(f"peers.{module}").PEERS
        except (ImportError, OSError) as error:
            lacks[f"peer {module}"] = f"{type(error).__name__}: {error}".splitlines()[0]
    return peers


def measure_all(args, artefacts, manifest, driver, lacks):
    from device import Error, Runtime
    from driver import DriverError
    from shapes import Shape

    peers, table = load_peers(lacks), []
    limits = {"flops": args.tflops * 1e12, "bytes": args.gbps * 1e9} if args.tflops and args.gbps else None
    runtime = Runtime(str(artefacts / manifest["runtime"]))
    print(f"{'shape':16} {'T':>6} {'':18} {'median us':>10} {'min us':>10} {'ratio':>6} {'floor':>6} {'rows off':>8}")
    for entry in manifest["shapes"]:
        try:
            shape = Shape(driver, runtime, artefacts, entry, peers)
            for tokens in args.tokens:
                for row in shape.measure(tokens, args.rounds, args.repeats, limits):
                    table.append(row)
                    extra = [row["ratio_to_best_peer"], row["share_of_floor"], row["rows_off"]]
                    texts = ["" if value is None else f"{value:.2f}" for value in extra]
                    print(
                        f"{row['shape']:16} {row['tokens']:6} {row['name']:18} {row['median_us']:10.1f} "
                        f"{row['min_us']:10.1f} {texts[0]:>6} {texts[1]:>6} {texts[2]:>8}",
                        flush=True,
                    )
        except (Error, DriverError) as error:
            table.append({"shape": entry["name"], "error": str(error)})
            print(f"{entry['name']}: {error}", flush=True)
    return table


def plot(table, path):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    shapes = sorted({row["shape"] for row in table if "error" not in row})
    figure, axes = pyplot.subplots(1, len(shapes), figsize=(4 * len(shapes), 4), squeeze=False)
    for axis, shape in zip(axes[0], shapes, strict=True):
        for name in sorted({row["name"] for row in table if row["shape"] == shape and "error" not in row}):
            points = [
                (row["tokens"], row["median_us"]) for row in table if (row["shape"], row.get("name")) == (shape, name)
            ]
            axis.plot(*zip(*sorted(points), strict=True), marker="o", label=name)
        axis.set(title=shape, xscale="log", yscale="log", xlabel="tokens", ylabel="median us")
        axis.legend()
    figure.tight_layout()
    figure.savefig(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--artefacts", default=str(ROOT / "build" / "gpu"))
    parser.add_argument("--tokens", default="1,16,256,4096,16384", type=lambda text: [int(t) for t in text.split(",")])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=10, help="calls of each in a round")
    parser.add_argument("--limit", type=float, default=120, help="seconds for a checkpoint")
    parser.add_argument("--tflops", type=float, default=0, help="the device's rate of bf16 products, for the floor")
    parser.add_argument("--gbps", type=float, default=0, help="the bandwidth of its memory, for the floor")
    parser.add_argument("--json", default="")
    parser.add_argument("--plot", default="")
    parser.add_argument("--only", default="", help=argparse.SUPPRESS)
    args = parser.parse_args()
    artefacts = Path(args.artefacts)
    if not (artefacts / "MANIFEST.json").exists():
        sys.exit(f"run_all.py: {artefacts}: expected what benchmarks/gpu/prepare.py writes, got no MANIFEST.json")
    need_numpy(artefacts)
    manifest = json.loads((artefacts / "MANIFEST.json").read_text())
    if args.only:
        check_one(args, artefacts, manifest, args.only)
        return
    from driver import Driver, DriverError

    try:
        driver = Driver()
    except (OSError, DriverError) as error:
        sys.exit(f"run_all.py: no CUDA device: {error}")
    found, lacks = describe(driver, args)
    print(f"device: {found['device']}; kernels for {manifest['chip']}")
    lacks |= {"cubins": "the driver compiles PTX"} if manifest["lacks"] else {}
    for name, consequence in lacks.items():
        print(f"lacks {name}: {consequence}")
    start = time.time()
    checks = check_all(args, manifest, lacks)
    wrong = [check["name"] for check in checks if not check["passed"]]
    table = [] if wrong else measure_all(args, artefacts, manifest, driver, lacks)
    result = {"machine": found, "lacks": lacks, "chip": manifest["chip"], "checks": checks, "table": table}
    if args.json:
        Path(args.json).write_text(json.dumps(result, indent=1))
    if args.plot and table and "matplotlib" not in lacks:
        plot(table, args.plot)
    bad = [row["shape"] for row in table if "error" in row or (row.get("rows_off") or 0) > 0.02]
    print(f"{len(checks) - len(wrong)} of {len(checks)} checks passed, {len(table)} rows, {time.time() - start:.0f} s")
    if wrong or bad:
        sys.exit("wrong: " + ", ".join(wrong + bad))


if __name__ == "__main__":
    os.environ.setdefault("CUDA_MODULE_LOADING", "EAGER")
    main()
