#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the assembly on standard input calls, and what its products' inner loops are made of.

One line of the functions called, one line of the widest registers, and for each loop with products: how many
products, how many loads of whole vectors, broadcasts, and uses of the stack it has. Where there are tiles: how many of
their registers are named, how often a function is configured for them and gives them back, and how often one is saved.
"""

import re
import sys
from collections import Counter

PRODUCT = re.compile(r"vdpbf16ps|vpdpbusd|tdpbf16ps|vfmadd\d+ps")
lines = sys.stdin.read().splitlines()
code = [line.split("#")[0].strip().removeprefix("{vex}").strip() for line in lines]

print("calls:", *sorted({re.split(r"[@\s]", line.split(None, 1)[1])[0] for line in code if line.startswith("call")}))
print("registers:", *(name for name in ("zmm", "ymm") if any(f"%{name}" in line for line in code)))
if any("%tmm" in line for line in code):
    tiles = {name for line in code for name in re.findall(r"%tmm\d", line)}
    saved = sum("%tmm" in line and "Folded" in whole for line, whole in zip(code, lines, strict=True))
    counts = [sum(line.startswith(name) for line in code) for name in ("ldtilecfg", "tilerelease")]
    print(f"tiles: {len(tiles)} registers, {counts[0]} configurations, {counts[1]} releases, {saved} saved or restored")

# A block's comments name the innermost loop that it is in, wherever it is placed; a loop whose steps hold a smaller one
# (of prefetches) counts without it.
function, loop = None, None
loops = {}  # (function, header of a loop): its instructions
for line, instruction in zip(lines, code, strict=True):
    if label := re.match(r"(\w+):", line):
        function, loop = label[1], None
    elif block := re.match(r"\.L(BB\w+):|# %bb", line):
        name, loop = block[1], None
    if header := re.search(r"# .*in Loop: Header=(BB\w+)", line):
        loop = header[1]
    elif re.search(r"# .*=>\s*This (Inner )?Loop Header", line):
        loop = name
    if loop and instruction and not instruction.startswith("."):
        loops.setdefault((function, loop), []).append(instruction)

for (function, _), body in loops.items():
    products = [PRODUCT.match(line)[0] for line in body if PRODUCT.match(line)]
    if products:
        count = Counter(
            stack=sum("(%rsp" in line or "(%rbp)" in line for line in body),
            broadcasts=sum("broadcast" in line or "1to16" in line for line in body),
            loads=sum(bool(re.match(r"tileloadd|vmov[ua]p[sd].*\), %[yz]mm", line)) for line in body),
        )
        kind = re.sub(r"\d+ps", "", products[0]) if products[0].startswith("vfmadd") else products[0]
        print(f"{function}: {len(products)} {kind}, {count['loads']} loads, {count['broadcasts']} broadcasts,", end=" ")
        print(f"{count['stack']} of the stack")
