#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# From a fresh Debian 12 to two compiled models: installs, builds, compiles the shipped checkpoints to shared libraries,
# runs a layer of each and compares it with the reference that lies beside the weights.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tools/install-deps.sh
build_dir=${BUILD_DIR:-build}
echo "quickstart: building moe-compile, moe-run and the runtime in $build_dir/"
tools/build.sh moe-compile moe-run moe_runtime

out=$build_dir/quickstart
mkdir -p "$out"

# The f32 layers agree with the reference to this share of the largest value of the block.
tolerance=2e-5

run_model() {
  local name=$1
  local model=test/zoo/$name
  local tensor=moe0.T33
  local library=$out/$name.so
  echo
  echo "== $name: $model -> $library"
  "$build_dir/bin/moe-compile" "$model" -o "$library"
  "$build_dir/bin/moe-run" "$library" --layer 0 \
    --input "$model/reference.safetensors" --tensor "$tensor.input" --output "$out/$name.safetensors"
  echo "compared with $model/reference.safetensors ($tensor.*):"
  python3 tools/compare-tensors.py --tolerance "$tolerance" "$out/$name.safetensors" "$model/reference.safetensors" \
    "experts=$tensor.experts" "logits=$tensor.logits" "weights=$tensor.weights" "output=$tensor.output"
}

run_model mixtral
run_model qwen3_moe

echo
echo "quickstart: two checkpoints became shared libraries and agree with their references."
echo "quickstart: the libraries are in $out/; every stage as MLIR:"
echo "  $build_dir/bin/moe-compile test/zoo/mixtral --emit=mlir --stage=grouped -o -"
