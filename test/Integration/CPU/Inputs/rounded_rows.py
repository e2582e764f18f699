# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Rows as moe.round_rows makes them, seen through a product by the identity, against the rule in NumPy.

usage: rounded_rows.py OUT LEVELS
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "Inputs"))
import layers  # noqa: E402

LAYER = """
moe.weight @w : tensor<{n}x{n}xf32> from "w" format "{format}"
moe.layer @moe0 block 0 = @k(@w)
func.func @k(%x: tensor<?x{n}xf32>, %w: tensor<{n}x{n}xf32> {{moe.format = "{format}"}}) -> tensor<?x{n}xf32> {{
  %q = moe.round_rows %x : tensor<?x{n}xf32> -> tensor<?x{n}xf32>
  %y = moe.linear %q, %w : tensor<?x{n}xf32>, tensor<{n}x{n}xf32> -> tensor<?x{n}xf32>
  return %y : tensor<?x{n}xf32>
}}
"""


def draw(width):
    """Rows of every size, and those at the edges of the rule."""
    random = np.random.default_rng(5)
    x = random.standard_normal((40, width)).astype(np.float32) * np.exp2(random.integers(-60, 60, (40, 1)))
    x[1] = 0
    x[2, 0], x[3, width - 1], x[4, width // 2] = np.nan, np.inf, -np.inf
    x[5] = 1e-40
    x[6] = np.float32(2.0**-100) * random.integers(-127, 128, width) / 127
    x[7], x[7, 0] = 0.5, 127  # ties
    x[8], x[8, 0] = -1.5, -127
    x[9] = np.float32(1e36) * np.sign(random.standard_normal(width))
    return x.astype(np.float32)


def expected(x):
    with np.errstate(invalid="ignore", over="ignore"):
        largest = np.maximum(np.abs(x).max(axis=1, keepdims=True), np.float32(2.0**-100))
        rounded = np.rint(x * (np.float32(127) / largest)) * (largest / np.float32(127))
    rounded[~np.isfinite(x).all(axis=1)] = np.nan
    return rounded


def check(checks, out, level, number_format, width):
    folder = out / f"{number_format.replace(':', '-')}-{width}"
    folder.mkdir(exist_ok=True)
    (folder / "layer.mlir").write_text(LAYER.format(n=width, format=number_format))
    (folder / "config.json").write_text("{}")
    x = draw(width)
    layers.write_safetensors(folder / "model.safetensors", {"w": np.eye(width)})
    layers.write_safetensors(folder / "x.safetensors", {"x": x})
    flags = {"checkpoint": folder, "layer": 0, "input": folder / "x.safetensors", "tensor": "x"}
    flags |= {"reference": True} if level == "reference" else {"cpu": level}
    got = next(iter(layers.run_layer(folder / "layer.mlir", folder / "y.safetensors", **flags).values()))
    wanted, what = expected(x), f"{number_format} of {width} columns, {level}"
    lost = np.isnan(wanted).any(axis=1)
    checks.expect(np.isnan(got[lost]).all(), f"{what}: rows with NaN or an infinity are not NaN")
    # The scale of the identity is not quite 1 / 127.
    scale = np.maximum(np.abs(wanted[~lost]).max(axis=1, keepdims=True), 1e-35)
    off = np.abs(got[~lost].astype(np.float64) - wanted[~lost]) / scale
    checks.expect(off.max() < 1e-6, f"{what}: row {off.max(axis=1).argmax()} is off by {off.max():.3g}")


def main():
    out, levels = Path(sys.argv[1]), sys.argv[2].split(",")
    checks = layers.Checks()
    for level in ["reference", "amx-emulated", *levels]:
        for number_format in ("int8", "mxfp4"):
            for width in (1, 36, 64, 100):
                check(checks, out, level, number_format, width)
    # More than the tiles of a matrix unit take of a row at a time, with and without an end that fills no tile.
    for width in (320, 612):
        check(checks, out, "amx-emulated", "int8", width)
    checks.done()


if __name__ == "__main__":
    main()
