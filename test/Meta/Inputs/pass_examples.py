#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The examples in pass descriptions are true.

usage: pass_examples.py ROOT FOLDER[:PREFIX]...

For each pass of each FOLDER's *Passes.td (below ROOT/include/moe) whose flag starts with PREFIX: the first ```mlir
block of its description is in the pass's lit test word for word, and running the pass on it gives the second block.
Both sides are compared after canonicalisation and CSE, so an example need not show dead ops. A pass with one block only
refuses it with an error. An attribute that the second block shows as "..." may be any text.
"""

import re
import subprocess
import sys
import textwrap
from pathlib import Path

CLEANUP = ["--canonicalize", "--cse", "--mlir-print-local-scope"]


def passes(text):
    """(flag, [example blocks]) of each pass definition."""
    for body in re.split(r"^def ", text, flags=re.MULTILINE)[1:]:
        flag = re.search(r'Pass<"([^"]+)"', body)
        if flag:
            blocks = re.findall(r"^ *```mlir\n(.*?)^ *```", body, flags=re.MULTILINE | re.DOTALL)
            yield flag[1], [textwrap.dedent(block) for block in blocks]


def run(source, flags):
    return subprocess.run(["moe-opt", "-", *flags], input=source, capture_output=True, text=True, check=False)


def elide(text, block):
    """`text` with "..." where `block` has it."""
    for name in re.findall(r'([\w.]+) = "\.\.\."', block):
        text = re.sub(re.escape(name) + r' = "(?:[^"\\]|\\.)*"', name + ' = "..."', text)
    return text


def problems(root, folder):
    folder, _, prefix = folder.partition(":")
    files = sorted((root / "include/moe" / folder).glob("*Passes.td"))
    found = [definition for file in files for definition in passes(file.read_text())]
    definitions = [(flag, blocks) for flag, blocks in found if flag.startswith(prefix)]
    if not definitions:
        yield f"{folder}: no passes"
    for flag, blocks in definitions:
        if len(blocks) not in (1, 2):
            yield f"{flag}: expected an example before and one after, found {len(blocks)}"
            continue
        tests = [path for path in (root / "test").rglob(flag.removeprefix("moe-") + ".mlir")]
        if not tests:
            yield f"{flag}: no lit test"
        elif not any(blocks[0] in path.read_text() for path in tests):
            yield f"{flag}: its example is not in {tests[0].relative_to(root)}"
        result = run(blocks[0], [f"--{flag}", *CLEANUP])
        if len(blocks) == 1:
            if result.returncode == 0:
                yield f"{flag}: accepts its only example"
            continue
        expected = run(blocks[1], CLEANUP)
        for what, ran in (("the pass", result), ("the example after", expected)):
            if ran.returncode != 0:
                yield f"{flag}: {what} fails: {ran.stderr.strip()}"
        if elide(result.stdout, blocks[1]) != expected.stdout:
            yield f"{flag}: gives\n{result.stdout}instead of\n{expected.stdout}"


def main():
    root = Path(sys.argv[1])
    found = [line for folder in sys.argv[2:] for line in problems(root, folder)]
    print("\n".join(found) if found else "every example is true")
    return 1 if found or len(sys.argv) < 3 else 0


if __name__ == "__main__":
    sys.exit(main())
