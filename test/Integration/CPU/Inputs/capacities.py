# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Layers whose experts have a capacity, with a place for every row that an expert may take, against the reference
lowering: results, and bytes for any number of threads and in the order of a plan.

usage: capacities.py OUT
"""

import re
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "Inputs"))
import layers  # noqa: E402

E, D, F = 6, 40, 17
# Slots of a row, capacity and combination. 200 is more than there are rows most of the time, 1 drops nearly all.
LAYERS = ((2, 1, "weighted_sum"), (2, 7, "weighted_sum"), (3, 9, "mean"), (2, 200, "max"), (1, 13, "log_sum_exp"))
TOKENS = (0, 1, 5, 40, 300)
VARIANTS = ("padded", "grouped", "auto")

WEIGHTS = """
moe.weight @router : tensor<{E}x{D}xf32> from "router"
moe.weight @gate : tensor<{E}x{F}x{D}x{t}> from "gate"
moe.weight @up : tensor<{E}x{F}x{D}x{t}> from "up"
moe.weight @down : tensor<{E}x{D}x{F}x{t}> from "down"
"""
LAYER = """
moe.layer @moe{i} block {i} = @limited{i}(@router, @gate, @up, @down)
func.func @limited{i}(%x: tensor<?x{D}x{t}>, %router: tensor<{E}x{D}xf32>, %gate: tensor<{E}x{F}x{D}x{t}>,
                      %up: tensor<{E}x{F}x{D}x{t}>, %down: tensor<{E}x{D}x{F}x{t}>)
    -> (tensor<?x{D}x{t}> {{moe.name = "output"}}, tensor<?x{K}xi32> {{moe.name = "ids"}}) {{
  %l = moe.score.affine %x, %router : tensor<?x{D}x{t}>, tensor<{E}x{D}xf32> -> tensor<?x{E}xf32>
  %r = moe.route %l select #moe.top_k<{K}, capacity = {c}> rank logits weigh #moe.softmax over selected
      : tensor<?x{E}xf32> -> !moe.routing<{E}, {K}, f32>
  %ids, %w = moe.unpack_routing %r : !moe.routing<{E}, {K}, f32> -> tensor<?x{K}xi32>, tensor<?x{K}xf32>
  %rows = moe.dispatch %x by %r : tensor<?x{D}x{t}>, !moe.routing<{E}, {K}, f32> -> !moe.ragged<{E}, {D}, {t}>
  %y = moe.experts %rows weights %gate, %up, %down
      : !moe.ragged<{E}, {D}, {t}>, tensor<{E}x{F}x{D}x{t}>, tensor<{E}x{F}x{D}x{t}>, tensor<{E}x{D}x{F}x{t}>
      -> !moe.ragged<{E}, {D}, f32> {{
  ^bb0(%row: tensor<?x{D}x{t}>, %wg: tensor<{F}x{D}x{t}>, %wu: tensor<{F}x{D}x{t}>, %wd: tensor<{D}x{F}x{t}>):
    %g = moe.linear %row, %wg : tensor<?x{D}x{t}>, tensor<{F}x{D}x{t}> -> tensor<?x{F}xf32>
    %u = moe.linear %row, %wu : tensor<?x{D}x{t}>, tensor<{F}x{D}x{t}> -> tensor<?x{F}xf32>
    %h = moe.map %g, %u : tensor<?x{F}xf32>, tensor<?x{F}xf32> -> tensor<?x{F}x{t}> {{
    ^bb0(%a: f32, %b: f32):
      %zero = arith.constant 0.0 : f32
      %max = arith.maximumf %a, %zero : f32
      %prod = arith.mulf %max, %b : f32
      {round}
    }}
    %o = moe.linear %h, %wd : tensor<?x{F}x{t}>, tensor<{D}x{F}x{t}> -> tensor<?x{D}xf32>
    moe.yield %o : tensor<?x{D}xf32>
  }}
  %out = moe.combine %y by %r {kind} : !moe.ragged<{E}, {D}, f32>, !moe.routing<{E}, {K}, f32> -> tensor<?x{D}x{t}>
  return %out, %ids : tensor<?x{D}x{t}>, tensor<?x{K}xi32>
}}
"""
ROUND = {
    "f32": "moe.yield %prod : f32",
    "bf16": "%n = arith.truncf %prod : f32 to bf16\n      moe.yield %n : bf16",
}


class Libraries:
    """All layers in one number format, once for each variant and once by the reference lowering."""

    def __init__(self, out, dtype):
        self.out, self.dtype = out, dtype
        shared = {"E": E, "D": D, "F": F, "t": dtype, "round": ROUND[dtype]}
        source = out / f"{dtype}.mlir"
        source.write_text(
            WEIGHTS.format(**shared)
            + "".join(LAYER.format(i=i, K=k, c=c, kind=kind, **shared) for i, (k, c, kind) in enumerate(LAYERS))
        )
        self.grouped_form, self.libraries = {}, {}
        for variant in VARIANTS:
            pipeline = f"--moe-compile-pipeline=variants={variant} stop-after="
            self.grouped_form[variant] = layers.call("moe-opt", source, f"{pipeline}grouped")
            kernels = out / f"{dtype}-{variant}.mlir"
            layers.call("moe-opt", source, f"{pipeline}kernel", "-o", kernels)
            self.libraries[variant] = layers.compile_library(kernels, out / f"{dtype}-{variant}.so")
        self.libraries["reference"] = layers.compile_library(source, out / f"{dtype}-reference.so", reference=True)

    def run(self, rows, variant, layer, **flags):
        layers.write_safetensors(self.out / "rows.safetensors", {"x": rows}, bf16=self.dtype == "bf16")
        flags |= {"input": self.out / "rows.safetensors", "tensor": "x", "layer": layer, "random_weights": 3}
        return layers.run_layer(self.libraries[variant], self.out / "out.safetensors", **flags)


def check_forms(checks, libraries):
    """Padded places are there where they are asked for."""
    text = libraries.grouped_form["padded"]
    products = len(re.findall(r"= moe\.padded_matmul", text))
    checks.expect(products == 2 * len(LAYERS), f"{libraries.dtype}: {products} products at padded places")
    checks.expect("moe.grouped_matmul" not in text, f"{libraries.dtype}: sorted rows where padded places were forced")


def padded_from(text, layer):
    """The number of rows from which on a layer takes padded places by itself, 0 if it never does."""
    kernel = re.search(rf"func\.func @limited{layer}\(.*?\n  }}\n", text, re.DOTALL)[0]
    found = re.search(r"<padded from (\d+),", kernel)
    return int(found[1]) if found else 0


def check_layer(checks, libraries, layer):
    k, capacity, kind = LAYERS[layer]
    what = f"{kind} of {k}, capacity {capacity}, {libraries.dtype}"
    rows = np.random.default_rng(layer).standard_normal((max(TOKENS), D)).astype(np.float32)
    begin = padded_from(libraries.grouped_form["auto"], layer)
    checks.expect(begin == 0 or begin * k >= E * capacity, f"{what}: padded from {begin} rows on by itself")
    for tokens in sorted({*TOKENS, max(begin - 1, 0), begin}):
        here = f"{what}, T = {tokens}"
        expected = libraries.run(rows[:tokens], "reference", layer)
        results = {variant: libraries.run(rows[:tokens], variant, layer) for variant in VARIANTS}
        for variant, got in results.items():
            same = np.array_equal(got["ids"], expected["ids"])
            checks.expect(same, f"{here} {variant}: other ids")
            finite = np.isfinite(expected["output"])
            same = np.array_equal(got["output"][~finite], expected["output"][~finite])
            checks.expect(same, f"{here} {variant}: other infinite values")
            worst = layers.difference(got["output"][finite], expected["output"][finite])
            checks.expect(worst <= layers.TOLERANCE[libraries.dtype], f"{here} {variant}: off by {worst:.3g}")
        unequal = layers.same_bytes(results["padded"], results["grouped"])
        checks.expect(not unequal, f"{here}: other bytes than sorted rows: {unequal}")
        alone = libraries.run(rows[:tokens], "padded", layer, threads=1)
        many = libraries.run(rows[:tokens], "padded", layer, threads=4)
        checks.expect(not layers.same_bytes(alone, many), f"{here}: other bytes with four threads")
        checks.expect(not layers.same_bytes(alone, results["padded"]), f"{here}: other bytes in another run")
    return begin


def main():
    out = Path(sys.argv[1])
    checks = layers.Checks()
    for dtype in layers.TOLERANCE:
        libraries = Libraries(out, dtype)
        check_forms(checks, libraries)
        begins = [check_layer(checks, libraries, layer) for layer in range(len(LAYERS))]
        checks.expect(any(begins), f"{dtype}: no layer takes padded places by itself: {begins}")
    checks.done()


if __name__ == "__main__":
    main()
