# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Arithmetic on indices beyond 2^31 and 2^63: workspaces of many tokens, and the width of every index in the code.

usage: indices.py OUT BUILD
"""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "Inputs"))
import layers  # noqa: E402
import random_layer  # noqa: E402
import runtime  # noqa: E402
from check import Random, random_text  # noqa: E402


def check_workspaces(checks, library, member):
    """Sizes of buffers are multiples of T up to padding, so those of a few T give those of all, in whole numbers."""
    block, what = member.block, member.replay()
    few = 1 << 12
    once, twice = library.workspace(block, few), library.workspace(block, 2 * few)
    for power in range(20, 63):
        tokens = 1 << power
        right = once + (twice - once) * (tokens // few - 1)
        got = library.workspace(block, tokens)
        ok = got == right if right < 1 << 62 else got is None or got == right
        checks.expect(ok, f"{what}: workspace of 2^{power} tokens: {got} bytes, expected {right} or an error")
    most = library.workspace(block, (1 << 63) - 1)
    checks.expect(twice == once or most is None, f"{what}: 2^63 - 1 tokens have a workspace of {most}")


NARROWED = re.compile(r"(%\w+) = trunc .*(?:i64|x i64>) %\w+ to (?:i32|<\d+ x i32>)")


def check_widths(checks, text):
    """Addresses are computed in 64 bits; 32 are for ids of experts and rows alone, which are never widened again."""
    narrow = re.findall(r"^.*getelementptr.*, i32 %.*$", text, re.MULTILINE)
    checks.expect(not narrow, f"an address from 32 bits: {narrow[:1]}")
    for function in text.split("\ndefine ")[1:]:
        names = set(NARROWED.findall(function))
        widened = re.findall(r"= [sz]ext .*i32>? (%\w+) to .*i64", function)
        checks.expect(names.isdisjoint(widened), f"{function[:80]}: {names & set(widened)} go through 32 bits")


def main():
    out, build = map(Path, sys.argv[1:3])
    checks, run = layers.Checks(), runtime.Runtime(build / "lib/libmoe_runtime.so")
    members = [Random(random_layer.SEED, index) for index in range(8)]
    source, weights = random_text(out, members)
    layers.compile_library(source, out / "layers.so")
    library = runtime.Library(run, out / "layers.so", weights)
    for member in members:
        check_workspaces(checks, library, member)
    check_widths(checks, layers.call("moe-compile", source, "--emit=llvm", "-o", "-"))
    checks.done()


if __name__ == "__main__":
    main()
