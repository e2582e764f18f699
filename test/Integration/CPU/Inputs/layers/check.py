#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs hand-written layers by both lowerings and holds them against NumPy.

usage: check.py FOLDER-OF-EXAMPLES SCRATCH examples|routings|sparsity|bodies|masked [--spoil]
"""

import re
import subprocess
import sys
from pathlib import Path

import bodies
import examples
import masked
import numpy as np
import routings
import safetensors
import sparsity

TOLERANCE = {"f32": 2e-5, "bf16": 1.6e-2}
ROWS = (0, 1, 7, 33)
DTYPES = {"f32", "bf16"}


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stderr}")


def random(seed, shape, dtype, spread=1.0):
    values = np.random.default_rng(seed).standard_normal(shape) * spread
    return safetensors.bf16(values) if dtype == "bf16" else values.astype(np.float32)


def differences(expected, got, dtype):
    """What is wrong with one result; None if nothing is."""
    if got.dtype == np.int32:
        return None if np.array_equal(expected, got) else f"ids {got.tolist()}, expected {expected.tolist()}"
    if expected.shape != got.shape:
        return f"shape {got.shape}, expected {expected.shape}"
    same = (expected == got) | (np.isnan(expected) & np.isnan(got))
    scale = np.abs(expected[np.isfinite(expected)]).max(initial=0)
    with np.errstate(invalid="ignore"):
        error = np.where(same, 0, np.abs(expected - got))
    worst = error.max(initial=0)
    return None if worst <= TOLERANCE[dtype] * scale else f"off by {worst:.3g} of {scale:.3g}"


class Checker:
    def __init__(self, scratch, spoil):
        self.scratch, self.spoil, self.checks, self.failed = Path(scratch), spoil, 0, 0
        self.rows = (1,) if spoil else ROWS

    def compile(self, name, text, weights):
        """Writes a checkpoint and a library by each lowering."""
        folder = self.scratch / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "layers.mlir").write_text(text)
        safetensors.write(folder / "model.safetensors", weights)
        for path in ([], ["--reference"]):
            library = folder / ("reference.so" if path else "optimised.so")
            run("moe-compile", folder / "layers.mlir", *path, "-o", library, "--checkpoint", folder)
        return folder

    @staticmethod
    def used(results):
        """Weights of dropped slots mean nothing: 0."""
        if len(results) == 3 and results[1].dtype == np.int32:
            results[2] = np.where(results[1] < 0, 0, results[2])
        return results

    def check(self, folder, layer, inputs, expected):
        label, block, dtype = layer
        if self.spoil:
            expected = [expected[0] + 1, *expected[1:]]
        names = ",".join(inputs)
        safetensors.write(folder / "rows.safetensors", inputs)
        for path in ("optimised", "reference"):
            run("moe-run", folder / f"{path}.so", "--layer", block, "--checkpoint", folder, "--input",
                folder / "rows.safetensors", "--tensor", names, "--output", folder / "out.safetensors")  # fmt: skip
            got = list(safetensors.read(folder / "out.safetensors").values())
            if len(inputs[names.split(",")[0]][0]) == 0:  # A kernel is not called for no rows.
                wrong = [None if len(got[0]) == 0 else "rows out of none"]
            else:
                wrong = [differences(e, g, dtype) for e, g in zip(expected, self.used(got), strict=True)]
            self.checks += 1
            if any(wrong):
                self.failed += 1
                print(f"FAILED: {label} {path}: {[w for w in wrong if w]}")


def shrunk(folder, name):
    """An example at its small size, with weights called after their symbols, and the types of its inputs."""
    text = (Path(folder) / f"{name}.mlir").read_text()
    for old, new in examples.SIZES[name].items():
        text = re.sub(rf"(?<![0-9f.]){old}(?![0-9.])", str(new), text)
    weights = {}
    for symbol, shape, dtype in re.findall(r"moe\.weight @(\S+) : tensor<((?:\d+x)+)(\w+)>", text):
        weights[symbol] = (tuple(map(int, shape.split("x")[:-1])), dtype)
    text = re.sub(r"(moe\.weight @(\S+) : \S+) from .*(?:\n +.*)?\n", r'\1 from "\2"\n', text)
    arguments = re.search(r"func\.func @\w+\((.*?)\)\s*->", text, re.DOTALL).group(1)
    return text, weights, re.findall(r"tensor<\?x(\d+)x(\w+)>", arguments)


def draw(shapes, seed):
    """Weights for which each product keeps the size of its rows."""
    return {name: random(seed + i, shape, dtype, shape[-1] ** -0.5 if len(shape) > 1 else 1)
            for i, (name, (shape, dtype)) in enumerate(shapes.items())}  # fmt: skip


def check_examples(folder, checker):
    for number, name in enumerate(examples.SIZES):
        text, shapes, types = shrunk(folder, name)
        weights = draw(shapes, 100 * number)
        at = checker.compile(name, text, {n: (weights[n], shapes[n][1]) for n in shapes})
        known = {n.rsplit(".")[-1]: w.astype(float) for n, w in weights.items()}
        for rows in checker.rows:
            inputs = {f"in{i}": (random(1000 * number + 10 * rows + i, (rows, int(width)), dtype), dtype)
                      for i, (width, dtype) in enumerate(types)}  # fmt: skip
            given = (x.astype(float) for x, _ in inputs.values())
            expected = getattr(examples, name)(known, *given) if rows else [np.zeros((0, 1))]
            checker.check(at, (f"{name} T = {rows}", 0, types[0][1]), inputs, expected)


def check_module(name, layers, checker):
    text, shapes = layers.module()
    weights = draw(shapes, 77)
    weights |= {n: 2 * w for n, w in weights.items() if n == "router"}
    at = checker.compile(name, text, {n: (weights[n], shapes[n][1]) for n in shapes})
    known = {n: w.astype(float) for n, w in weights.items()}
    for block, layer in enumerate(layers.LAYERS):
        for rows in checker.rows:
            x = random(50 * rows + block, (rows, layers.D), layer.dtype)
            if layers.NAN_ROW is not None:
                x[layers.NAN_ROW : layers.NAN_ROW + 1, 1] = np.nan
            inputs = {"x": (x, layer.dtype)}
            if layer.given:
                numbers = np.random.default_rng(rows + block).integers(-1, routings.E, (rows, 3))
                factors = np.abs(random(rows, (rows, 3), "f32"))
                inputs["given"] = (np.concatenate([numbers, factors], axis=1), "f32")
            values = (x.astype(float) for x, _ in inputs.values())
            expected = layer.compute(known, *values) if rows else [np.zeros((0, 1))]
            checker.check(at, (f"{layer.name} T = {rows}", block, layer.dtype), inputs, expected)


def check_bodies(checker):
    text, shapes = bodies.module()
    weights = draw(shapes, 33)
    at = checker.compile("bodies", text, {n: (weights[n], shapes[n][1]) for n in shapes})
    known = {n: w.astype(float) for n, w in weights.items()}
    for block, body in enumerate(bodies.LAYERS):
        for rows in checker.rows:
            x = random(70 * rows + block, (rows, bodies.D), "f32")
            expected = body.compute(known, x.astype(float)) if rows else [np.zeros((0, 1))]
            checker.check(at, (f"{body.name} T = {rows}", block, "f32"), {"x": (x, "f32")}, expected)


def main():
    folder, scratch, what = sys.argv[1:4]
    checker = Checker(scratch, "--spoil" in sys.argv)
    if what == "examples":
        check_examples(folder, checker)
    elif what == "bodies":
        check_bodies(checker)
    else:
        check_module(what, {"routings": routings, "sparsity": sparsity, "masked": masked}[what], checker)
    print(f"{checker.checks} checks, {checker.failed} failed")
    sys.exit(checker.failed != 0)


main()
