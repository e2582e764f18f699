# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every variant of a layer by the number of rows against the reference lowering.

usage: variants.py OUT MODEL...
"""

import re
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "Inputs"))
import layers  # noqa: E402

VARIANTS = ("single-row", "grouped", "auto")


class Layer:
    """The first MoE block of a checkpoint in one number format, at the kernel stage, once for each variant."""

    def __init__(self, model, out, dtype):
        self.model, self.out, self.dtype = model, out, dtype
        source = out / "model.mlir"
        only = ("--layers=0", f"--dtype={dtype}")
        layers.call("moe-compile", model, *only, "--emit=mlir", "--stage=model", "-o", source)
        self.kernels, self.libraries = {}, {}
        for variant in VARIANTS:
            self.kernels[variant] = out / f"{variant}.mlir"
            pipeline = f"--moe-compile-pipeline=variants={variant} stop-after="
            layers.call("moe-opt", source, f"{pipeline}kernel", "-o", self.kernels[variant])
            self.libraries[variant] = layers.compile_library(self.kernels[variant], out / f"{variant}.so")
        flags = {"layers": 0, "dtype": dtype, "reference": True}
        self.libraries["reference"] = layers.compile_library(model, out / "reference.so", **flags)
        grouped = layers.call("moe-opt", source, f"{pipeline}grouped")
        # A test on the number of rows for each routing; of those that have one, the first.
        self.crossover = int(re.search(r"<single_row from 0, \d+ ns>, <grouped from (\d+),", grouped)[1])

    def run(self, rows, variant, **flags):
        layers.write_safetensors(self.out / "rows.safetensors", {"x": rows}, bf16=self.dtype == "bf16")
        flags |= {"input": self.out / "rows.safetensors", "tensor": "x", "checkpoint": self.model}
        return layers.run_layer(self.libraries[variant], self.out / "out.safetensors", **flags)


def packed(kernel):
    """How the arguments of a kernel are packed."""
    return re.findall(r"#moe\.packing<[^>]*>", kernel.read_text())


def check_layer(checks, layer):
    what = f"{layer.model.name} {layer.dtype}"
    one = packed(layer.kernels["grouped"])
    for variant in VARIANTS:
        same = sorted(packed(layer.kernels[variant])) == sorted(one)
        checks.expect(same and one, f"{what} {variant}: other packed arguments than for sorted rows")
    rows = np.random.default_rng(5).standard_normal((40, width_of(layer.model))).astype(np.float32)
    counts = sorted({1, 2, layer.crossover - 1, layer.crossover, layer.crossover + 1, 40} - {0})
    whole = {variant: layer.run(rows, variant) for variant in VARIANTS}
    for tokens in counts:
        expected = layer.run(rows[:tokens], "reference")
        results = {variant: layer.run(rows[:tokens], variant) for variant in VARIANTS}
        for variant, got in results.items():
            here = f"{what} {variant} T = {tokens}"
            agree = (got["experts"] == expected["experts"]).all(axis=1)
            checks.expect(agree.sum() >= tokens - (layer.dtype == "bf16"), f"{here}: other experts")
            worst = layers.difference(got["output"], expected["output"], agree)
            checks.expect(worst <= layers.TOLERANCE[layer.dtype], f"{here}: off by {worst:.3g} of the largest value")
            if variant != "auto":
                alone = {name: value[:tokens] for name, value in whole[variant].items()}
                unequal = layers.same_bytes(got, alone)
                checks.expect(not unequal, f"{here}: other rows change {unequal}")
            threads = layer.run(rows[:tokens], variant, threads=1)
            checks.expect(not layers.same_bytes(got, threads), f"{here}: other bytes with one thread")
        taken = "single-row" if tokens < layer.crossover else "grouped"
        unequal = layers.same_bytes(results["auto"], results[taken])
        checks.expect(not unequal, f"{what} T = {tokens}: other bytes than {taken}: {unequal}")


def width_of(model):
    reference = layers.read_safetensors(model / "reference.safetensors")
    return next(value.shape[1] for name, value in reference.items() if name.endswith(".input"))


def main():
    out = Path(sys.argv[1])
    checks = layers.Checks()
    for model in map(Path, sys.argv[2:]):
        for dtype in layers.TOLERANCE:
            check_layer(checks, Layer(model, out, dtype))
    checks.done()


if __name__ == "__main__":
    main()
