# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""One layer on one thread and on all, alone and in turn with torch.mm, whose OpenMP team spins after each product.

    scaling.py [--tokens 1,16,128,1024] [--rounds 7] [--seconds 0.3] [--dtype bfloat16]

OLMoE's layer with random weights (D 2048, F 1024, E 64, K 8). Every round times each case for a while, case after case;
the table has medians over the rounds' medians, in ms. "own" are the pool's threads (MOE_POOL=own), "team" those of
torch's OpenMP. MOE_BUILD names the build folder (default: build).
"""

import argparse
import ctypes
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "cpu"))
from bench.layer import BUILD, Layer  # noqa: E402

WIDTH, INNER, EXPERTS, TOP_K = 2048, 1024, 64, 8


def compiled(folder, dtype):
    config = {
        "model_type": "olmoe",
        "hidden_size": WIDTH,
        "intermediate_size": INNER,
        "num_experts": EXPERTS,
        "num_experts_per_tok": TOP_K,
        "norm_topk_prob": True,
        "hidden_act": "silu",
        "num_hidden_layers": 1,
        "dtype": dtype,
    }
    (folder / "config.json").write_text(json.dumps(config))
    library = folder / "layer.so"
    compiler = BUILD / "bin" / "moe-compile"
    subprocess.run([compiler, folder / "config.json", "--random-weights=1", "-o", library], check=True)
    return library


def make_pool(layer, threads, mode):
    os.environ["MOE_POOL"] = mode  # read when a pool is made
    pool = ctypes.c_void_p()
    layer.check(layer.runtime.moe_pool_create(threads, ctypes.byref(pool)))
    return pool


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", default="1,16,128,1024")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.3)
    parser.add_argument("--dtype", default="bfloat16")
    args = parser.parse_args()
    threads = torch.get_num_threads()
    dtype = getattr(torch, args.dtype)
    with tempfile.TemporaryDirectory() as name:
        layer = Layer(compiled(Path(name), args.dtype), seed=1)
    one = make_pool(layer, 1, "own")
    own = make_pool(layer, threads, "own")
    team = make_pool(layer, threads, "default")
    square = torch.randn(256, 256)
    # In this order the team has long been asleep when the pool's own threads run alone.
    cases = {
        "1 thread": (one, False),
        f"{threads} own": (own, False),
        f"{threads} team": (team, False),
        "1 thread, torch.mm between": (one, True),
        f"{threads} own, torch.mm between": (own, True),
        f"{threads} team, torch.mm between": (team, True),
    }
    print("| T | case | median ms | p99 ms | times 1 thread |\n|---:|---|---:|---:|---:|")
    for tokens in (int(count) for count in args.tokens.split(",")):
        inputs = [torch.randn(tokens, WIDTH).to(dtype) for _ in range(8)]
        outputs = [
            torch.empty(tokens, WIDTH, dtype=dtype),
            torch.empty(tokens, EXPERTS, dtype=dtype),
            torch.empty(tokens, TOP_K, dtype=torch.int32),
            torch.empty(tokens, TOP_K, dtype=dtype),
        ]
        medians, every = {case: [] for case in cases}, {case: [] for case in cases}
        for _ in range(args.rounds):
            for case, (pool, between) in cases.items():
                layer.pool = pool
                time.sleep(0.05)
                times, stop = [], time.perf_counter() + args.seconds
                while time.perf_counter() < stop or len(times) < 3:
                    if between:
                        torch.mm(square, square)
                    start = time.perf_counter()
                    layer.run(inputs[len(times) % len(inputs)], outputs)
                    times.append((time.perf_counter() - start) * 1e3)
                medians[case].append(statistics.median(times))
                every[case] += times
        single = statistics.median(medians["1 thread"])
        for case in cases:
            median, last = statistics.median(medians[case]), sorted(every[case])[len(every[case]) * 99 // 100]
            print(f"| {tokens} | {case} | {median:.2f} | {last:.2f} | {single / median:.2f} |", flush=True)


if __name__ == "__main__":
    main()
