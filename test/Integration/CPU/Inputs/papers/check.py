#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiles the models of docs/examples/papers by both lowerings and holds them against the papers' equations.

usage: check.py FOLDER-OF-MODELS SCRATCH outputs|pieces|prototypes|numbers [--spoil]
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import models
import numpy as np

sys.path.append(str(Path(__file__).parent.parent / "layers"))
import safetensors

FOLDER, SCRATCH = Path(sys.argv[1]), Path(sys.argv[2])
SPOIL = "--spoil" in sys.argv


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stderr}")


def evaluate(name, text, weights, inputs, lowering=()):
    """The results of a model on rows."""
    at = SCRATCH / name
    at.mkdir(parents=True, exist_ok=True)
    (at / "model.mlir").write_text(text)
    safetensors.write(at / "model.safetensors", {n: (w, "f32") for n, w in weights.items()})
    safetensors.write(at / "rows.safetensors", {f"in{i}": (x, "f32") for i, x in enumerate(inputs)})
    run("moe-run", at / "model.mlir", "--checkpoint", at, "--input", at / "rows.safetensors", "--tensor",
        ",".join(f"in{i}" for i in range(len(inputs))), "--output", at / "out.safetensors", *lowering)  # fmt: skip
    return list(safetensors.read(at / "out.safetensors").values())


def outputs():
    failed = checks = 0
    for model in models.MODELS:
        name = model.__name__
        weights, inputs, expected = model()
        if SPOIL:
            expected[0] = expected[0] + 0.1
        for lowering in ((), ("--reference",)):
            got = evaluate(name, (FOLDER / f"{name}.mlir").read_text(), weights, inputs, lowering)
            checks += 1
            for e, g in zip(expected, got, strict=True):
                # Long density tails: relative to the largest.
                wrong = np.abs(e - g).max() / np.abs(e).max()
                if e.shape != g.shape or not wrong < (1e-12 if g.dtype == np.int32 else 2e-5):
                    print(f"FAILED: {name} {' '.join(lowering)}: off by {wrong:.3g}")
                    failed += 1
    print(f"{checks} checks, {failed} failed")
    return failed


def slope(sizes, errors):
    return np.polyfit(np.log(sizes), np.log(errors), 1)[0]


def pieces():
    """Paths that rows take, and how the error of the construction falls with the width of experts."""
    for depth, name, widths in ((2, "deep_9_pieces", (16, 32, 64, 128)), (4, "deep_81_pieces", (16, 128))):
        text, errors = (FOLDER / f"{name}.mlir").read_text(), []
        for width in widths:
            weights, rows, target, ids = models.deep(depth, width)
            wide = re.sub(r"(?<![0-9f])16x", f"{width}x", text).replace("x16x", f"x{width}x")
            value, *paths = evaluate(name, wide, weights, [rows])
            if not np.array_equal(np.concatenate(paths, axis=1), ids):
                sys.exit(f"{name}: a row is in another interval")
            errors.append(np.abs(value - target).max())
            if errors[-1] > 0.75 / width**2:
                sys.exit(f"{name}: error {errors[-1]:.3g} at m = {width}, expected at most {0.75 / width**2:.3g}")
        seen = len(np.unique(np.concatenate(paths, axis=1), axis=0))
        got = slope(widths, errors)
        print(f"{name}: {seen} paths, slope", "as m^-2" if -2.1 <= got <= -1.7 else got)


def prototypes():
    """The largest error of constant experts on a Lipschitz function falls like their number to the power -1/2."""

    def f(x):
        return np.abs(x[:, 0] - 0.37) + np.abs(x[:, 1] - 0.61) + 0.5 * np.abs(x[:, 0] - x[:, 1])

    text, errors, counts = (FOLDER / "momlp_flat.mlir").read_text(), [], (4, 16, 64, 256, 1024)
    x = np.stack(np.meshgrid(*2 * [(np.arange(200) + 0.5) / 200]), axis=-1).reshape(-1, 2)
    for count in counts:
        weights = {n: np.zeros_like(w) for n, w in models.mlps(count).items()}
        points = models.grid(int(count**0.5))
        weights |= {"prototypes": points, "b3": f(points)[:, None]}
        resized = re.sub(r"(?<=[<x])16(?=[x,])", str(count), text)
        errors.append(np.abs(evaluate("prototypes", resized, weights, [x])[0][:, 0] - f(x)).max())
    got = slope(counts, errors)
    print("prototypes: slope", "as L^-1/2" if -0.65 <= got <= -0.45 else got)


def numbers():
    """What the analysis states, by model, quantity and key."""
    known = {
        "sparse_classifier": {"generalization_bound.value": 0.4355575, "natarajan.upper": 40, "pieces.paths": 28},
        "gaussian_exact": {"voronoi.required": 1},
        "gaussian_over_specified": {"voronoi.required": 4, "voronoi.worst_required": 4, "voronoi.meets": True},
        "patches_separate": {"sample_cost.experts": 125440, "sample_cost.router": 50176, "sample_cost.dense": 1003520,
                             "sample_cost.ratio": 0.125, "load.per_sample": 2},
        "patches_joint": {"sample_cost.ratio": 0.375, "load.per_sample": 6},
        "momlp_flat_4": {"vc_bound.value": 429, "parameters.expert": 1185},
        "momlp_flat": {"vc_bound.value": 6198},
        "momlp_tree": {"bytes.loaded": 4836, "bytes.total": 304032, "bytes.scores_visited": 12},
        "deep_9_pieces": {"pieces.paths": 9, "pieces.naive": 6},
        "deep_81_pieces": {"pieces.paths": 81, "pieces.naive": 12},
        "shallow": {"parameters.total": 788, "parameters.active": 245, "parameters.expert": 181},
    }  # fmt: skip
    if known.keys() != {path.stem for path in FOLDER.glob("*.mlir")}:
        sys.exit("a model is not looked at")
    for name, values in known.items():
        SCRATCH.mkdir(parents=True, exist_ok=True)
        file = SCRATCH / f"{name}.json"
        run("moe-opt", FOLDER / f"{name}.mlir", f"--moe-analyze=json={file}", "-o", "/dev/null")
        layer = json.loads(file.read_text())["layers"][0]
        for key, value in values.items():
            quantity, entry = key.split(".")
            got = layer["quantities"][quantity][entry]
            if got != value and not (isinstance(value, float) and abs(got - value) < 5e-8):
                sys.exit(f"{name}: {key}: expected {value}, got {got}")
    print(f"{sum(map(len, known.values()))} numbers")


sys.exit({"outputs": outputs, "pieces": pieces, "prototypes": prototypes, "numbers": numbers}[sys.argv[3]]())
