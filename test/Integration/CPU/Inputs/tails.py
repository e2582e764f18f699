# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Widths and numbers of rows that fill no vector, no tile and no block of rows.

usage: tails.py OUT LEVELS [all]

For each shape and number format, at each machine level: T rows for T around the heights of blocks, against the
reference lowering; each row has the bytes that it has among all rows, also when the row behind it is NaN, which a read
past the end of a row would bring in.
"""

import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "Inputs"))
import layers  # noqa: E402

# Experts, choices, model width, expert width. One expert has all rows, in order; of three, rows are gathered.
SHAPES = ((1, 1, 33, 65), (3, 2, 130, 31))
MORE_SHAPES = ((1, 1, 1, 1), (3, 2, 63, 95), (1, 1, 160, 32), (3, 2, 64, 17), (1, 1, 127, 129), (3, 2, 31, 300))
ROWS = 70
COUNTS = (1, 7, 16, 17, 33)
MORE_COUNTS = (2, 15, 31, 32, 48, 49, 65)


def check_shape(checks, out, kernels, shape, counts):
    level, dtype = kernels
    experts, chosen, width, inner = shape
    what = f"{dtype} {level} E={experts} K={chosen} D={width} F={inner}"
    config = {"model_type": "olmoe", "hidden_size": width, "intermediate_size": inner, "num_experts": experts}
    config |= {"num_experts_per_tok": chosen, "num_hidden_layers": 1, "hidden_act": "silu", "norm_topk_prob": True}
    file, inputs, outputs = out / "tails.json", out / "rows.safetensors", out / "y.safetensors"
    file.write_text(json.dumps(config))
    flags = {"dtype": dtype, "random_weights": 5}
    library = layers.compile_library(file, out / "tails.so", cpu=level, **flags)
    naive = layers.compile_library(file, out / "naive.so", reference=True, **flags)
    rows = np.random.default_rng(sum(shape)).standard_normal((ROWS, width)).astype(np.float32)

    def run(layer, batch):
        layers.write_safetensors(inputs, {"x": batch}, bf16=dtype == "bf16")
        return layers.run_layer(layer, outputs, input=inputs, tensor="x", random_weights=5)

    whole = run(library, rows)
    checks.same_layer(what, whole, run(naive, rows), dtype)
    for count in counts:
        some = run(library, rows[:count])
        unequal = layers.same_bytes(some, {name: array[:count] for name, array in whole.items()})
        checks.expect(not unequal, f"{what}: T = {count}: other bytes than among {ROWS} rows: {unequal}")
        spoilt = rows[: count + 1].copy()
        spoilt[count] = np.nan
        beside = {name: array[:count] for name, array in run(library, spoilt).items()}
        unequal = layers.same_bytes(some, beside)
        checks.expect(not unequal, f"{what}: T = {count}: other bytes beside a row of NaN: {unequal}")


def main():
    out, levels, everything = Path(sys.argv[1]), sys.argv[2].split(","), "all" in sys.argv[3:]
    checks = layers.Checks()
    for shape in SHAPES + (MORE_SHAPES if everything else ()):
        for level in levels:
            for dtype in layers.TOLERANCE if everything else ["bf16"]:
                check_shape(checks, out, (level, dtype), shape, COUNTS + (MORE_COUNTS if everything else ()))
    checks.done()


if __name__ == "__main__":
    main()
