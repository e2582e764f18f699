# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares compiled checkpoints with the reference that lies beside their weights.

usage: zoo.py ZOO OUT LEVELS MODEL...

Every MoE block, number format and machine level, at each T of the reference: from a shared library, compiled in
process, and by the reference lowering.
"""

import re
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "Inputs"))
import layers  # noqa: E402


def check_result(checks, what, got, reference, prefix, dtype):
    """`got` against one block at one T; returns how many rows went to other experts."""
    stem = f"{prefix}.bf16" if dtype == "bf16" else prefix
    expected = {name: reference[f"{stem}.{name}"] for name in ("experts", "weights", "output")}
    expected["logits"] = reference[f"{prefix}.logits"]
    agree = (got["experts"] == expected["experts"]).all(axis=1)
    elsewhere = int((~agree).sum())
    # Rounding to bf16 can decide between two experts that are nearly equal.
    allowed = 0 if dtype == "f32" else 1
    checks.expect(elsewhere <= allowed, f"{what}: {elsewhere} of {len(agree)} rows at other experts")
    for name in ("logits", "weights", "output"):
        shape, wanted = got[name].shape, expected[name].shape
        if checks.expect(shape == wanted, f"{what}: {name}: expected {wanted}, got {shape}"):
            worst = layers.difference(got[name], expected[name], slice(None) if name == "logits" else agree)
            allowed = layers.TOLERANCE[dtype]
            checks.expect(worst <= allowed, f"{what}: {name}: off by {worst:.3g} of the largest value")
    return elsewhere


def check_block(checks, model, out, reference, block, dtype, sources):
    """`sources` maps a level to its library; at the largest T, the other two ways to run must agree as well."""
    counts = sorted(int(m[1]) for m in (re.fullmatch(rf"moe{block}\.T(\d+)\.input", name) for name in reference) if m)
    assert counts, f"{model}: no reference of moe{block}"
    elsewhere = rows = 0
    for tokens in counts:
        prefix = f"moe{block}.T{tokens}"
        tensor = f"{prefix}.bf16.input" if dtype == "bf16" else f"{prefix}.input"
        flags = {"layer": block, "input": model / "reference.safetensors", "tensor": tensor}
        for level, library in sources.items():
            what = f"{model.name} {prefix} {dtype} {level}"
            got = layers.run_layer(library, out / "library.safetensors", **flags)
            elsewhere += check_result(checks, what, got, reference, prefix, dtype)
            rows += tokens
            if tokens == counts[-1]:
                jit = layers.run_layer(model, out / "jit.safetensors", dtype=dtype, cpu=level, **flags)
                unequal = layers.same_bytes(got, jit)
                checks.expect(not unequal, f"{what}: other bytes in process than from the library: {unequal}")
        if tokens == counts[-1]:
            naive = layers.run_layer(model, out / "naive.safetensors", dtype=dtype, reference=True, **flags)
            check_result(checks, f"{model.name} {prefix} {dtype} --reference", naive, reference, prefix, dtype)
    return elsewhere, rows


def check_model(checks, model, out, levels):
    reference = layers.read_safetensors(model / "reference.safetensors")
    blocks = sorted({int(m[1]) for m in (re.match(r"moe(\d+)\.", name) for name in reference) if m})
    for dtype in layers.TOLERANCE:
        sources = {}
        for level in levels:
            library = out / f"{model.name}-{dtype}-{level}.so"
            sources[level] = layers.compile_library(model, library, dtype=dtype, cpu=level)
        counts = [check_block(checks, model, out, reference, block, dtype, sources) for block in blocks]
        elsewhere, rows = np.sum(counts, axis=0)
        print(f"{model.name} {dtype}: {len(blocks)} blocks, {elsewhere} of {rows} rows at other experts", flush=True)


def main():
    zoo, out, levels = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3].split(",")
    checks = layers.Checks()
    for name in sys.argv[4:]:
        check_model(checks, zoo / name, out, levels)
    checks.done()


if __name__ == "__main__":
    main()
