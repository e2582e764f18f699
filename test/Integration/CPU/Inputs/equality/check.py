# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares the optimised code of random layers with the reference lowering.

usage: check.py OUT BUILD [--count N] [--seed S] [--only I] [--batch N] [--results FILE] [--spoil X]

OUT is a folder to write to, BUILD a build tree. Layer I of seed S is always the same: `--seed S --only I` replays it
and leaves its IR in OUT.
"""

import argparse
import concurrent.futures
import datetime
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "Inputs"))
import compare  # noqa: E402
import families  # noqa: E402
import layers  # noqa: E402
import numpy as np  # noqa: E402
import random_layer  # noqa: E402
import runtime  # noqa: E402

TOKENS = (0, 1, 2, 5, 17, 40)
# Every fifth configuration is a model family with sizes drawn; the others are layers written by hand, so to speak.
FAMILY_EVERY = 5


class Batch:
    """Configurations that are compiled as one module: what is slow is shared, and one replays alone just so."""

    def __init__(self, out, name, members, spoil=0.0):
        self.out, self.members, self.spoil = out / name, members, spoil
        self.out.mkdir(parents=True, exist_ok=True)
        self.source, self.weights = members[0].write(self.out) if len(members) == 1 else random_text(self.out, members)

    def compile(self):
        for path, flags in (("optimised", {}), ("reference", {"reference": True})):
            layers.compile_library(self.source, self.out / f"{path}.so", random_weights=1, **flags, **self.flags())

    def flags(self):
        return {"dtype": self.members[0].dtype} if self.weights is None else {}

    def compare(self, checks, run):
        """Rows, and those of them that went to other experts."""
        rows = elsewhere = 0
        libraries = [runtime.Library(run, self.out / f"{path}.so", self.weights, self.members[0].index)
                     for path in ("reference", "optimised")]  # fmt: skip
        for member in self.members:
            for tokens in TOKENS:
                inputs = member.inputs(libraries[0], tokens)
                expected, got = (library.run(member.block, inputs) for library in libraries)
                if self.spoil and tokens:
                    got["output"] = got["output"] + np.float32(self.spoil) * np.abs(got["output"]).max()
                problems, others = compare.compare(expected, got, member.dtype)
                checks.expect(not problems, f"{member.replay()}: T = {tokens}: {'; '.join(problems)}")
                rows, elsewhere = rows + tokens, elsewhere + others
        for library in libraries:
            library.close()
        return rows, elsewhere


class Random:
    """A random layer in a batch."""

    def __init__(self, seed, index):
        self.layer, self.index, self.block = random_layer.Layer(seed, index), index, index
        self.dtype = "bf16" if "bf16" in (self.layer.t, self.layer.weight_type) else "f32"
        self.kind = "layer"

    def write(self, folder):
        return random_text(folder, [self])

    def inputs(self, library, tokens):
        return [array for array, _ in self.layer.draw_inputs(tokens)]

    def replay(self):
        return f"--seed {self.layer.seed} --only {self.index}: {self.layer.describe()}"


class Family:
    """A model family in a batch of its own."""

    def __init__(self, seed, index):
        self.seed, self.index, self.block = seed, index, 0
        self.kind, self.dtype, self.config = families.draw(seed, index, index // FAMILY_EVERY)

    def write(self, folder):
        return families.write(folder, self.config), None

    def inputs(self, library, tokens):
        return library.random_inputs(0, tokens, self.seed)

    def replay(self):
        return f"--seed {self.seed} --only {self.index}: {self.dtype} {self.config}"


def random_text(folder, members):
    """One module and one checkpoint of several random layers."""
    source = folder / "layers.mlir"
    source.write_text("\n".join(member.layer.module_text() for member in members))
    tensors = {}
    for member in members:
        tensors |= member.layer.draw_weights()
    weights = folder / "weights"
    weights.mkdir(exist_ok=True)
    layers.write_safetensors(weights / "model.safetensors", {name: array for name, (array, _) in tensors.items()})
    return source, weights


def member_of(seed, index):
    return Family(seed, index) if index % FAMILY_EVERY == FAMILY_EVERY - 1 else Random(seed, index)


def batches_of(args):
    indices = range(args.count) if args.only is None else [args.only]
    waiting = []
    for index in indices:
        member = member_of(args.seed, index)
        if isinstance(member, Family):
            yield [member]
            continue
        waiting.append(member)
        if len(waiting) == args.batch:
            yield waiting
            waiting = []
    if waiting:
        yield waiting


def apart(checks, args, run, batch):
    """One of a batch does not compile: which one, and how the others do."""
    rows = elsewhere = 0
    for member in batch.members:
        alone = Batch(args.out, f"alone-{member.index}", [member])
        try:
            alone.compile()
            more, others = alone.compare(checks, run)
            rows, elsewhere = rows + more, elsewhere + others
        except (layers.ToolError, runtime.RuntimeFailure) as error:
            checks.expect(False, f"{member.replay()}: {error}")
    return rows, elsewhere


def commit_here():
    command = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(
        command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False
    ).stdout.strip()


def write_results(args, checks, kinds, rows, seconds):
    """`rows` is how many there were, and how many of them went to other experts."""
    counts = "\n".join(f"| {kind} | {count} |" for kind, count in sorted(kinds.items()))
    tolerance = ", ".join(f"{dtype} {value:g}" for dtype, value in compare.TOLERANCE.items())
    run = f"seed {args.seed}, {datetime.date.today()}, commit {commit_here()}"
    args.results.write_text(f"""# Optimised code against the reference lowering

`tools/equality.sh`, {run}: {sum(kinds.values())} configurations,
T = {", ".join(map(str, TOKENS))}: {checks.passed} checks agree, {checks.failed} do not.
{rows[1]} of {rows[0]} rows went to other experts after a near tie and were left out. {seconds:.0f} s.
Tolerance, as a share of the largest value: {tolerance}.

`layer` is a random module of the model form (`test/Integration/CPU/Inputs/equality`): scores, selections, score
functions, renormalisations, bodies and combinations drawn from its tables; the others are model families with sizes
drawn.

| kind | configurations |
|---|---|
{counts}
""")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("build", type=Path)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=random_layer.SEED)
    parser.add_argument("--only", type=int)
    parser.add_argument("--batch", type=int, default=12)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--results", type=Path)
    parser.add_argument("--spoil", type=float, default=0, help="what to add to outputs, to see that it is noticed")
    args = parser.parse_args()
    started, checks, run = time.monotonic(), layers.Checks(), runtime.Runtime(args.build / "lib/libmoe_runtime.so")
    rows = elsewhere = 0
    kinds = {}
    print(f"seed {args.seed}", flush=True)

    def compiled(numbered):
        batch = Batch(args.out, f"batch-{numbered[0]}", numbered[1], args.spoil)
        try:
            batch.compile()
        except layers.ToolError:
            return batch, False
        return batch, True

    with concurrent.futures.ThreadPoolExecutor(args.jobs) as workers:
        for batch, ok in workers.map(compiled, enumerate(batches_of(args))):
            more, others = batch.compare(checks, run) if ok else apart(checks, args, run, batch)
            rows, elsewhere = rows + more, elsewhere + others
            for member in batch.members:
                kinds[member.kind] = kinds.get(member.kind, 0) + 1
    checks.expect(elsewhere <= rows * 0.01, f"{elsewhere} of {rows} rows at other experts are too many for near ties")
    if args.results:
        write_results(args, checks, kinds, (rows, elsewhere), time.monotonic() - started)
    checks.done(f", {sum(kinds.values())} configurations, {elsewhere} of {rows} rows skipped")


if __name__ == "__main__":
    main()
