#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Products of AMX tiles: as a program, and by NumPy after the definition of TDPBF16PS.

usage: amx-products.py write DIR   writes DIR/products.mlir, whose @main prints the bits of all results
       amx-products.py check DIR [in-order]   compares DIR/out with the definition, or with a plain sum in order
"""

import re
import sys
from pathlib import Path

import numpy as np

CASES = ("plain", "cancel", "tiny", "infinite")
STEPS = 3  # products that are added to one accumulator
SMALLEST = np.float32(2.0**-126)


def to_bf16(x):
    """Bits, by truncation: any numbers do."""
    return (np.asarray(x, np.float32).view(np.uint32) >> 16).astype(np.uint16)


def to_f32(bits):
    return (bits.astype(np.uint32) << 16).view(np.float32)


def operands(case):
    """Tiles of rows [STEPS, 16, 32] and of weights [STEPS, 16, 32] in bf16, accumulators [16, 16] in f32."""
    rng = np.random.default_rng(CASES.index(case))
    rows, weights = rng.standard_normal((2, STEPS, 16, 32)).astype(np.float32)
    sums = rng.standard_normal((16, 16)).astype(np.float32)
    if case == "cancel":
        rows[:, :, 1::4] = -rows[:, :, 0::4]
        weights[:, :, 1::2] = weights[:, :, 0::2]
    if case == "tiny":
        # Denormals among the operands, and products around the smallest normal number.
        rows *= 2.0 ** rng.integers(-130, -60, rows.shape).astype(np.float32)
        weights *= 2.0 ** rng.integers(-70, -50, weights.shape).astype(np.float32)
        weights[0, 3] = 2.0**-130
        sums *= np.float32(2.0**-127)
    if case == "infinite":
        rows[1, 2, 5] = np.inf
        weights[2, 7, 9] = -np.inf
    return to_bf16(rows), to_bf16(weights), sums


def flush(x):
    return np.where(np.abs(x) < SMALLEST, np.copysign(np.float32(0), x), x)


def fma(a, b, c):
    """Correctly rounded: the product is exact in f64, and the sum is rounded to odd there before it becomes f32."""
    p, c = a.astype(np.float64) * b.astype(np.float64), c.astype(np.float64)
    s = p + c
    t = s - p
    error = (p - (s - t)) + (c - t)
    odd = (s.view(np.int64) & 1).astype(bool)
    towards = np.where(error > 0, np.inf, -np.inf)
    inexact = np.isfinite(s) & (error != 0) & ~odd
    return np.where(inexact, np.nextafter(s, towards), s).astype(np.float32)


def product(rows, weights, sums):
    a, b = flush(to_f32(rows)), flush(to_f32(weights))
    even, odd = np.zeros((2, 16, 16), np.float32)
    for k in range(16):
        even = flush(fma(a[:, None, 2 * k], b[None, k, 0::2], even))
        odd = flush(fma(a[:, None, 2 * k + 1], b[None, k, 1::2], odd))
    return flush(flush(sums) + flush(even + odd))


def product_in_order(rows, weights, sums):
    a, b = to_f32(rows), to_f32(weights)
    for k in range(32):
        sums = fma(a[:, None, k], b[None, k // 2, k % 2 :: 2], sums)
    return sums


def results(multiply):
    """After each step of each case: [cases, steps, 16, 16]."""
    found = []
    for case in CASES:
        rows, weights, sums = operands(case)
        for step in range(STEPS):
            sums = multiply(rows[step], weights[step], sums)
            found.append(sums)
    return np.stack(found)


def write(folder):
    print_bits = "  call @printMemrefI32(%any) : (memref<*xi32>) -> ()\n"
    globals_, body = "", ""
    for case in CASES:
        rows, weights, sums = operands(case)
        for name, array, kind in (
            ("rows", rows, "48x32xbf16"),
            ("weights", weights, "48x32xbf16"),
            ("sums", sums, "16x16xf32"),
        ):
            data = np.ascontiguousarray(array).tobytes().hex().upper()
            globals_ += f'memref.global "private" constant @{case}_{name} : memref<{kind}> = dense<"0x{data}">\n'
            body += f"  %{case}_{name} = memref.get_global @{case}_{name} : memref<{kind}>\n"
        body += f"  %{case}0 = amx.tile_load %{case}_sums[%c0, %c0] : memref<16x16xf32> into !amx.tile<16x16xf32>\n"
        for step in range(STEPS):
            t = f"{case}{step}"
            for name in ("rows", "weights"):
                body += (
                    f"  %{t}_{name} = amx.tile_load %{case}_{name}[%c{16 * step}, %c0]"
                    " : memref<48x32xbf16> into !amx.tile<16x32xbf16>\n"
                )
            body += (
                f"  %{case}{step + 1} = amx.tile_mulf %{t}_rows, %{t}_weights, %{t}"
                " : !amx.tile<16x32xbf16>, !amx.tile<16x32xbf16>, !amx.tile<16x16xf32>\n"
                f"  amx.tile_store %out[%c0, %c0], %{case}{step + 1} : memref<16x16xf32>, !amx.tile<16x16xf32>\n"
                "  call @show(%out) : (memref<16x16xf32>) -> ()\n"
            )
    constants = "".join(f"  %c{value} = arith.constant {value} : index\n" for value in (0, 1, 16, 32))
    (folder / "products.mlir").write_text(
        f"{globals_}func.func private @printMemrefI32(memref<*xi32>)\n"
        f"func.func @show(%out: memref<16x16xf32>) {{\n{constants}"
        "  %bits = memref.alloc() : memref<16x16xi32>\n"
        "  scf.for %r = %c0 to %c16 step %c1 {\n"
        "    %row = vector.load %out[%r, %c0] : memref<16x16xf32>, vector<16xf32>\n"
        "    %word = arith.bitcast %row : vector<16xf32> to vector<16xi32>\n"
        "    vector.store %word, %bits[%r, %c0] : memref<16x16xi32>, vector<16xi32>\n"
        "  }\n"
        "  %any = memref.cast %bits : memref<16x16xi32> to memref<*xi32>\n"
        f"{print_bits}  return\n}}\n"
        f"func.func @main() {{\n{constants}  %out = memref.alloc() : memref<16x16xf32>\n{body}  return\n}}\n"
    )


def check(folder, multiply):
    text = re.sub(r"Unranked Memref.*data =", "", (folder / "out").read_text())
    got = np.array([int(word) for word in re.findall(r"-?\d+", text)], np.int64).astype(np.int32)
    wanted = results(multiply)
    got = got.view(np.float32).reshape(wanted.shape)
    # Which NaN comes of infinities is not compared.
    differ = (got.view(np.int32) != wanted.view(np.int32)) & ~(np.isnan(got) & np.isnan(wanted))
    if differ.any():
        print(f"{differ.sum()} of {differ.size} elements differ, first at {np.argwhere(differ)[0].tolist()}")
        sys.exit(1)
    print(f"{differ.size} elements agree")


if __name__ == "__main__":
    np.seterr(all="ignore")
    if sys.argv[1] == "write":
        write(Path(sys.argv[2]))
    else:
        check(Path(sys.argv[2]), product_in_order if "in-order" in sys.argv else product)
