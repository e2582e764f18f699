#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Times one MoE layer, router included, side by side with whichever peers are installed.

In a round every peer runs once for --slice seconds, one after the other, so that what drifts drifts for all. Every
call gets other rows and, where the weights would fit a cache, another copy of the weights. Every peer's result is
checked against an fp32 loop. Printed and written as JSON: fastest and median time, ratio to the best peer that reads
weights of the same size, share of the roofline (the larger of bytes by read bandwidth and FLOP by the torch.mm peak,
both measured first), machine features, and which peers were missing.

    compare.py --configs olmoe --tokens 1,128 --json olmoe.json
    compare.py --configs shapes.json      {"name": [D, F, E, K, [T, ...]]}
    compare.py --cpu x86-64-v3            our layer for a lower machine level

Needs torch, safetensors and a build of this project (MOE_BUILD, default build/); peers: transformers (hf),
VLLM_CPU_LIB (vllm), GGML_MOE_LIB (ggml).
"""

import argparse
import gc
import importlib
import json
import math
import os
import statistics
import sys
import time
from pathlib import Path

# Unpinned, barriers of OpenMP make the same call vary by far more than peers differ.
os.environ.setdefault("OMP_PROC_BIND", "true")
os.environ.setdefault("OMP_PLACES", "cores")

import torch  # noqa: E402
from bench import cases, machine  # noqa: E402
from peers import moe_mlir  # noqa: E402

DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16}
TOLERANCE = {torch.float32: 1e-4, torch.bfloat16: 0.02}
# Formats of ours that quantise bf16 weights: bits a weight, relative error that quantising random weights may make.
FORMATS = {
    "int8": (8, 0.05),
    "int4:g32": (4.5, 0.2),
    "int4:g128": (4.125, 0.25),
    "int4:g32:zp": (5, 0.2),
    "int4:g128:zp": (4.25, 0.25),
    "mxfp4": (4.25, 0.3),
    "fp8:g128": (8.25, 0.08),
}
COLD_BYTES = 0.8e9


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--configs", default=",".join(cases.SHAPES), help="names, or a JSON file of shapes")
    parser.add_argument("--tokens", default="", help="numbers of tokens; by default those of each shape")
    parser.add_argument("--dtype", default="bf16", help=f"comma list of {', '.join([*DTYPES, *FORMATS])}")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--peers", default="hf,vllm,ggml", help="modules of benchmarks/cpu/peers")
    parser.add_argument("--only", default="", help="comma list of names beside ours")
    parser.add_argument("--cpu", default="native", help="machine level of our layer, as of moe-compile")
    parser.add_argument("--skew", type=float, default=0, help="router row e is scaled by (1 + e)^-SKEW")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--slice", type=float, default=0.25, help="seconds for a peer in a round, at least one call")
    parser.add_argument("--json", default="", help="write the results here")
    args = parser.parse_args()
    for name in args.dtype.split(","):
        if name not in DTYPES and name not in FORMATS:
            parser.error(f"--dtype: unknown format {name!r}: expected {', '.join([*DTYPES, *FORMATS])}")
    return args


def load_peers(args):
    """{name: Peer} of what is there and {module: why} of what is not."""
    found, missing = {}, {}
    for module in filter(None, args.peers.split(",")):
        try:
            found |= importlib.import_module(f"peers.{module}").PEERS
        except (ImportError, KeyError, OSError) as error:
            missing[module] = f"{type(error).__name__}: {error}".splitlines()[0]
    if args.only:
        found = {name: peer for name, peer in found.items() if name in args.only.split(",")}
    return found, missing


class Row:
    """One peer at one number of tokens."""

    def __init__(self, name, peer, functions, bits):
        self.name, self.peer, self.functions, self.bits = name, peer, functions, bits
        self.error, self.times, self.waits = 0.0, [], []

    def check(self, batches, wanted):
        for function in self.functions:
            for x, reference in zip(batches, wanted, strict=False):
                difference = (function(x).float() - reference).norm() / reference.norm()
                self.error = max(self.error, difference.item())

    def time(self, batches, start, seconds):
        """Calls for `seconds`; one time is the mean call of a round."""
        waited, begin, calls = machine.waited_seconds(), time.perf_counter(), 0
        while True:
            self.functions[calls % len(self.functions)](batches[(start + calls) % len(batches)])
            calls += 1
            spent = time.perf_counter() - begin
            if spent > seconds:
                break
        self.times.append(spent / calls)
        self.waits.append((machine.waited_seconds() - waited) / spent)


class Run:
    """All numbers of tokens of one case."""

    def __init__(self, args, case, peers, limits):
        self.args, self.case, self.peers, self.limits = args, case, peers, limits
        first = cases.draw_weights(case)
        copies = 1 if case.weight_bytes > COLD_BYTES / 2 else math.ceil(COLD_BYTES / case.weight_bytes)
        clones = [type(first)(**{k: v.clone() for k, v in vars(first).items()}) for _ in range(copies - 1)]
        self.weights, self.built, self.failed = [first, *clones], {}, {}

    def functions(self, name, peer):
        if name not in self.built:
            self.built[name] = [peer.build(self.case, w) for w in self.weights]
        return self.built[name]

    def tokens(self, count):
        """Rows of results as dictionaries, fastest first."""
        case, w = self.case, self.weights[0]
        batches = cases.draw_tokens(case, w, count * (32 if count == 1 else 4)).split(count)
        wanted = [cases.reference(case, w, x) for x in batches[:2]]
        rows = []
        for name, peer in self.peers.items():
            if name in self.failed or not peer.supports(case, count):
                continue
            try:
                row = Row(name, peer, self.functions(name, peer), peer.bits or 8 * case.dtype.itemsize)
                row.check(batches, wanted)
                rows.append(row)
            except Exception as error:  # A peer's library may fail in any way; the others go on.
                self.failed[name] = f"{type(error).__name__}: {error}".splitlines()[0][:160]
                print(f"  {name}: {self.failed[name]}", flush=True)
        for number in range(self.args.rounds):
            for row in rows:
                row.time(batches, 7 * number, self.args.slice)
        ids = [cases.route(case, w, x)[1] for x in batches]
        return [self.result(row, count, ids) for row in sorted(rows, key=lambda row: min(row.times))]

    def result(self, row, count, ids):
        case, limits = self.case, self.limits
        dtype = str(case.dtype).removeprefix("torch.")
        active = statistics.mean(case.active_bytes(i, row.bits) for i in ids)
        flops = case.flops(count)
        bound = max(active / limits["read_GBs"], flops / limits["mm_GFLOPs"][dtype]) / 1e9
        fastest = min(row.times)
        tolerance = row.peer.tolerance or TOLERANCE[case.dtype]
        counts = torch.bincount(torch.cat(ids).flatten(), minlength=case.E)
        return {
            "config": case.name,
            "dtype": dtype,
            "T": count,
            "peer": row.name,
            "median_s": statistics.median(row.times),
            "min_s": fastest,
            "roofline_pct": 100 * bound / fastest,
            "bits": row.bits,
            "GBs": active / fastest / 1e9,
            "GFLOPs": flops / fastest / 1e9,
            "error": row.error,
            "ok": row.error < tolerance,
            "wait_pct": 100 * min(row.waits),
            "busiest_expert_pct": 100 * counts.max().item() / counts.sum().item(),
        }


def ratio_to_best(rows, row):
    """Median of the best other peer that reads weights of the same size, by this row's; None without one."""
    others = [r["median_s"] for r in rows if r["ok"] and r["bits"] == row["bits"] and not r["peer"].startswith("moe-")]
    return min(others) / row["median_s"] if others and row["peer"].startswith("moe-") else None


def print_rows(case, count, rows):
    print(f"\n{case.name} T = {count}: D {case.D}, F {case.F}, E {case.E}, K {case.K}", flush=True)
    for row in rows:
        row["ratio"] = ratio_to_best(rows, row)
        ratio = f"x{row['ratio']:.2f}" if row["ratio"] else ""
        print(
            f"  {row['peer']:18} median {row['median_s'] * 1e3:9.3f} ms  min {row['min_s'] * 1e3:9.3f}  "
            f"{row['GBs']:6.1f} GB/s {row['GFLOPs']:7.1f} GFLOP/s  roofline {row['roofline_pct']:4.0f} %  "
            f"wait {row['wait_pct']:2.0f} %  error {row['error']:.1e} {'' if row['ok'] else 'WRONG'} {ratio}",
            flush=True,
        )


def main():
    args = parse_arguments()
    torch.set_num_threads(args.threads)
    shapes = dict(cases.SHAPES)
    names = args.configs.split(",")
    if Path(args.configs).suffix == ".json":
        shapes = cases.read_shapes(args.configs)
        names = list(shapes)
    unknown = [name for name in names if name not in shapes]
    if unknown:
        sys.exit(f"compare.py: error: --configs: unknown {unknown[0]!r}: expected {', '.join(shapes)} or a .json file")
    wanted = args.dtype.split(",")
    formats = {name: FORMATS[name] for name in wanted if name in FORMATS}
    others, missing = load_peers(args)
    dtypes = list(dict.fromkeys(DTYPES.get(name, torch.bfloat16) for name in wanted))
    limits = machine.measure(args.threads, dtypes)
    print(json.dumps(limits))
    for module, why in missing.items():
        print(f"missing: {module}: {why}")

    results = []
    for dtype in dtypes:
        own = moe_mlir.peers(args.cpu, formats if dtype == torch.bfloat16 else {})
        for name in names:
            case = cases.Case(name, *shapes[name], dtype, args.threads, args.skew)
            run = Run(args, case, own | others, limits)
            for count in [int(t) for t in args.tokens.split(",")] if args.tokens else case.tokens:
                rows = run.tokens(count)
                print_rows(case, count, rows)
                results += rows
                if args.json:
                    report = {"machine": limits, "missing": missing, "command": sys.argv, "results": results}
                    Path(args.json).write_text(json.dumps(report, indent=1) + "\n")
            del run
            gc.collect()
    ratios = [row["ratio"] for row in results if row["peer"] == "moe-mlir" and row["ratio"]]
    if ratios:
        print(f"\ngeomean over the best peer: {statistics.geometric_mean(ratios):.2f}, least {min(ratios):.2f}")
    wrong = [f"{r['config']} T = {r['T']} {r['peer']}" for r in results if not r["ok"]]
    for name in wrong:
        print(f"WRONG: {name}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
