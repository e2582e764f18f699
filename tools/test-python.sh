#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Installs the Python package with the libraries of build/ into environments below it, and runs its tests.
#   tools/test-python.sh [full|quick] [REPORT]   full adds slow tests and every other Python from 3.10 that is there
# REPORT is a file for pytest's results in JUnit's format.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

mode=${1:-full}
build_dir=${BUILD_DIR:-build}
report=${2:-$build_dir/pytest.xml}
venv=$build_dir/venv-python
export MOE_BUILD_DIR=$PWD/$build_dir
export OMP_WAIT_POLICY=passive # threads of PyTorch that spin take time from what they wait for
export XDG_CACHE_HOME=$PWD/$build_dir/cache # of the target for JAX

# One that is complete is made anew only when the list changes.
if ! cmp -s python/requirements-test.txt "$venv/installed.txt"; then
  rm -rf "$venv"
  /usr/bin/python3 -m venv "$venv"
  "$venv/bin/pip" install -q --disable-pip-version-check -r python/requirements-test.txt
  cp python/requirements-test.txt "$venv/installed.txt"
fi
"$venv/bin/pip" install -q --disable-pip-version-check --no-build-isolation --no-deps --force-reinstall ./python \
  --config-settings "build-dir=$PWD/$build_dir/wheel/{wheel_tag}"

pytest_args=(-q -p no:cacheprovider --junitxml "$report" --rootdir test/Python)
[[ "$mode" != full ]] || pytest_args+=(--full)
MOE_TEST_ZOO=$PWD/test/zoo "$venv/bin/python" -m pytest "${pytest_args[@]}" test/Python
