#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the assembly on standard input calls, and what its products' inner loops are made of.

One line of the functions called, one line of the widest registers, and for each innermost loop with products: how many
products, how many loads of whole vectors, broadcasts, and uses of the stack it has. Where there are tiles: how many of
their registers are named, how often a function is configured for them and gives them back, and how often one is saved.
"""

import re
import sys
from collections import Counter

PRODUCT = re.compile(r"vdpbf16ps|vpdpbusd|tdpbf16ps|vfmadd\d+ps")
lines = sys.stdin.read().splitlines()
code = [line.split("#")[0].strip() for line in lines]

print("calls:", *sorted({re.split(r"[@\s]", line.split(None, 1)[1])[0] for line in code if line.startswith("call")}))
print("registers:", *(name for name in ("zmm", "ymm") if any(f"%{name}" in line for line in code)))
if any("%tmm" in line for line in code):
    tiles = {name for line in code for name in re.findall(r"%tmm\d", line)}
    saved = sum("%tmm" in line and "Folded" in whole for line, whole in zip(code, lines, strict=True))
    counts = [sum(line.startswith(name) for line in code) for name in ("ldtilecfg", "tilerelease")]
    print(f"tiles: {len(tiles)} registers, {counts[0]} configurations, {counts[1]} releases, {saved} saved or restored")

function = None
for i, line in enumerate(lines):
    if label := re.match(r"(\w+):", line):
        function = label[1]
    if not (label := re.match(r"(\.LBB\w+):", line)):
        continue
    # The comments that follow a label say whether it begins an innermost loop.
    head = next(j for j in range(i + 1, len(lines)) if code[j])
    if "Inner Loop Header" not in "".join(lines[i:head]):
        continue
    back = (j for j in range(head, len(code)) if re.match(rf"j\w+\s+{re.escape(label[1])}$", code[j]))
    body = code[head : next(back, head)]
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
