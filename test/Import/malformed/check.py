# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs a tool on every case that generate.py wrote.

Usage: check.py OUT TOOL [ARG...]. With MOE_SLOW set, as with sanitizers, a case may take ten times as much.
A malformed input must give exit status 1, nothing on stdout, exactly one line on
stderr that begins with the tool's name and holds the expected text, in under a second and without taking 100 MB more
than a good input takes.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

SLOW = 10 if "MOE_SLOW" in os.environ else 1
SECONDS, MEGABYTES = 1.0 * SLOW, 100 * SLOW


def run(command):
    """Exit status, stdout, stderr, seconds and peak MB of a command."""
    start = time.monotonic()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    # The outputs are a few lines, far less than a pipe holds, so they can be read after the end.
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    out, err = process.stdout.read().decode(), process.stderr.read().decode()
    process.stdout.close()
    process.stderr.close()
    return process.returncode, out, err, seconds, usage.ru_maxrss / 1024


def problems(case, result, tool, usual_memory):
    status, out, err, seconds, memory = result
    if case["expected"] is None:
        if status != 0 or not out or err:
            yield f"expected success, got exit status {status}: {err}"
        return
    if status != 1:
        yield f"expected exit status 1, got {status}"
    if out:
        yield f"expected nothing on stdout, got {out[:200]!r}"
    if err.count("\n") != 1 or not err.endswith("\n") or len(err) > 2000:
        yield f"expected one line on stderr, got {err[:500]!r}"
    if not err.startswith(f"{tool}: error: "):
        yield f"expected the line to begin with '{tool}: error: ', got {err[:200]!r}"
    if case["expected"] not in err:
        yield f"expected {case['expected']!r} in {err[:500]!r}"
    if seconds > SECONDS:
        yield f"took {seconds:.2f} s"
    if memory > usual_memory + MEGABYTES:
        yield f"took {memory:.0f} MB, a good input {usual_memory:.0f} MB"


def main():
    out, command = Path(sys.argv[1]), sys.argv[2:]
    cases = json.loads((out / "cases.json").read_text())
    assert cases[0]["expected"] is None, "the first case shows what a good input takes"
    usual_memory = run([*command, cases[0]["input"]])[4]
    failures = 0
    for case in cases:
        result = run([*command, case["input"]])
        for problem in problems(case, result, os.path.basename(command[0]), usual_memory):
            print(f"{case['input']}: {problem}")
            failures += 1
    malformed = sum(case["expected"] is not None for case in cases)
    print(f"{malformed} malformed inputs, {len(cases) - malformed} good ones, {failures} problems")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
