#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares tensors of two safetensors files; needs nothing but Python.

usage: compare-tensors.py [--tolerance X] A.safetensors B.safetensors NAME_IN_A=NAME_IN_B...

Integers must be equal. Floats may differ by X times the largest value of B's tensor, and NaN must meet NaN. Exits with
1 if a pair differs by more, if the shapes differ, or if a tensor is missing.
"""

import argparse
import array
import json
import math
import struct
import sys
from pathlib import Path

# Type code of the array module and bytes a value; 16-bit floats are decoded from their bits.
CODES = {"F64": "d", "F32": "f", "I64": "q", "I32": "i", "I16": "h", "I8": "b", "U8": "B", "F16": "H", "BF16": "H"}
FLOATS = {"F64", "F32", "F16", "BF16"}


class CompareError(Exception):
    """A file that cannot be compared; the text says why."""


def read_tensor(path, name):
    """Returns (dtype, shape, values) of one tensor."""
    data = Path(path).read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    if name not in header:
        raise CompareError(f"{path}: no tensor {name} among {len(header)}")
    entry = header[name]
    dtype = entry["dtype"]
    if dtype not in CODES:
        raise CompareError(f"{path}: {name}: cannot compare dtype {dtype}")
    begin, end = entry["data_offsets"]
    values = array.array(CODES[dtype], data[8 + length + begin : 8 + length + end])
    if dtype == "BF16":
        values = array.array("f", array.array("I", (bits << 16 for bits in values)).tobytes())
    elif dtype == "F16":
        values = array.array("f", struct.unpack(f"<{len(values)}e", values.tobytes()))
    return dtype, entry["shape"], values


def largest_difference(got, expected):
    """NaN on one side only counts as infinite."""
    worst = 0.0
    for a, b in zip(got, expected, strict=True):
        if math.isnan(a) and math.isnan(b) or a == b:
            continue
        difference = abs(a - b)
        worst = max(worst, math.inf if math.isnan(difference) else difference)
    return worst


def compare(file_a, file_b, pair, tolerance):
    """Returns (agrees, line)."""
    name_a, _, name_b = pair.partition("=")
    dtype_a, shape_a, got = read_tensor(file_a, name_a)
    dtype_b, shape_b, expected = read_tensor(file_b, name_b or name_a)
    if shape_a != shape_b:
        return False, f"  {name_a}: shapes differ: {shape_a} and {shape_b}"
    if (dtype_a in FLOATS) != (dtype_b in FLOATS):
        return False, f"  {name_a}: dtypes differ: {dtype_a} and {dtype_b}"
    if dtype_a not in FLOATS:
        wrong = sum(a != b for a, b in zip(got, expected, strict=True))
        return wrong == 0, f"  {name_a} {shape_a}: {wrong} of {len(got)} differ"
    worst = largest_difference(got, expected)
    scale = max((abs(v) for v in expected if math.isfinite(v)), default=0.0) or 1.0
    agrees = worst <= tolerance * scale
    text = f"  {name_a} {shape_a}: largest difference {worst:.3g}, {worst / scale:.3g} of the largest value"
    return agrees, f"{text} (allowed {tolerance:g})"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tolerance", type=float, default=0.0)
    parser.add_argument("file_a")
    parser.add_argument("file_b")
    parser.add_argument("pairs", nargs="+")
    args = parser.parse_args()
    ok = True
    for pair in args.pairs:
        try:
            agrees, line = compare(args.file_a, args.file_b, pair, args.tolerance)
        except (CompareError, OSError, ValueError, KeyError, struct.error) as error:
            agrees, line = False, f"  {error}"
        print(line if agrees else f"{line}: FAILED")
        ok = ok and agrees
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
