#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Puts NVIDIA's assembler into the build folder unless there is one: cubins are made with it, and tests check that
# kernels assemble. Nothing else needs it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly version=13.0.88
build_dir=${BUILD_DIR:-build}
target="$build_dir/cuda"
ptxas="$target/nvidia/cu13/bin/ptxas"

if [[ -x "${CUDA_HOME:-/nonexistent}/bin/ptxas" ]] || command -v ptxas >/dev/null; then
  echo "install-ptxas: there is one"
  exit 0
fi
if [[ "$("$ptxas" --version 2>/dev/null)" != *"V$version"* ]]; then
  [[ -x "$build_dir/venv/bin/pip" ]] || python3 -m venv "$build_dir/venv"
  echo "install-ptxas: installing nvidia-cuda-nvcc $version"
  rm -rf "$target"
  "$build_dir/venv/bin/pip" install -q --no-deps --target "$target" "nvidia-cuda-nvcc==$version"
fi
"$ptxas" --version >/dev/null
echo "install-ptxas: $ptxas"
