#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Configures and builds in build/. Arguments are the targets to build, everything by default; BUILD_DIR names another
# folder and CMAKE_ARGS adds options.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

build_dir=${BUILD_DIR:-build}
read -r -a cmake_args <<<"${CMAKE_ARGS:-}"
mkdir -p "$build_dir"

log="$build_dir/configure.log"
if ! cmake -G Ninja -S . -B "$build_dir" "${cmake_args[@]}" >"$log" 2>&1; then
  cat "$log"
  echo "build: error: configuring failed (see $log)" >&2
  exit 1
fi
# A terminal sees progress; a log gets what matters only.
ninja_args=()
[[ -t 1 ]] || ninja_args+=(--quiet)
ninja -C "$build_dir" -j "${JOBS:-$(nproc)}" "${ninja_args[@]}" "$@"
