# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares the IR after each pass of the pipeline with the IR before it, both lowered plainly and run.

usage: passes.py OUT BUILD [--count N] [--seed S] [--only I] [--batch N] [--cpu LEVEL] [--results FILE]
  [--plant PASS --after PASS]

The pass after which a layer computes something else is named. `--plant` puts a pass into the pipeline, behind the first
one called `--after`: a wrong one must be blamed.
"""

import argparse
import concurrent.futures
import datetime
import hashlib
import re
import resource
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "Inputs"))
import compare  # noqa: E402
import layers  # noqa: E402
import random_layer  # noqa: E402
import runtime  # noqa: E402
from check import Random, commit_here, random_text  # noqa: E402

TOKENS = (1, 17)


def pipeline_text(source, args):
    """The passes of the pipeline, one by one, with the planted one."""
    command = ["moe-opt", source, f"--moe-compile-pipeline=cpu={args.cpu} stop-after=kernel", "--dump-pass-pipeline"]
    done = subprocess.run([*map(str, command), "-o", "/dev/null"], capture_output=True, text=True, check=True)
    text = re.search(r"builtin\.module\(.*\)\s*$", done.stderr, re.DOTALL).group(0).strip()
    if not args.plant:
        return text
    planted = re.sub(rf"(\n\s*)({re.escape(args.after)}\b[^,\n]*,)", rf"\1\2\1{args.plant},", text, count=1)
    if planted == text:
        sys.exit(f"passes.py: error: no pass {args.after} in {text}")
    return planted


def snapshots(source, out, args):
    """[(names of passes, file)]: IR that differs from the one before, and the passes since then."""
    tree = out / "tree"
    layers.call("moe-test-opt", source, "-o", "/dev/null", f"--pass-pipeline={pipeline_text(source, args)}",
                "--mlir-print-ir-after-all", f"--mlir-print-ir-tree-dir={tree}",
                "--mlir-disable-threading")  # fmt: skip
    found, last, names = [(["the input"], source)], None, []
    for path in sorted(tree.glob("*/*.mlir"), key=lambda path: int(path.name.split("_")[0])):
        names.append(path.stem.split("_", 1)[1])
        # The first line says which pass it was.
        text = path.read_text().split("\n", 1)[1]
        digest = hashlib.sha256(text.encode()).digest()
        if digest != last:
            found.append((names, path))
            last, names = digest, []
    return found


def check_batch(checks, run, args, number, members):
    out = args.out / f"passes-{number}"
    out.mkdir(parents=True, exist_ok=True)
    source, weights = random_text(out, members)
    found = snapshots(source, out, args)

    def build(numbered):
        at, (_, path) = numbered
        kernel, library = out / f"{at}.mlir", out / f"{at}.so"
        try:
            layers.call("moe-test-opt", path, f"--test-moe-lower-plainly=level={args.cpu}", "-o", kernel)
            layers.compile_library(kernel, library, cpu=args.cpu)
        except layers.ToolError as error:
            return error
        return library

    before = None
    with concurrent.futures.ThreadPoolExecutor(2) as workers:
        for (names, path), library in zip(found, workers.map(build, enumerate(found)), strict=True):
            what = f"after {', '.join(names)} ({path.name})"
            if not checks.expect(isinstance(library, Path), f"{what}: {library}"):
                continue
            opened = runtime.Library(run, library, weights)
            results = {(m.block, t): opened.run(m.block, m.inputs(opened, t)) for m in members for t in TOKENS}
            opened.close()
            for member in members if before else ():
                for tokens in TOKENS:
                    pair = (before[member.block, tokens], results[member.block, tokens])
                    problems, elsewhere = compare.compare(*pair, member.dtype)
                    problems += [f"{elsewhere} rows at other experts"] if elsewhere else []
                    checks.expect(not problems, f"{what}: {member.replay()}: T = {tokens}: {'; '.join(problems)}")
            before = results
    return len(found)


def write_results(path, args, checks, count, seen):
    run = f"seed {args.seed}, {datetime.date.today()}, commit {commit_here()}"
    path.write_text(f"""# The IR after each pass against the IR before it

`tools/equality.sh passes`, {run}: {count} random layers,
level {args.cpu}, T = {", ".join(map(str, TOKENS))}. {seen} snapshots of the IR differ from the one before; each was
lowered plainly (`test/lib/TestLowerPlainly.cpp`), run, and compared: {checks.passed} checks agree,
{checks.failed} do not.
""")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("build", type=Path)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random_layer.SEED)
    parser.add_argument("--only", type=int)
    parser.add_argument("--batch", type=int, default=20)
    parser.add_argument("--cpu", default="x86-64-v3")
    parser.add_argument("--results", type=Path)
    parser.add_argument("--plant")
    parser.add_argument("--after")
    args = parser.parse_args()
    # Plainly lowered layers keep their buffers on the stack of this thread.
    hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
    resource.setrlimit(resource.RLIMIT_STACK, (hard, hard))
    checks = layers.Checks()
    run = runtime.Runtime(args.build / "lib/libmoe_runtime.so", threads=1)
    indices = range(args.count) if args.only is None else [args.only]
    members = [Random(args.seed, index) for index in indices]
    print(f"seed {args.seed}", flush=True)
    seen = 0
    for number, first in enumerate(range(0, len(members), args.batch)):
        seen += check_batch(checks, run, args, number, members[first : first + args.batch])
    if args.results:
        write_results(args.results, args, checks, len(members), seen)
    checks.done(f", {len(members)} layers, {seen} snapshots")


if __name__ == "__main__":
    main()
