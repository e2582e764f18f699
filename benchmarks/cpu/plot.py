#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Draws what compare.py --json wrote, one PNG a case: median time over tokens, beside the roofline.

    plot.py RESULTS.json OUT_FOLDER

Both axes are logarithmic. The roofline is that of weights in the case's own format.
"""

import json
import sys
from collections import defaultdict
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402

OURS = "moe-mlir"


def draw(case, dtype, rows, machine, path):
    series = defaultdict(list)
    roofline = {}
    for row in rows:
        series[row["peer"]].append((row["T"], row["median_s"] * 1e3))
        if row["peer"] == OURS:
            roofline[row["T"]] = row["roofline_pct"] / 100 * row["min_s"] * 1e3
    figure, axes = pyplot.subplots(figsize=(8, 5), dpi=120)
    for name, points in sorted(series.items(), key=lambda item: not item[0].startswith(OURS)):
        own = name.startswith(OURS)
        style = {"linewidth": 2.5, "zorder": 3} if own else {"linewidth": 1, "alpha": 0.8}
        axes.plot(*zip(*sorted(points), strict=True), marker="o", markersize=5 if own else 3, label=name, **style)
    axes.plot(*zip(*sorted(roofline.items()), strict=True), "k--", linewidth=1, label="roofline")
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks(sorted(roofline), [str(tokens) for tokens in sorted(roofline)])
    axes.set_xlabel("tokens")
    axes.set_ylabel("median ms a layer")
    features = ", ".join(machine["features"])
    axes.set_title(f"{case}, {dtype}, {machine['threads']} threads\n{machine['cpu']}: {features}", fontsize=9)
    axes.grid(True, which="both", alpha=0.2)
    axes.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path)
    pyplot.close(figure)


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: plot.py RESULTS.json OUT_FOLDER")
    report = json.loads(Path(sys.argv[1]).read_text())
    out = Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    groups = defaultdict(list)
    for row in report["results"]:
        if row["ok"]:
            groups[row["config"], row["dtype"]].append(row)
    for (case, dtype), rows in groups.items():
        path = out / f"{case}-{dtype}.png"
        draw(case, dtype, rows, report["machine"], path)
        print(path)


if __name__ == "__main__":
    main()
