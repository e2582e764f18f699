# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What layers do at the edges, one function an edge.

usage: edges.py OUT LEVELS MODELS [EDGE...]   MODELS are folders of the zoo, separated by commas
"""

import functools
import json
import re
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "Inputs"))
import layers  # noqa: E402

ROWS = 33


class Bench:
    """One model, compiled for each level and by the reference lowering; runs on rows given as arrays."""

    def __init__(self, model, out, dtype, levels):
        self.model, self.out, self.dtype = model, out, dtype
        stem = out / f"{model.name}-{dtype}"
        self.libraries = {
            level: layers.compile_library(model, f"{stem}-{level}.so", dtype=dtype, cpu=level) for level in levels
        }
        naive = layers.compile_library(model, f"{stem}-reference.so", dtype=dtype, reference=True)
        self.libraries["reference"] = naive
        reference = layers.read_safetensors(model / "reference.safetensors")
        self.rows = reference[f"moe0.T{ROWS}.bf16.input" if dtype == "bf16" else f"moe0.T{ROWS}.input"]

    def name(self, level):
        return f"{self.model.name} {self.dtype} {level}"

    def run(self, level, rows, **flags):
        (result,) = self.run_each(level, [rows], **flags)
        return result

    def run_each(self, level, batches, **flags):
        inputs = self.out / "rows.safetensors"
        layers.write_safetensors(inputs, {f"x{i}": rows for i, rows in enumerate(batches)}, bf16=self.dtype == "bf16")
        run = functools.partial(layers.run_layer, self.libraries[level], self.out / "y.safetensors", input=inputs)
        return [run(tensor=f"x{i}", **flags) for i in range(len(batches))]


def rows_of(result, rows):
    return {name: array[rows] for name, array in result.items()}


def no_rows(checks, bench, level):
    """T = 0 gives outputs of no rows, each as wide as ever."""
    some, none = bench.run_each(level, [bench.rows, bench.rows[:0]])
    for name, array in some.items():
        shape = none[name].shape
        checks.expect(shape == (0, array.shape[1]), f"{bench.name(level)}: T = 0: {name} is {shape}")


def alone(checks, bench, level):
    """A row's result does not depend on the other rows of its batch, in number, place or content."""
    all_rows, *each = bench.run_each(level, [bench.rows, *(bench.rows[i : i + 1] for i in range(ROWS))])
    for i, one in enumerate(each):
        unequal = layers.same_bytes(one, rows_of(all_rows, slice(i, i + 1)))
        checks.expect(not unequal, f"{bench.name(level)}: row {i} alone has other bytes: {unequal}")
    order = np.random.default_rng(1).permutation(ROWS)
    moved = bench.run(level, bench.rows[order])
    unequal = layers.same_bytes(moved, rows_of(all_rows, order))
    checks.expect(not unequal, f"{bench.name(level)}: rows in another order have other bytes: {unequal}")


def threads(checks, bench, level):
    """The same bytes for any number of threads."""
    rows = np.concatenate([bench.rows, -bench.rows, bench.rows * 0.5])
    one, two, five = (bench.run(level, rows, threads=count) for count in (1, 2, 5))
    checks.expect(not layers.same_bytes(one, two), f"{bench.name(level)}: 1 and 2 threads give other bytes")
    checks.expect(not layers.same_bytes(one, five), f"{bench.name(level)}: 1 and 5 threads give other bytes")


def same_experts(checks, bench, level):
    """Every row at the same experts, each row another."""
    one = bench.rows[5]
    rows = np.stack([one * scale for scale in np.linspace(0.5, 2, ROWS)]).astype(np.float32)
    got, naive = bench.run(level, rows), bench.run("reference", rows)
    checks.expect((got["experts"] == got["experts"][0]).all(), f"{bench.name(level)}: rows are at other experts")
    for name in ("logits", "weights", "output"):
        worst = layers.difference(got[name], naive[name])
        checks.expect(worst <= layers.TOLERANCE[bench.dtype], f"{bench.name(level)}: one place: {name} off by {worst}")
    crowd = bench.run(level, np.repeat(one[None], 200, axis=0))
    equal = all((array == array[0]).all() for array in crowd.values())
    checks.expect(equal, f"{bench.name(level)}: equal rows have other results")


def ties(checks, bench, level):
    """Of equal scores those of the lowest indices are chosen."""
    got = bench.run(level, np.zeros((3, bench.rows.shape[1]), np.float32))
    chosen = got["experts"].shape[1]
    checks.expect((got["logits"] == 0).all(), f"{bench.name(level)}: a row of zeros has logits")
    lowest = (got["experts"] == np.arange(chosen)).all()
    checks.expect(lowest, f"{bench.name(level)}: ties do not go to the lowest index: {got['experts'][0]}")
    even = (got["weights"] == got["weights"][0, 0]).all()
    checks.expect(even, f"{bench.name(level)}: equal scores weigh differently")
    checks.expect((got["output"] == 0).all(), f"{bench.name(level)}: a row of zeros gives numbers")


def with_equal_routers(model, folder):
    """A copy of a checkpoint whose experts of block 0 have the same router in threes: 0, 1, 2, then 3, 4, 5, ..."""
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_bytes((model / "config.json").read_bytes())
    data = bytearray((model / "model.safetensors").read_bytes())
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    (router,) = [entry for name, entry in header.items() if re.fullmatch(r"model\.layers\.0\.\w+\.gate\.weight", name)]
    begin, end = (start + offset for offset in router["data_offsets"])
    rows = np.frombuffer(bytes(data[begin:end]), np.float32).reshape(router["shape"])
    data[begin:end] = rows[np.arange(len(rows)) // 3 * 3].tobytes()
    (folder / "model.safetensors").write_bytes(data)
    return folder


def some_ties(checks, bench, level):
    """Where three experts score the same, those with the lowest indices are chosen, in every row."""
    checkpoint = with_equal_routers(bench.model, bench.out / f"{bench.model.name}-threes")
    got = bench.run(level, bench.rows, checkpoint=checkpoint)
    logits, ids = got["logits"], got["experts"]
    checks.expect((logits[:, 0:3] == logits[:, :1]).all(), f"{bench.name(level)}: equal routers score differently")
    lowest = np.sort(np.argsort(-logits, axis=1, kind="stable")[:, : ids.shape[1]], axis=1)
    wrong = np.flatnonzero((ids != lowest).any(axis=1))
    checks.expect(len(wrong) == 0, f"{bench.name(level)}: ties in rows {wrong} do not go to the lowest index")


def not_numbers(checks, bench, level):
    """A row of NaN gives NaN, one with an infinity may, and neither changes a bit of another row."""
    clean = bench.run(level, bench.rows)
    chosen, experts = clean["experts"].shape[1], clean["logits"].shape[1]
    spoilt = {4: np.nan, 7: np.inf, 11: -np.inf, ROWS - 1: np.nan}
    rows = bench.rows.copy()
    for row, value in spoilt.items():
        rows[row] = value
    rows[12, 3] = spoilt[12] = np.nan
    rows[20, 0] = spoilt[20] = np.inf
    got = bench.run(level, rows)
    others = [row for row in range(ROWS) if row not in spoilt]
    unequal = layers.same_bytes(rows_of(got, others), rows_of(clean, others))
    checks.expect(not unequal, f"{bench.name(level)}: NaN in one row changed another: {unequal}")
    for row, value in spoilt.items():
        ids = got["experts"][row]
        proper = len(set(ids)) == chosen and ids.min() >= 0 and ids.max() < experts
        checks.expect(proper, f"{bench.name(level)}: a row of {value} went to experts {ids}")
        if np.isnan(value):
            nans = np.isnan(got["output"][row]).all() and np.isnan(got["logits"][row]).all()
            checks.expect(nans, f"{bench.name(level)}: row {row} with NaN gives numbers: {got['output'][row][:4]}")
        finite = np.isfinite(got["output"][row]).all()
        checks.expect(not finite, f"{bench.name(level)}: row {row} of {value} gives finite numbers only")


def denormals(checks, bench, level):
    """The smallest and the largest numbers stay numbers."""
    rows = bench.rows * np.float32(1e-39)
    rows[1::2] = bench.rows[1::2] * np.float32(1e30)
    got = bench.run(level, rows)
    finite = all(np.isfinite(array[0::2]).all() for array in got.values())
    checks.expect(finite, f"{bench.name(level)}: tiny rows give infinity or NaN")
    checks.expect(np.abs(got["output"][0::2]).max() < 1e-30, f"{bench.name(level)}: tiny rows give large numbers")
    # So large that nothing is left of the smaller weight, and the product of gate and up overflows.
    checks.expect(np.isfinite(got["logits"][1::2]).all(), f"{bench.name(level)}: logits of large rows overflow")
    checks.expect(np.isfinite(got["weights"]).all(), f"{bench.name(level)}: weights of large rows are not finite")


def shapes(checks, out, levels):
    """Numbers of experts and widths at both ends, every K of a few experts, against the reference lowering."""
    for experts, chosen, width, inner in (
        *((5, chosen, 96, 17) for chosen in range(1, 6)),
        (3, 2, 1000, 17),
        *((1, 1, 17, 5), (5, 5, 24, 16), (257, 3, 16, 8), (4096, 8, 8, 4), (4096, 4096, 1, 1)),
        *((3, 2, 64, 1), (8, 2, 1, 16), (2, 1, 1, 1), (300, 40, 20, 12)),
    ):
        config = {"model_type": "olmoe", "hidden_size": width, "intermediate_size": inner, "num_experts": experts}
        config |= {"num_experts_per_tok": chosen, "num_hidden_layers": 1, "hidden_act": "silu", "norm_topk_prob": True}
        path = out / f"E{experts}-K{chosen}-D{width}-F{inner}.json"
        path.write_text(json.dumps(config))
        for dtype in layers.TOLERANCE:
            flags = {"random_weights": 1, "dtype": dtype, "tokens": 9}
            naive = layers.run_layer(path, out / "naive.safetensors", cpu=levels[0], reference=True, **flags)
            for level in levels:
                what = f"{path.stem} {dtype} {level}"
                got = layers.run_layer(path, out / "y.safetensors", cpu=level, **flags)
                checks.same_layer(what, got, naive, dtype)


EDGES = [no_rows, alone, threads, same_experts, ties, some_ties, not_numbers, denormals]


def main():
    out, levels = Path(sys.argv[1]), sys.argv[2].split(",")
    wanted = sys.argv[4:]
    checks = layers.Checks()
    for model in map(Path, sys.argv[3].split(",")):
        for dtype in layers.TOLERANCE:
            bench = Bench(model, out, dtype, levels)
            for edge in EDGES:
                if not wanted or edge.__name__ in wanted:
                    for level in bench.libraries:
                        edge(checks, bench, level)
    if not wanted or "shapes" in wanted:
        shapes(checks, out, levels)
    checks.done()


if __name__ == "__main__":
    main()
