#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Rewrites sources in the shape tools/lint.sh asks for: the files named, or all of them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

files=("$@")
if [[ ${#files[@]} -eq 0 ]]; then
  mapfile -t files < <(find include lib tools test python -name Inputs -prune -o -type f -print)
fi
cxx_files=() python_files=()
for file in "${files[@]}"; do
  case "$file" in
  *.cpp | *.h | *.c) cxx_files+=("$file") ;;
  *.py) python_files+=("$file") ;;
  esac
done
[[ ${#cxx_files[@]} -eq 0 ]] || clang-format-22 -i "${cxx_files[@]}"
# Installed by tools/lint.sh.
[[ ${#python_files[@]} -eq 0 || ! -x build/venv/bin/ruff ]] || build/venv/bin/ruff format -q "${python_files[@]}"
