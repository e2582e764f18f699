#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Adds up the reports of lit, pytest and lint, names what failed, and closes with one line of counts.

usage: count-results.py FOLDER   (with lit.json, and pytest.xml and lint.txt if these ran)
"""

import json
import sys
from pathlib import Path
from xml.etree import ElementTree

PASSED = {"PASS", "XFAIL", "FLAKYPASS"}
SKIPPED = {"UNSUPPORTED", "SKIPPED", "EXCLUDED"}


def pytest_results(suites):
    """The same from a report in JUnit's format."""
    for case in suites.iter("testcase"):
        found = {child.tag for child in case}
        code = "FAIL" if found & {"failure", "error"} else "SKIPPED" if "skipped" in found else "PASS"
        yield f"pytest :: {case.get('classname')}.{case.get('name')}", code


def read_results(folder):
    """Yields (name, code); a code that is neither passed nor skipped has failed."""
    for test in json.loads((folder / "lit.json").read_text())["tests"]:
        yield test["name"], test["code"]
    pytest = folder / "pytest.xml"
    if pytest.exists():
        yield from pytest_results(ElementTree.parse(pytest).getroot())
    lint = folder / "lint.txt"
    if lint.exists():
        for line in lint.read_text().splitlines():
            code, name = line.split(" ", 1)
            yield f"lint :: {name}", code


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    passed = skipped = 0
    failed = []
    for name, code in read_results(Path(sys.argv[1])):
        if code in PASSED:
            passed += 1
        elif code in SKIPPED:
            skipped += 1
        else:
            failed.append(f"{code}: {name}")
    for line in failed:
        print(line)
    tail = f", {skipped} skipped" if skipped else ""
    print(f"{passed} passed, {len(failed)} failed{tail}")
    # A run of no test proves nothing.
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
