#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Compares optimised code with the reference lowering on random layers and families, and writes the result to
# benchmarks/results/equality-layers.md.
#   tools/equality.sh                      300 configurations
#   tools/equality.sh --seed S --only I    replays one; its IR and libraries stay in build/equality
#   tools/equality.sh passes               20 layers: the IR after each pass against the IR before it
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

build_dir=${BUILD_DIR:-build}
what=check
result=benchmarks/results/equality-layers.md
if [[ "${1:-}" == passes ]]; then
  what=passes
  result=benchmarks/results/equality-passes.md
  shift
fi
tools/build.sh moe-compile moe-opt moe-test-opt
# What replays one configuration, or draws others, is no result to keep.
arguments=("$@")
[[ $# -gt 0 ]] || arguments=(--results "$result")
export PATH="$PWD/$build_dir/bin:/usr/lib/llvm-22/bin:$PATH"
mkdir -p "$build_dir/equality"
/usr/bin/python3 "test/Integration/CPU/Inputs/equality/$what.py" "$build_dir/equality" "$build_dir" "${arguments[@]}"
