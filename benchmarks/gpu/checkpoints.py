# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Layers of checkpoints from their device code, beside the checkpoints' references."""

import json
import os
from pathlib import Path

import numpy as np
from device import BF16, F16, F32, Library, from_float, to_float

# Against the largest value. Logits nearer to each other may come in another order: rows that chose between two such
# experts are counted, but not compared.
TOLERANCES = {F32: 2e-5, BF16: 2e-2, F16: 2e-2}
NEAR_TIE = {F32: 2e-6, BF16: 1.6e-2, F16: 1.6e-2}


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


class Mismatch(Exception):
    """A layer gives other numbers than its reference."""


def compare(layer, expected, got, where):
    """The largest difference of an output, and how many rows near ties sent to other experts."""
    dtype = layer.inputs[0].dtype
    results = {o.name: to_float(got[o.name], o.dtype) for o in layer.outputs}
    same = np.ones(len(results["output"]), bool)
    differences = {"output": (results["output"], expected["output"].reshape(results["output"].shape))}
    if "experts" in expected:
        ids, weights = by_expert(results["experts"].astype(np.int64), results["weights"])
        wanted, wanted_weights = by_expert(expected["experts"].astype(np.int64), expected["weights"])
        same = (ids == wanted).all(1)
        others = ~same & ~near_ties(results["logits"], ids.shape[1], NEAR_TIE[dtype])
        if others.any():
            raise Mismatch(f"{where}: rows {np.flatnonzero(others)} have other experts")
        differences["weights"] = (weights, wanted_weights)
    worst = {}
    for name, (value, wanted) in differences.items():
        worst[name] = np.abs(value - wanted)[same].max(initial=0) / max(np.abs(wanted).max(), 1e-30)
        if not worst[name] <= TOLERANCES[dtype]:
            raise Mismatch(f"{where}: {name} off by {worst[name]:.2g} of the largest value")
    return worst["output"], int((~same).sum())


def rows_of(expected, layer, tokens):
    """Input and outputs for `tokens` rows: those of a reference, or rows of the one of 33 again and again. A row's
    result depends on no other row."""
    suffix = "" if layer.inputs[0].dtype == F32 else ".bf16"
    known = f"{layer.name}.T{tokens}{suffix}.input" in expected
    prefix = f"{layer.name}.T{tokens if known else 33}{suffix}."
    rows = {name[len(prefix) :]: array for name, array in expected.items() if name.startswith(prefix)}
    rows = {name: array.reshape(-1, array.shape[-1]) for name, array in rows.items() if "." not in name}
    return {name: array[np.arange(tokens) % len(array)] for name, array in rows.items()}


def check(runtime, files, checkpoint, tokens=(1, 7, 33), schedules=("",)):
    """Runs every layer of `files`, {"ptx": ..., "cubin": ..., "llvm": ...}; returns what was found in one line. A
    Mismatch or a device.Error when one is wrong."""
    expected = read(Path(checkpoint) / "reference.safetensors")
    os.environ["MOE_FAKE_CUDA_IR"] = str(files.get("llvm", ""))  # of a driver for tests alone, as is the schedule
    library = Library(runtime, str(files["ptx"]), files.get("cubin") and str(files["cubin"]))
    runs, worst, others = 0, 0.0, 0
    for index in range(library.layers):
        layer = library.load(index, checkpoint=str(checkpoint))
        for count in tokens:
            wanted = rows_of(expected, layer, count)
            rows = from_float(wanted.pop("input"), layer.inputs[0].dtype)
            for schedule in schedules:
                os.environ["MOE_FAKE_CUDA_SCHEDULE"] = schedule
                where = f"{layer.name}, T = {count}" + (f", schedule {schedule}" if schedule else "")
                difference, ties = compare(layer, wanted, layer.run_host(rows), where)
                worst, others, runs = max(worst, difference), others + ties, runs + 1
    return f"{library.layers} layers, {runs} runs agree, {others} rows at other experts, off by at most {worst:.1e}"
