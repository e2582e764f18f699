# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares what run_layer printed with Mixtral's block 0 in f64: check-mixtral.py CHECKPOINT PRINTED."""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "Integration" / "Inputs"))
import layers  # noqa: E402

TOP_K = 2
tensors = layers.read_safetensors(Path(sys.argv[1]) / "model.safetensors")
block = {name.split("block_sparse_moe.")[1]: value for name, value in tensors.items() if "layers.0.block" in name}
router = block["gate.weight"].astype(np.float64)
x = (np.arange(router.shape[1]) % 13 - 6) / 8
scores = np.exp(router @ x)
chosen = np.argsort(-scores)[:TOP_K]
expected = np.zeros(router.shape[1])
for expert in chosen:
    w1, w2, w3 = (block[f"experts.{expert}.w{i}.weight"].astype(np.float64) for i in (1, 2, 3))
    gate = w1 @ x
    expected += scores[expert] / scores[chosen].sum() * (w2 @ (gate / (1 + np.exp(-gate)) * (w3 @ x)))
printed = np.array([float(number) for number in Path(sys.argv[2]).read_text().split(": ")[-1].split()])
worst = np.abs(printed - expected[: len(printed)]).max() / np.abs(expected).max()
# Six digits are printed.
if worst > 2e-5:
    sys.exit(f"expected {expected[: len(printed)]}, got {printed}")
print(f"{len(printed)} numbers agree, to {worst:.1e} of the largest")
