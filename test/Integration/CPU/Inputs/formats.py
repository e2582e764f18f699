# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares layers with quantised weights with NumPy, which rounds by the rules of docs/abi.md and computes in f64.

usage: formats.py ZOO OUT LEVELS MODEL=FORMAT[,FORMAT...]...

The routing is taken from the result: routers are not quantised, and other tests hold them against references.
"""

import json
import re
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "Inputs"))
import layers  # noqa: E402

# Formats whose products take rows of bytes (docs/abi.md).
ROUNDED_ROWS = ("int8", "int4:g32", "int4:g128", "int4:g32:zp", "int4:g128:zp", "mxfp4")


def as_bf16(values):
    return (layers.to_bf16(values).astype(np.uint32) << 16).view(np.float32)


def in_blocks(rows, size, quantise):
    """Rounds the last axis, `size` elements at a time, the last block with what is left."""
    parts = [quantise(rows[..., k : k + size]) for k in range(0, rows.shape[-1], size)]
    return np.concatenate(parts, axis=-1)


def integers(rows, limit, scale):
    with np.errstate(divide="ignore", invalid="ignore"):
        q = np.where(scale > 0, np.rint(rows / scale), np.float32(0))
    return np.clip(q, -limit, limit).astype(np.float64) * scale.astype(np.float64)


def int8(rows):
    scale = np.abs(rows).max(axis=-1, keepdims=True) / np.float32(127)
    return integers(rows, 127, scale)


def int4_block(block):
    return integers(block, 7, as_bf16(np.abs(block).max(axis=-1, keepdims=True) / np.float32(7)))


def int4_zero_block(block):
    least, largest = np.minimum(block.min(axis=-1, keepdims=True), 0), np.maximum(block.max(axis=-1, keepdims=True), 0)
    scale = as_bf16(largest / np.float32(15) - least / np.float32(15))
    with np.errstate(divide="ignore", invalid="ignore"):
        zero = np.where(scale > 0, np.minimum(np.rint(-least / scale), 15), 0)
        q = np.where(scale > 0, np.clip(np.rint(block / scale) + zero, 0, 15), 0)
    return (q - zero).astype(np.float64) * scale.astype(np.float64)


def mxfp4_block(block):
    magnitudes = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6])
    largest = np.abs(block).max(axis=-1, keepdims=True).astype(np.float64)
    exponent = np.floor(np.log2(largest, where=largest > 0, out=np.full_like(largest, -200.0))) - 2
    scale = np.exp2(np.maximum(exponent, -125))
    distance = np.abs(np.abs(block / scale)[..., None] - magnitudes)
    # Of two at one distance the one with an even code: odd ones count as a little farther.
    code = np.argmin(distance + (np.arange(8) % 2) * 1e-12, axis=-1)
    return np.copysign(magnitudes[code], block) * scale


def byte_rows(rows):
    """What moe.round_rows makes of rows, in f32 as it does; values in f64."""
    rows = np.asarray(rows, np.float32)
    largest = np.maximum(np.abs(rows).max(axis=-1, keepdims=True), np.float32(2.0**-100))
    q = np.rint(rows * (np.float32(127) / largest))
    return q.astype(np.float64) * (largest / np.float32(127)).astype(np.float64)


def e4m3_block(block):
    codes = np.arange(127)
    exponent, mantissa = codes >> 3, codes & 7
    numbers = np.where(exponent > 0, np.ldexp(1 + mantissa / 8, exponent - 7), np.ldexp(mantissa / 8, -6))
    scale = np.abs(block).max(axis=-1, keepdims=True) / np.float32(448)
    with np.errstate(divide="ignore", invalid="ignore"):
        wanted = np.where(scale > 0, np.abs(block) / scale, np.float32(0)).astype(np.float64)
    # Of two at one distance the one with an even code: odd ones count as a little farther.
    code = np.argmin(np.abs(wanted[..., None] - numbers) + (codes % 2) * 1e-12, axis=-1)
    return np.copysign(numbers[code], block) * scale.astype(np.float64)


RULES = {
    "int8": int8,
    "int4:g32": lambda rows: in_blocks(rows, 32, int4_block),
    "int4:g128": lambda rows: in_blocks(rows, 128, int4_block),
    "int4:g32:zp": lambda rows: in_blocks(rows, 32, int4_zero_block),
    "int4:g128:zp": lambda rows: in_blocks(rows, 128, int4_zero_block),
    "mxfp4": lambda rows: in_blocks(rows, 32, mxfp4_block),
    "fp8:g128": lambda rows: in_blocks(rows, 128, e4m3_block),
    "none": lambda rows: rows.astype(np.float64),
}


def silu(x):
    return x / (1 + np.exp(-x))


def gated(x, body, rounded):
    """`rounded` is what rows go through before they are multiplied by a quantised matrix."""
    gate, up, down = body
    x = rounded(x)
    return rounded(silu(x @ gate.T) * (x @ up.T)) @ down.T


class Checkpoint:
    """Experts of one MoE block as [gate, up, down], each [N, K]; and what every row gets in addition."""

    def __init__(self, folder, layer):
        self.tensors, self.prefix = layers.read_safetensors(folder / "model.safetensors"), f"model.layers.{layer}."
        self.config = json.loads((folder / "config.json").read_text())

    def tensor(self, name):
        return self.tensors[self.prefix + name]

    def everywhere(self, x, _quantise, _rounded):
        return np.zeros_like(x)

    def apply(self, x, _expert, body, rounded):
        return gated(x, body, rounded)


class Mixtral(Checkpoint):
    def expert(self, e):
        return [self.tensor(f"block_sparse_moe.experts.{e}.w{i}.weight") for i in (1, 3, 2)]


class Qwen2Moe(Checkpoint):
    def expert(self, e, where="mlp.experts.{}"):
        return [self.tensor(f"{where.format(e)}.{name}_proj.weight") for name in ("gate", "up", "down")]

    def everywhere(self, x, quantise, rounded):
        gate = x @ self.tensor("mlp.shared_expert_gate.weight").astype(np.float64).T
        shared = [quantise(w) for w in self.expert(0, "mlp.shared_expert")]
        return gated(x, shared, rounded) / (1 + np.exp(-gate))


class GraniteMoe(Checkpoint):
    def expert(self, e):
        gate, up = np.split(self.tensor("block_sparse_moe.input_linear.weight")[e], 2)
        return [gate, up, self.tensor("block_sparse_moe.output_linear.weight")[e]]


class GptOss(Checkpoint):
    """Matrices are stored transposed, gate and up interleaved; biases are not quantised."""

    def expert(self, e):
        both = self.tensor("mlp.experts.gate_up_proj")[e].T
        return [both[0::2], both[1::2], self.tensor("mlp.experts.down_proj")[e].T]

    def apply(self, x, e, body, rounded):
        (gate, up, down), x = body, rounded(x)
        bias = self.tensor("mlp.experts.gate_up_proj_bias")[e].astype(np.float64)
        limit, alpha = self.config["swiglu_limit"], self.config["swiglu_alpha"]
        g = np.minimum(x @ gate.T + bias[0::2], limit)
        u = np.clip(x @ up.T + bias[1::2], -limit, limit)
        return rounded(g / (1 + np.exp(-alpha * g)) * (u + 1)) @ down.T + self.tensor("mlp.experts.down_proj_bias")[e]


MODELS = {
    "mixtral": (Mixtral, [0, 1], "f32"),
    "qwen2_moe": (Qwen2Moe, [1, 3], "f32"),
    "granitemoe": (GraniteMoe, [0, 1], "bf16"),
    "gpt_oss": (GptOss, [0, 1], "f32"),
}


def expected(model, x, result, rule):
    """The block's output for the experts and weights of `result`."""
    quantise, x = RULES[rule], x.astype(np.float64)
    rounded = byte_rows if rule not in ("none", "fp8:g128") else lambda rows: rows
    output = model.everywhere(x, quantise, rounded)
    for e in np.unique(result["experts"]):
        body = [np.asarray(quantise(np.ascontiguousarray(w))) for w in model.expert(e)]
        rows, slots = np.nonzero(result["experts"] == e)
        output[rows] += result["weights"][rows, slots][:, None].astype(np.float64) * model.apply(
            x[rows], e, body, rounded
        )
    return output


def quantising_error(text):
    """The output's error against the checkpoint's weights, as --compare prints it."""
    found = re.search(r"not quantised\n(?:.*\n)*?  output +largest difference (\S+) of", text)
    return float(found[1]) if found else None


class Model:
    """A checkpoint in one format: its libraries by machine level, held against NumPy."""

    def __init__(self, checks, zoo, out, name):
        self.checks, self.folder, self.out, self.name = checks, zoo / name, out, name
        self.kind, self.layers, self.dtype = MODELS[name]
        self.reference = layers.read_safetensors(self.folder / "reference.safetensors")

    def check_level(self, rule, level, reference):
        """The largest difference of any block at each T; where asked for, by the reference lowering, too."""
        stem = f"{self.name}-{rule.replace(':', '-')}-{level}"
        library = layers.compile_library(self.folder, self.out / f"{stem}.so", dtype=rule, cpu=level)
        worst = 0.0
        for block, layer in enumerate(self.layers):
            model = self.kind(self.folder, layer)
            for tokens in (1, 33):
                tensor = f"moe{block}.T{tokens}.{'bf16.' if self.dtype == 'bf16' else ''}input"
                flags = {"layer": block, "input": self.folder / "reference.safetensors", "tensor": tensor}
                results = {"optimised": layers.run_layer(library, self.out / "got.safetensors", **flags)}
                if reference and tokens == 33:
                    naive = {"reference": True, "dtype": rule, **flags}
                    results["reference"] = layers.run_layer(self.folder, self.out / "naive.safetensors", **naive)
                for how, result in results.items():
                    wanted = expected(model, self.reference[tensor], result, rule)
                    what = f"{self.name} {rule} {level} moe{block} T{tokens} {how}"
                    off = self.check_output(what, result["output"], wanted, rule)
                    worst = max(worst, off)
        return worst

    def check_output(self, what, got, wanted, rule):
        """The largest difference of the rows in which no byte between two products turned into the next one.

        Where rows are rounded to bytes, the last bit of a sum may decide which: that is 1/127 of what the row holds, in
        a row of 33 at most, or two.
        """
        allowed = layers.TOLERANCE[self.dtype]
        rows = np.array([layers.difference(got, wanted, [row]) for row in range(len(wanted))])
        turned = rows > allowed if rule in ROUNDED_ROWS and len(rows) > 2 else np.zeros(len(rows), bool)
        off = float(rows[~turned].max())
        self.checks.expect(off <= allowed, f"{what}: off by {off:.3g} of the largest value")
        far = float(rows.max())
        few = turned.sum() <= 2 and far <= max(allowed, 1 / 127)
        self.checks.expect(few, f"{what}: {turned.sum()} rows with other bytes, off by {far:.3g}")
        return off

    def check_report(self, rule):
        """Rounding is seen in what --compare says, and no more of it than eight or four bits explain."""
        text = layers.call("moe-run", self.folder, "--compare", f"--dtype={rule}", "--tokens=33")
        named = f"{self.dtype}, {rule} weights" in text
        self.checks.expect(named, f"{self.name} {rule}: --compare does not name the format: {text}")
        error = quantising_error(text)
        low, high = (1e-3, 3e-2) if rule == "int8" else (2e-2, 0.6)
        inside = error is not None and low < error < high
        self.checks.expect(inside, f"{self.name} {rule}: error of quantising {error}")
        return error

    def check(self, rule, levels):
        worst = max(self.check_level(rule, level, level == levels[0]) for level in levels)
        error = self.check_report(rule)
        print(f"{self.name} {rule}: within {worst:.1e} of NumPy, {error:.1e} of the layer as it was", flush=True)


def check_that_it_can_fail(checks, zoo, out):
    """Weights that are not rounded give another result than those that are."""
    folder = zoo / "mixtral"
    reference = layers.read_safetensors(folder / "reference.safetensors")
    flags = {"layer": 0, "input": folder / "reference.safetensors", "tensor": "moe0.T33.input", "dtype": "int8"}
    got = layers.run_layer(folder, out / "got.safetensors", **flags)
    off = layers.difference(got["output"], expected(Mixtral(folder, 0), reference["moe0.T33.input"], got, "none"))
    checks.expect(off > 10 * layers.TOLERANCE["f32"], f"int8 weights are as good as f32: {off}")


def main():
    zoo, out, levels = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3].split(",")
    checks = layers.Checks()
    for argument in sys.argv[4:]:
        name, formats = argument.split("=")
        for rule in formats.split(","):
            Model(checks, zoo, out, name).check(rule, levels)
    check_that_it_can_fail(checks, zoo, out)
    checks.done()


if __name__ == "__main__":
    main()
