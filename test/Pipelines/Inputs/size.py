#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares two modules function by function: both have the same ones, each as long as in the other. Constants do not
count: a number of experts may be one that the function has anyway.

usage: size.py FIRST SECOND [FUNCTION...]          the functions named are left out
       size.py --within PERCENT FIRST SECOND      compares all lines of the modules instead, constants too
"""

import re
import sys
from pathlib import Path


def lengths(path):
    found, name = {}, None
    for line in Path(path).read_text().splitlines():
        if match := re.match(r"  func\.func (?:private )?@(\w+)\(", line):
            name = match[1]
            found[name] = 0
        elif name and " = arith.constant " not in line:
            found[name] += 1
    return {name: length for name, length in found.items() if name not in sys.argv[3:]}


if sys.argv[1] == "--within":
    few, many = sorted(len(Path(path).read_text().splitlines()) for path in sys.argv[3:])
    print(f"{few} lines and {many} lines: {100 * (many - few) / few:.1f} % more")
    sys.exit(100 * many > (100 + int(sys.argv[2])) * few)

first, second = (lengths(path) for path in sys.argv[1:3])
if first.keys() != second.keys():
    sys.exit(f"other functions: {sorted(first)} and {sorted(second)}")
different = [name for name in first if first[name] != second[name]]
for name in different:
    print(f"{name}: {first[name]} lines and {second[name]} lines")
if not different:
    print(len(first), "functions of one size")
sys.exit(bool(different))
