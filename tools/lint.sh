#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Format and static checks. Writes one line a check, `PASS name` or `FAIL name`, to the report for tools/test.sh.
#   tools/lint.sh [full|quick] [REPORT]   quick leaves out clang-tidy, which needs a built tree
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

mode=${1:-full}
report=${2:-/dev/null}
build_dir=${BUILD_DIR:-build}
readonly ruff_version=0.17.6
: >"$report" || exit 1
failures=0

check() {
  local name=$1
  shift
  local output
  if output=$("$@" 2>&1); then
    echo "PASS $name" >>"$report"
  else
    failures=$((failures + 1))
    echo "FAIL $name" >>"$report"
    printf 'lint: %s:\n%s\n' "$name" "$output"
  fi
}

sources() {
  find include lib tools test python -name Inputs -prune -o -type f "$@" -print | sort
}

mapfile -t cxx_files < <(sources \( -name '*.cpp' -o -name '*.h' -o -name '*.c' \))
# Not in the build tree's list of commands: the extension, which each Python compiles for itself.
mapfile -t tidy_files < <(sources -name '*.cpp' ! -path 'lib/cmake/*' ! -path 'python/*')
mapfile -t shell_files < <(sources -name '*.sh'; echo .ci/run)

# Debian has no ruff, so this one comes from PyPI.
run_ruff() {
  local ruff="$build_dir/venv/bin/ruff"
  if [[ "$("$ruff" --version 2>/dev/null)" != "ruff $ruff_version" ]]; then
    python3 -m venv "$build_dir/venv" && "$build_dir/venv/bin/pip" install -q "ruff==$ruff_version" || return 1
  fi
  "$ruff" "$@" --cache-dir "$build_dir/ruff-cache" .
}

# One file a process keeps every core busy; the precompiled header makes each short.
run_tidy() {
  printf '%s\0' "${tidy_files[@]}" |
    xargs -0 -n 1 -P "${JOBS:-$(nproc)}" clang-tidy-22 -p "$build_dir" --quiet --warnings-as-errors='*'
}

check shellcheck shellcheck "${shell_files[@]}"
check clang-format clang-format-22 --dry-run -Werror "${cxx_files[@]}"
check ruff-check run_ruff check
check ruff-format run_ruff format --check
if [[ "$mode" != quick ]]; then
  check clang-tidy run_tidy
fi

[[ $failures -eq 0 ]]
