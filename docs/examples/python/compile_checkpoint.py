# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compile a checkpoint's MoE block and look at what it becomes.

usage: compile_checkpoint.py [CHECKPOINT]      by default a tiny random Mixtral of this repository's tests
"""

# %% What is in the checkpoint? Its config.json alone would do.
import sys
from pathlib import Path

import moe_mlir
import numpy as np

folder = sys.argv[1] if sys.argv[1:] else Path(__file__).resolve().parents[3] / "test/zoo/mixtral"
model = moe_mlir.describe(folder)
print(model)

# %% Compile the first block for this machine and load its weights.
layer = moe_mlir.compile(folder, layer=0)
print(layer)

# %% Run it. Rows are read where they are; the result is an array of the same library.
x = np.random.default_rng(0).standard_normal((5, layer.model_width), dtype=np.float32)
y = layer(x)
experts, weights = layer.route(x)
print("output", y.shape, y.dtype)
for row in range(2):
    chosen = ", ".join(f"expert {e} with {w:.3f}" for e, w in zip(experts[row], weights[row], strict=True))
    print(f"row {row} goes to {chosen}")

# %% The block as the importer understood it: score, route, dispatch, experts, combine.
print(layer.ir("model"))

# %% After fusion: one fused router, a plan, two grouped products with their epilogues, and the variants by T.
print("\n".join(line for line in layer.ir("grouped").splitlines() if "moe." in line))

# %% What each pass did, and what it declined and why.
print(layer.report())

# %% The naive lowering of the same block is kept to compare with.
reference = moe_mlir.compile(folder, layer=0, reference=True)
print("largest difference to the naive lowering:", np.abs(reference(x) - y).max())

# %% Another number format: weights of 8 bits.
small = moe_mlir.compile(folder, layer=0, dtype="int8")
print("largest difference with int8 weights:", np.abs(small(x) - y).max(), "of", np.abs(y).max())
