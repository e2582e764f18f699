#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How long one layer takes to compile, and how long its IR is, for few and for many experts.

Compiles a layer of Qwen3's kind (D 2048, F 768, K 2, bf16) for each number of experts to a shared library, in turn,
and prints the median and the fastest time, the lines of its kernel stage, and their ratios to the first.

    compile_time.py [--experts 8,256] [--rounds 11] [--cpu native]

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


def write_config(folder, experts):
    """A config.json alone: weights are not looked at when a layer is compiled."""
    config = {
        "model_type": "qwen3_moe",
        "hidden_size": 2048,
        "moe_intermediate_size": 768,
        "intermediate_size": 6144,
        "num_experts": experts,
        "num_experts_per_tok": 2,
        "norm_topk_prob": True,
        "hidden_act": "silu",
        "decoder_sparse_step": 1,
        "mlp_only_layers": [],
        "num_hidden_layers": 1,
        "dtype": "bfloat16",
    }
    path = folder / f"experts-{experts}.json"
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
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--cpu", default="native")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        configs = {int(e): write_config(folder, int(e)) for e in args.experts.split(",")}
        times, lines = {e: [] for e in configs}, {}
        for experts, config in configs.items():
            text = folder / "kernel.mlir"
            compile_layer(config, args.cpu, "--emit=mlir", "--stage=kernel", "-o", text)
            lines[experts] = len(text.read_text().splitlines())
        for _ in range(args.rounds):
            for experts, config in configs.items():
                times[experts].append(compile_layer(config, args.cpu, "-o", folder / "layer.so"))
    first = next(iter(configs))
    print("| experts | median s | fastest s | ratio of medians | lines at the kernel stage | ratio |")
    print("|---:|---:|---:|---:|---:|---:|")
    for experts, each in times.items():
        median = statistics.median(each)
        ratio, longer = median / statistics.median(times[first]), lines[experts] / lines[first]
        print(f"| {experts} | {median:.3f} | {min(each):.3f} | {ratio:.2f} | {lines[experts]} | {longer:.2f} |")


if __name__ == "__main__":
    main()
