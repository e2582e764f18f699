# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares compiled checkpoints with the reference that lies beside their weights.

usage: zoo.py ZOO OUT LEVELS MODEL...

Every MoE block, number format and machine level, at each T of the reference: from a shared library, compiled in
process, and by the reference lowering. Without a level, "", by the reference lowering alone.
"""

import re
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "Inputs"))
import layers  # noqa: E402


class Model:
    """A checkpoint in one number format, with the library of each machine level and the reference."""

    def __init__(self, checkpoint, out, dtype, levels):
        self.checkpoint, self.out, self.dtype = checkpoint, out, dtype
        self.reference = layers.read_safetensors(checkpoint / "reference.safetensors")
        self.blocks = sorted({int(m[1]) for m in (re.match(r"moe(\d+)\.", name) for name in self.reference) if m})
        self.libraries = {}
        for level in levels:
            library = out / f"{checkpoint.name}-{dtype}-{level}.so"
            self.libraries[level] = layers.compile_library(checkpoint, library, dtype=dtype, cpu=level)

    def token_counts(self, block):
        inputs = (re.fullmatch(rf"moe{block}\.T(\d+)\.input", name) for name in self.reference)
        counts = sorted(int(found[1]) for found in inputs if found)
        assert counts, f"{self.checkpoint}: no reference of moe{block}"
        return counts

    def compare(self, checks, what, got, prefix):
        """`got` against one block at one T; returns how many rows went to other experts."""
        bf16 = self.dtype == "bf16"
        stem = f"{prefix}.bf16" if bf16 else prefix
        expected = {name: self.reference[f"{stem}.{name}"] for name in ("experts", "weights", "output")}
        expected["logits"] = self.reference[f"{prefix}.logits"]
        agree = (got["experts"] == expected["experts"]).all(axis=1)
        elsewhere = int((~agree).sum())
        # Rounding to bf16 can decide between two experts that are nearly equal.
        checks.expect(elsewhere <= int(bf16), f"{what}: {elsewhere} of {len(agree)} rows at other experts")
        for name in ("logits", "weights", "output"):
            shape, wanted = got[name].shape, expected[name].shape
            if checks.expect(shape == wanted, f"{what}: {name}: expected {wanted}, got {shape}"):
                worst = layers.difference(got[name], expected[name], slice(None) if name == "logits" else agree)
                allowed = layers.TOLERANCE[self.dtype]
                checks.expect(worst <= allowed, f"{what}: {name}: off by {worst:.3g} of the largest value")
        return elsewhere

    def check_block(self, checks, block):
        """Rows at other experts, and all rows. At the largest T the other two ways to run must agree as well."""
        elsewhere = rows = 0
        counts = self.token_counts(block)
        for tokens in counts:
            prefix = f"moe{block}.T{tokens}"
            tensor = f"{prefix}.bf16.input" if self.dtype == "bf16" else f"{prefix}.input"
            flags = {"layer": block, "input": self.checkpoint / "reference.safetensors", "tensor": tensor}
            name = f"{self.checkpoint.name} {prefix} {self.dtype}"
            for level, library in self.libraries.items():
                got = layers.run_layer(library, self.out / "library.safetensors", **flags)
                elsewhere += self.compare(checks, f"{name} {level}", got, prefix)
                rows += tokens
                if tokens == counts[-1]:
                    flags_here = {"dtype": self.dtype, "cpu": level, **flags}
                    jit = layers.run_layer(self.checkpoint, self.out / "jit.safetensors", **flags_here)
                    unequal = layers.same_bytes(got, jit)
                    checks.expect(
                        not unequal, f"{name} {level}: other bytes in process than from the library: {unequal}"
                    )
            if tokens == counts[-1]:
                flags["dtype"] = self.dtype
                naive = layers.run_layer(self.checkpoint, self.out / "naive.safetensors", reference=True, **flags)
                self.compare(checks, f"{name} --reference", naive, prefix)
        return elsewhere, rows


def check_model(checks, checkpoint, out, levels):
    for dtype in layers.TOLERANCE:
        model = Model(checkpoint, out, dtype, levels)
        counts = [model.check_block(checks, block) for block in model.blocks]
        elsewhere, rows = np.sum(counts, axis=0)
        blocks = len(model.blocks)
        print(f"{checkpoint.name} {dtype}: {blocks} blocks, {elsewhere} of {rows} rows at other experts", flush=True)


def main():
    zoo, out, levels = Path(sys.argv[1]), Path(sys.argv[2]), [level for level in sys.argv[3].split(",") if level]
    checks = layers.Checks()
    for name in sys.argv[4:]:
        check_model(checks, zoo / name, out, levels)
    checks.done()


if __name__ == "__main__":
    main()
