# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Two results of one layer: where they part more than their format explains."""

import numpy as np

# Largest difference as a share of the largest value of the block.
TOLERANCE = {"f32": 2e-5, "bf16": 1.6e-2}


def worst(expected, got):
    """Largest difference as a share of the largest finite value; infinite where one alone is not a number."""
    if expected.size == 0:
        return 0.0
    expected, got = expected.astype(np.float64), got.astype(np.float64)
    same = (expected == got) | (np.isnan(expected) & np.isnan(got))
    with np.errstate(invalid="ignore"):
        error = np.where(same, 0, np.abs(expected - got))
    if not np.isfinite(error).all():
        return np.inf
    scale = np.abs(expected[np.isfinite(expected)]).max(initial=0)
    return float(error.max() / scale) if error.max() > 0 and scale > 0 else float(error.max())


def compare(expected, got, dtype):
    """(problems in words, rows that went to other experts). Such rows are left out of the rest; too many are a problem
    of the whole run, not of one layer."""
    problems, rows = [], len(expected["output"])
    same = np.ones(rows, bool)
    if "experts" in expected:
        same = (expected["experts"] == got["experts"]).all(axis=1)
    for name, array in expected.items():
        if name == "experts":
            continue
        a, b = array, got[name]
        if name == "weights":  # of a slot that was dropped: they mean nothing
            a, b = (np.where(side["experts"] < 0, 0, side[name]) for side in (expected, got))
        if a.shape != b.shape:
            problems.append(f"{name} of shape {b.shape}, expected {a.shape}")
        elif (error := worst(a[same], b[same]) if name != "logits" else worst(a, b)) > TOLERANCE[dtype]:
            problems.append(f"{name} off by {error:.3g} of the largest value")
    return problems, int((~same).sum())
