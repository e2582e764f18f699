#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Installs, builds and tests; the last line of its output counts everything.
#   tools/test.sh            full: every test, format and static checks
#   tools/test.sh quick      leaves out the tests marked `REQUIRES: full` and clang-tidy
#   tools/test.sh sanitize   the quick tests with address and undefined-behaviour sanitizers, in build/sanitize
#   tools/test.sh sanitize-full     the same with every test
#   tools/test.sh sanitize-thread   the quick tests with the thread sanitizer, in build/sanitize-thread
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

mode=${1:-full}
build_dir=build
case "$mode" in
full | quick) ;;
sanitize | sanitize-full)
  build_dir=build/sanitize
  export CMAKE_ARGS="-DMOE_SANITIZE=address;undefined ${CMAKE_ARGS:-}"
  ;;
sanitize-thread)
  build_dir=build/sanitize-thread
  export CMAKE_ARGS="-DMOE_SANITIZE=thread ${CMAKE_ARGS:-}"
  ;;
*)
  echo "usage: tools/test.sh [full|quick|sanitize|sanitize-full|sanitize-thread]" >&2
  exit 2
  ;;
esac
export BUILD_DIR=$build_dir
results="$build_dir/test-results"

# However far the run gets, it ends on the line that counts.
give_up() {
  echo "test: error: $1" >&2
  echo "0 passed, 1 failed"
  exit 1
}

tools/install-deps.sh || give_up "installing failed"
# Without it kernels are not assembled, and tests that need cubins are left out.
tools/install-ptxas.sh || echo "test: no ptxas; going on without" >&2
rm -rf "$results"
mkdir -p "$results"

started=$SECONDS
tools/build.sh all moe-test-depends || give_up "the build failed"
echo "test: built in $((SECONDS - started)) s"

# --timeout is per test; lit's own exit status is read from its report, together with the others.
started=$SECONDS
lit_args=(-sv -j "${JOBS:-$(nproc)}" --timeout 600 --output "$results/lit.json")
[[ "$mode" != full && "$mode" != sanitize-full ]] || lit_args+=(--param full=1)
/usr/lib/llvm-22/bin/lit "${lit_args[@]}" "$build_dir/test" "$build_dir/test/Unit" || true
[[ -s "$results/lit.json" ]] || give_up "lit wrote no report"
echo "test: ran in $((SECONDS - started)) s"

if [[ "$mode" == full || "$mode" == quick ]]; then
  started=$SECONDS
  tools/test-python.sh "$mode" "$results/pytest.xml" || true
  [[ -s "$results/pytest.xml" ]] || give_up "the Python package was not tested"
  echo "test: tested the Python package in $((SECONDS - started)) s"

  started=$SECONDS
  tools/lint.sh "$mode" "$results/lint.txt" || true
  [[ -s "$results/lint.txt" ]] || give_up "lint wrote no report"
  echo "test: linted in $((SECONDS - started)) s"
fi

python3 tools/count-results.py "$results"
