# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares the optimised code of random models with the reference lowering.

usage: random-configs.py OUT [--count N] [--seed S] [--only I]

Model I of seed S is always the same: `--seed S --only I` replays it. Weights are drawn by the tools.
"""

import argparse
import json
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "Inputs"))
import layers  # noqa: E402

TOKENS = (1, 2, 5, 17, 64)
EXPERTS = (1, 2, 3, 5, 8, 33, 64, 67)
WIDTHS = (1, 2, 3, 17, 31, 96, 101, 128, 199, 200)


def draw(seed, index):
    """(model_type, dtype, config.json) of one model; every second number is one that is easily got wrong."""
    rng = random.Random(f"{seed}/{index}")

    def one_of(special, last):
        return rng.choice(special) if rng.random() < 0.5 else rng.randint(1, last)

    experts = one_of(EXPERTS, 67)
    # Above 16 the selection is a loop; every chance is taken.
    chosen = min(experts, 17 if rng.random() < 0.2 else one_of((1, 2, experts, max(1, experts - 1)), experts))
    family = rng.choice(("mixtral", "qwen3_moe", "olmoe"))
    width = one_of(WIDTHS, 200)
    config = {
        "model_type": family,
        "hidden_size": one_of(WIDTHS, 200),
        "num_hidden_layers": 1,
        "num_experts_per_tok": chosen,
        "hidden_act": "silu",
    }
    if family == "mixtral":
        config |= {"num_local_experts": experts, "intermediate_size": width}
    else:
        config |= {"num_experts": experts, "norm_topk_prob": rng.random() < 0.5}
        if family == "qwen3_moe":
            config |= {"moe_intermediate_size": width, "intermediate_size": 8, "decoder_sparse_step": 1}
            config["mlp_only_layers"] = []
        else:
            config["intermediate_size"] = width
    return rng.choice(("f32", "bf16")), config


def check_model(checks, out, seed, index):
    dtype, config = draw(seed, index)
    path = out / f"config-{index}.json"
    path.write_text(json.dumps(config))
    what = f"--seed {seed} --only {index}: {dtype} {json.dumps(config)}"
    flags = {"dtype": dtype, "random_weights": index}
    fast = layers.compile_library(path, out / "fast.so", **flags)
    naive = layers.compile_library(path, out / "naive.so", reference=True, **flags)
    near = 0
    for tokens in TOKENS:
        flags = {"random_weights": index, "tokens": tokens}
        wanted = layers.run_layer(naive, out / "naive.safetensors", **flags)
        got = layers.run_layer(fast, out / "fast.safetensors", **flags)
        near += checks.same_layer(f"{what}: T = {tokens}", got, wanted, dtype)
    return near


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=12)
    parser.add_argument("--seed", type=int, default=20261122)
    parser.add_argument("--only", type=int)
    args = parser.parse_args()
    checks = layers.Checks()
    indices = range(args.count) if args.only is None else [args.only]
    near = 0
    print(f"seed {args.seed}", flush=True)
    for index in indices:
        try:
            near += check_model(checks, args.out, args.seed, index)
        except layers.ToolError as error:
            checks.expect(False, f"--seed {args.seed} --only {index}: {error}")
    rows = len(indices) * sum(TOKENS)
    if args.only is None:
        checks.expect(near <= rows * 0.02, f"{near} of {rows} rows after a near tie are too many to skip")
    checks.done(f", {near} of {rows} rows skipped")


if __name__ == "__main__":
    main()
