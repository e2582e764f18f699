#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Builds threads.cpp against each thread runtime that is installed and runs it: threads.sh [THREADS] [RUNS].
# Needs libtbb-dev, libomp-22-dev and g++ for the three peers; a missing one is named and left out. Other places for
# their headers and libraries go in MOE_BENCH_FLAGS.
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
threads=${1:-$(nproc)}
runs=${2:-3}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
read -ra extra <<<"${MOE_BENCH_FLAGS:-}"
cxx=(clang++-22 -std=c++20 -O2 "-I$root/include")
runtime=$root/lib/Runtime/CPU
build() { # NAME COMMAND...
  local name=$1
  shift
  "$@" -o "$out/$name" "$here/threads.cpp" 2>"$out/log" || echo "left out: $name: $(grep -m1 error "$out/log")"
}
"${cxx[@]}" -fPIC -shared "$runtime"/{Pool,OpenMP,Error}.cpp -o "$out/libmoe_pool.so" || exit 1
build own "${cxx[@]}" -DMOE_BENCH_OWN -L"$out" -lmoe_pool -Wl,-rpath,"$out"
build tbb "${cxx[@]}" "${extra[@]}" -DMOE_BENCH_TBB -ltbb
build libgomp g++ -std=c++20 -O2 -fopenmp '-DMOE_BENCH_OMP="libgomp"'
build libomp "${cxx[@]}" "${extra[@]}" -fopenmp '-DMOE_BENCH_OMP="libomp"'
grep -m1 'model name' /proc/cpuinfo
echo "runtime | case | median us | p99 us"
for ((run = 1; run <= runs; ++run)); do
  for name in own tbb libgomp libomp; do
    [ -x "$out/$name" ] && "$out/$name" "$threads"
  done
done
