# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs every layer of a shipped checkpoint from its device code, and compares with the checkpoint's references.

device_layers.py RUNTIME.so CODE.ptx CHECKPOINT [--tokens 1,7,33]
"""

import argparse
import json
import os
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks" / "gpu"))
from device import BF16, F32, Library, Runtime, from_float, to_float  # noqa: E402

# Against the largest value. Logits nearer to each other may come in another order: rows that chose between two such
# experts are counted, but not compared.
TOLERANCES = {F32: 2e-5, BF16: 2e-2}
NEAR_TIE = {F32: 2e-6, BF16: 1.6e-2}


def read(path):
    data = Path(path).read_bytes()
    length = int.from_bytes(data[:8], "little")
    tensors = {}
    for name, entry in json.loads(data[8 : 8 + length]).items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        part = data[8 + length + begin : 8 + length + end]
        if entry["dtype"] == "BF16":
            array = to_float(np.frombuffer(part, np.uint16), BF16)
        else:
            types = {"F32": np.float32, "F16": np.float16, "I32": np.int32, "I64": np.int64}
            array = np.frombuffer(part, types[entry["dtype"]])
        tensors[name] = array.reshape(entry["shape"])
    return tensors


def by_expert(experts, weights):
    order = np.argsort(experts, axis=1, kind="stable")
    return np.take_along_axis(experts, order, 1), np.take_along_axis(weights, order, 1)


def near_ties(logits, k, share):
    """Rows whose last chosen logit is hardly larger than the first that was not chosen."""
    if logits.shape[1] == k:
        return np.zeros(len(logits), bool)
    ordered = np.sort(logits, axis=1)[:, ::-1]
    return ordered[:, k - 1] - ordered[:, k] <= share * np.abs(logits).max(axis=1)


def compare(layer, expected, got, prefix, where):
    """The largest difference of an output, and how many rows near ties sent to other experts; an AssertionError when
    there are others, or a difference is too large."""
    dtype = layer.inputs[0].dtype
    results = {o.name: to_float(got[o.name], o.dtype) for o in layer.outputs}
    same = np.ones(len(results["output"]), bool)
    differences = {"output": (results["output"], expected[f"{prefix}.output"].reshape(results["output"].shape))}
    if f"{prefix}.experts" in expected:
        ids, weights = by_expert(results["experts"].astype(np.int64), results["weights"])
        wanted_ids = expected[f"{prefix}.experts"].astype(np.int64)
        wanted, wanted_weights = by_expert(wanted_ids, expected[f"{prefix}.weights"])
        same = (ids == wanted).all(1)
        others = ~same & ~near_ties(results["logits"], ids.shape[1], NEAR_TIE[dtype])
        assert not others.any(), f"{where}: rows {np.flatnonzero(others)} have other experts"
        differences["weights"] = (weights, wanted_weights)
    worst = {}
    for name, (value, wanted) in differences.items():
        worst[name] = np.abs(value - wanted)[same].max(initial=0) / max(np.abs(wanted).max(), 1e-30)
        assert worst[name] <= TOLERANCES[dtype], f"{where}: {name} off by {worst[name]} of the largest value"
    return worst["output"], int((~same).sum())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("runtime")
    parser.add_argument("code")
    parser.add_argument("checkpoint")
    parser.add_argument("--tokens", default="1,7,33")
    parser.add_argument("--schedules", default="forward,backward,run-ahead,random")
    parser.add_argument("--layers", default="")
    options = parser.parse_args()
    expected = read(Path(options.checkpoint) / "reference.safetensors")
    library = Library(Runtime(options.runtime), options.code)
    runs, worst, others = 0, 0.0, 0
    chosen = [int(n) for n in options.layers.split(",") if n] or range(library.layers)
    for index in chosen:
        layer = library.load(index, checkpoint=options.checkpoint)
        dtype = layer.inputs[0].dtype
        for tokens in options.tokens.split(","):
            prefix = f"{layer.name}.T{tokens}" + (".bf16" if dtype == BF16 else "")
            rows = expected[f"{prefix}.input"]
            rows = from_float(rows.reshape(-1, rows.shape[-1]), dtype)
            for schedule in options.schedules.split(","):
                # Of the fake driver alone; a real one does not look at it.
                os.environ["MOE_FAKE_CUDA_SCHEDULE"] = schedule
                where = f"{layer.name}, T = {tokens}, schedule {schedule}"
                difference, ties = compare(layer, expected, layer.run_host(rows), prefix, where)
                worst, others, runs = max(worst, difference), others + ties, runs + 1
    print(
        f"{library.layers} layers on {library.chip}: {runs} runs agree, {others} rows at other experts, "
        f"the largest difference is {worst:.1e}"
    )


if __name__ == "__main__":
    main()
