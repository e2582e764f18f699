#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs a layer whose experts 1, 4 and 5 are dead with a checkpoint that lacks them, one tensor an expert.

usage: without-dead.py SCRATCH
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
import safetensors
from sparsity import DEAD, MLPS, D, F, Layer

EXPERTS = 6
WEIGHTS = [
    f'moe.weight @router6 : tensor<6x{D}xf32> from "router"',
    f'moe.weight @up6 : tensor<6x{F}x{D}xf32> from "experts.{{e}}.up"',
    f'moe.weight @down6 : tensor<6x{D}x{F}xf32> from "experts.{{e}}.down"',
    f'moe.weight @shared : tensor<{D}x{D}xf32> from "shared"',
]
scratch = Path(sys.argv[1]) / "dead"


def run(*command):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)


def random(seed, shape):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


passed = []


def expect(ok, what):
    if not ok:
        sys.exit(f"FAILED: {what}")
    passed.append(what)


def few_numbers(tensors):
    """Rows whose logits are NaN but for one living expert go to dead ones: their weights have to be there."""
    layer = Layer("few", "weighted_sum", 2, [(EXPERTS, MLPS)], "#moe.one over each", rank="logits", bias=DEAD)
    folder = scratch / "few"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "layer.mlir").write_text("\n".join(WEIGHTS) + layer.text(0))
    router = tensors["router"][0].copy()
    router[[0, 2]] = np.nan
    safetensors.write(folder / "model.safetensors", tensors | {"router": (router, "f32")})
    given, out = folder / "rows.safetensors", folder / "out.safetensors"
    safetensors.write(given, {"x": (random(3, (9, D)), "f32")})
    outputs = []
    for path in ([], ["--reference"]):
        done = run("moe-run", folder / "layer.mlir", "--checkpoint", folder, *path, "--input", given, "--tensor", "x",
                   "--output", out)  # fmt: skip
        expect(done.returncode == 0, f"few {path}: {done.stderr}")
        outputs.append(safetensors.read(out)["output"])
    expect(np.isfinite(outputs[0]).all(), "rows of numbers came back without")
    expect(np.allclose(*outputs, 1e-4, 1e-4), "far from the reference where few logits are numbers")


def main():
    layer = Layer("dead", "weighted_sum", 2, [(EXPERTS, MLPS)], bias=DEAD)
    tensors = {"router": (random(0, (EXPERTS, D)), "f32"), "shared": (random(1, (D, D)), "f32")}
    for e in range(EXPERTS):
        tensors[f"experts.{e}.up"] = (random(10 + e, (F, D)), "f32")
        tensors[f"experts.{e}.down"] = (random(20 + e, (D, F)), "f32")
    alive = {n: t for n, t in tensors.items() if n.split(".")[0] != "experts" or DEAD[int(n.split(".")[1])] > -np.inf}
    outputs = {}
    for name, stored in (("whole", tensors), ("alive", alive)):
        folder = scratch / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "layer.mlir").write_text("\n".join(WEIGHTS) + layer.text(0))
        safetensors.write(folder / "model.safetensors", stored)
        rows = random(2, (33, D))
        rows[5, 3] = np.nan  # NaN is compared last: this row goes to dead experts.
        given, out = folder / "rows.safetensors", folder / "out.safetensors"
        safetensors.write(given, {"x": (rows, "f32")})
        for path in ([], ["--reference"]):
            layers = [folder / "layer.mlir", "--checkpoint", folder, *path]
            done = run("moe-run", *layers, "--input", given, "--tensor", "x", "--output", out)
            if path and name == "alive":
                expect("expected a tensor 'experts.1.up'" in done.stderr, f"{name} {path}: {done.stderr}")
                continue
            expect(done.returncode == 0, f"{name} {path}: {done.stderr}")
            outputs[name, bool(path)] = safetensors.read(out)["output"]
    expect(outputs["whole", False].tobytes() == outputs["alive", False].tobytes(), "other bytes without dead experts")
    expect(np.isnan(outputs["alive", False][5]).all(), "the row with NaN has numbers")
    others = np.arange(33) != 5
    expect(np.allclose(outputs["alive", False][others], outputs["whole", True][others], 1e-4, 1e-4),
           "far from the reference")  # fmt: skip
    few_numbers(tensors)
    print(len(passed), "checks passed")


main()
