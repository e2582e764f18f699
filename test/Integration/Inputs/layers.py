# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What tests that run compiled layers share: safetensors as numpy arrays, the tools as functions, checks of results.

bf16 tensors are read as f32, which holds them exactly, and written by rounding.
"""

import json
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np

DTYPES = {"F32": np.float32, "I32": np.int32, "I64": np.int64, "BF16": np.uint16}
# Largest difference from a reference, as a share of the largest value of the block.
TOLERANCE = {"f32": 2e-5, "bf16": 1.6e-2}
# A row may go to other experts only where the scores of the last chosen and the next are this close: a few roundings.
NEAR_TIE = {"f32": 2e-6, "bf16": 1.6e-2}


def to_bf16(values):
    """The bits of the nearest bf16, ties to even; NaN stays NaN."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
    return np.where(np.isnan(values), 0x7FC0, rounded).astype(np.uint16)


def read_safetensors(path):
    data = Path(path).read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    tensors = {}
    for name, entry in json.loads(data[8 : 8 + length]).items():
        if name == "__metadata__":
            continue
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        array = np.frombuffer(data[begin:end], DTYPES[entry["dtype"]]).reshape(entry["shape"])
        if entry["dtype"] == "BF16":
            array = (array.astype(np.uint32) << 16).view(np.float32)
        tensors[name] = array
    return tensors


def write_safetensors(path, tensors, bf16=False):
    header, blobs, offset = {}, [], 0
    for name, array in tensors.items():
        stored = to_bf16(array) if bf16 else np.ascontiguousarray(array, np.float32)
        blob = stored.tobytes()
        entry = {"dtype": "BF16" if bf16 else "F32", "shape": list(array.shape)}
        header[name] = {**entry, "data_offsets": [offset, offset + len(blob)]}
        blobs.append(blob)
        offset += len(blob)
    text = json.dumps(header).encode()
    Path(path).write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


class ToolError(Exception):
    """A tool that failed: its command line and what it said."""


def call(*command):
    command = [str(part) for part in command]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise ToolError(f"{' '.join(command)}\n  exit status {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def compile_library(source, out, **flags):
    call("moe-compile", source, "-o", out, *flag_list(flags))
    return out


def run_layer(source, out, **flags):
    """Outputs of moe-run by name; `out` is a file to write."""
    call("moe-run", source, "--output", out, *flag_list(flags))
    return read_safetensors(out)


def flag_list(flags):
    """random_weights=3, reference=True -> --random-weights=3 --reference; None and False say nothing."""
    given = {name.replace("_", "-"): value for name, value in flags.items() if value is not None and value is not False}
    return [f"--{name}" if value is True else f"--{name}={value}" for name, value in given.items()]


def same_bytes(a, b):
    """Names of the outputs in which two results differ in a bit."""
    return [name for name in a if a[name].shape != b[name].shape or a[name].tobytes() != b[name].tobytes()]


def difference(got, expected, rows=slice(None)):
    """Largest difference in these rows as a share of the largest value of the whole block; NaN counts as infinite."""
    if expected.size == 0 or got[rows].size == 0:
        return 0.0
    scale = float(np.abs(expected).max()) or 1.0
    worst = float(np.abs(got[rows].astype(np.float64) - expected[rows]).max()) / scale
    return worst if np.isfinite(worst) else np.inf


def gap(logits, k):
    """How far the last chosen logit of each row is from the first that was not, as a share of the largest."""
    if logits.shape[1] == k:
        return np.full(len(logits), np.inf)
    ordered = np.sort(logits, axis=1)[:, ::-1]
    return (ordered[:, k - 1] - ordered[:, k]) / np.abs(logits).max(axis=1)


class Checks:
    """Counts checks and prints the ones that fail."""

    def __init__(self):
        self.passed = self.failed = 0

    def expect(self, ok, what):
        if ok:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAILED: {what}", flush=True)
        return ok

    def same_layer(self, what, got, naive, dtype):
        """A result with that of the reference lowering; returns how many rows a near tie sent to other experts."""
        experts, chosen = got["logits"].shape[1], got["experts"].shape[1]
        agree = (got["experts"] == naive["experts"]).all(axis=1)
        excused = ~agree & (gap(naive["logits"], chosen) <= NEAR_TIE[dtype])
        self.expect((agree | excused).all(), f"{what}: rows {np.flatnonzero(~agree & ~excused)} at other experts")
        ids = got["experts"]
        distinct = (np.diff(ids, axis=1) > 0).all() and ids.min() >= 0 and ids.max() < experts
        self.expect(distinct, f"{what}: ids out of range, not distinct or not ascending")
        for name in ("logits", "weights", "output"):
            worst = difference(got[name], naive[name], slice(None) if name == "logits" else agree)
            self.expect(worst <= TOLERANCE[dtype], f"{what}: {name} off by {worst:.3g} of the largest value")
        return int(excused.sum())

    def done(self, note=""):
        """Prints the line that tests look for and ends the program."""
        print(f"{self.passed} checks passed, {self.failed} failed{note}")
        sys.exit(1 if self.failed or not self.passed else 0)
