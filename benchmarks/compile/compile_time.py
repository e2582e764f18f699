#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How long a model takes to compile, and how long its IR is, for few and many experts, for one and many layers.

Compiles models of Qwen3's kind (D 2048, F 768, bf16) for each number of experts and of layers to a shared library, in
turn, and prints the median and the fastest time, the lines of its kernel stage, and their ratios to the first.

    compile_time.py [--experts 8,256] [--layers 1] [--top-k 2] [--rounds 11] [--cpu native]

Qwen3-30B-A3B is --experts 128 --layers 1,48 --top-k 8.

MOE_BUILD names the build folder (default: build).
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

BUILD = Path(os.environ.get("MOE_BUILD", Path(__file__).resolve().parents[2] / "build"))


def write_config(folder, experts, layers, top_k):
    """A config.json alone: weights are not looked at when a layer is compiled."""
    config = {
        "model_type": "qwen3_moe",
        "hidden_size": 2048,
        "moe_intermediate_size": 768,
        "intermediate_size": 6144,
        "num_experts": experts,
        "num_experts_per_tok": top_k,
        "norm_topk_prob": True,
        "hidden_act": "silu",
        "decoder_sparse_step": 1,
        "mlp_only_layers": [],
        "num_hidden_layers": layers,
        "dtype": "bfloat16",
    }
    path = folder / f"experts-{experts}-layers-{layers}.json"
    path.write_text(json.dumps(config))
    return path


def compile_layer(config, cpu, *flags):
    compiler = BUILD / "bin" / "moe-compile"
    start = time.perf_counter()
    subprocess.run([compiler, config, f"--cpu={cpu}", "--random-weights=1", *flags], check=True)
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--experts", default="8,256")
    parser.add_argument("--layers", default="1")
    parser.add_argument("--top-k", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--cpu", default="native")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cases = [(int(e), int(n)) for e in args.experts.split(",") for n in args.layers.split(",")]
        configs = {case: write_config(folder, *case, args.top_k) for case in cases}
        times, lines = {case: [] for case in configs}, {}
        for case, config in configs.items():
            text = folder / "kernel.mlir"
            compile_layer(config, args.cpu, "--emit=mlir", "--stage=kernel", "-o", text)
            lines[case] = len(text.read_text().splitlines())
        for _ in range(args.rounds):
            for case, config in configs.items():
                times[case].append(compile_layer(config, args.cpu, "-o", folder / "layer.so"))
    first = next(iter(configs))
    print("| experts | layers | median s | fastest s | ratio of medians | lines at the kernel stage | ratio |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    for case, each in times.items():
        median = statistics.median(each)
        ratio, longer = median / statistics.median(times[first]), lines[case] / lines[first]
        row = (*case, f"{median:.3f}", f"{min(each):.3f}", f"{ratio:.2f}", lines[case], f"{longer:.2f}")
        print("| " + " | ".join(str(cell) for cell in row) + " |")


if __name__ == "__main__":
    main()
