// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A product on tensor cores as for sm_80: tiles by cp.async in two buffers, swizzled, ldmatrix, mma.sync, a tail of rows.
//
// DEFINE: %{args} = --kernel matmul --against plain --grid 2 --block 64 --arg f32[864] --arg bf16[3456]=integers:1 \
// DEFINE:   --arg bf16[4096]=integers:2 --arg i32:27
//
// RUN: %cuda %s | moe-gpu-emulate %{args} | FileCheck %s --check-prefix=RIGHT
// RIGHT: nothing found in 8 schedules
//
// RUN: %cuda -DFAULT=noBarrierAfterWait %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=RAW
// RAW: error: 'matmul': block (0, 0, 0): thread {{.*}}: race on shared memory at 0x{{.*}} reads what a cp.async of thread {{.*}} wrote, and nothing orders the two (schedule forward, seed 0)
//
// RUN: %cuda -DFAULT=noBarrierBeforeRefill %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=WAR
// WAR: race on shared memory {{.*}}: a cp.async of thread {{.*}} writes what thread {{.*}} read, and nothing orders
//
// RUN: %cuda -DFAULT=waitsForOneLess %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=WAIT
// RUN: %cuda -DFAULT=noCommit %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=WAIT
// RUN: %cuda -DFAULT=noWait %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=WAIT
// WAIT: race on shared memory {{.*}} reads what a cp.async of thread {{.*}} wrote
//
// RUN: %cuda -DFAULT=noTailMask %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=TAIL
// TAIL: cp.async from global memory of 16 bytes of global memory out of bounds: {{[0-9]+}} bytes past the end of an allocation of 6912 bytes
//
// RUN: %cuda -DFAULT=noStoreMask %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=STORE
// STORE: store of {{[48]}} bytes of global memory out of bounds: {{.*}} an allocation of 3456 bytes
//
// RUN: %cuda -DFAULT=noSwizzleOnLoad %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=VALUE
// RUN: %cuda -DFAULT=wrongLane %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=VALUE
// RUN: %cuda -DFAULT=wrongStep %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=VALUE
// RUN: %cuda -DFAULT=fragmentsSwapped %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=VALUE
// RUN: %cuda -DFAULT=noTailZeros %s | moe-gpu-emulate %{args} --values-only | FileCheck %s --check-prefix=RIGHT
// VALUE: error: 'matmul': wrong value: element {{[0-9]+}} of argument 0 is {{.*}}, expected {{.*}} (schedule forward, seed 0)
//
// RUN: %cuda -DFAULT=noTailZeros %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=UNWRITTEN
// UNWRITTEN: reads shared memory at 0x{{.*}}, which nobody has written
//
// RUN: %cuda -DFAULT=misaligned %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=ALIGN
// ALIGN: ldmatrix of 16 bytes misaligned: offset {{[0-9]+}} of shared memory is no multiple of 16
//
// RUN: %cuda -DFAULT=thirdBuffer %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=BOUNDS
// BOUNDS: cp.async of 16 bytes out of bounds: offset {{[0-9]+}} of shared memory, which has {{[0-9]+}} bytes
//
// RUN: %cuda -DFAULT=barrierInBranch %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=DIVERGENT
// DIVERGENT: {{deadlock: thread|race on shared memory}}
//
// RUN: %cuda -DFAULT=overlappingTiles %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=BLOCKS
// BLOCKS: race on global memory {{.*}} writes what thread {{[0-9]+}} {{.*}} of block {{[01]}} wrote, and nothing orders the two

#include "Inputs/device.h"

enum Fault {
  none, noBarrierAfterWait, noBarrierBeforeRefill, waitsForOneLess, noCommit, noWait, noTailMask, noTailZeros,
  noStoreMask, noSwizzleOnLoad, wrongLane, wrongStep, fragmentsSwapped, misaligned, thirdBuffer, barrierInBranch,
  overlappingTiles
};
constexpr Fault fault = FAULT;

constexpr int rows = 32, cols = 16, depth = 32, total = 128, width = 32; // of a tile; of A and B; of C

/// Where chunk `c`, 8 elements, of row `r` of a tile is.
__device__ unsigned place(unsigned r, unsigned c) { return r * 64 + ((c ^ (r / 2 & 3)) * 16); }

struct Stage {
  char a[rows * depth * 2], b[cols * depth * 2];
};
__shared__ __attribute__((aligned(128))) Stage stages[2];

__device__ void load(Stage &stage, const bf16 *a, const bf16 *b, int step, int count) {
  for (unsigned i = 0; i != 2; ++i) {
    unsigned chunk = threadIndex() + 64 * i, r = chunk / 4, c = chunk % 4;
    bool inside = fault == noTailMask || int(r) < count;
    if (inside || fault != noTailZeros)
      copy16(stage.a + place(r, c), a + (inside ? r : 0) * total + step * depth + c * 8, inside ? 16 : 0);
  }
  unsigned r = threadIndex() / 4, c = threadIndex() % 4;
  copy16(stage.b + place(r, c), b + (blockIndex() * cols + r) * total + step * depth + c * 8);
}

__device__ void multiply(const Stage &stage, float (&sums)[2][4]) {
  unsigned lane = threadIndex() % 32, warp = threadIndex() / 32;
  for (unsigned k = 0; k != 2; ++k) {
    unsigned a[4], b[4];
    unsigned row = warp * 16 + lane % 16, chunk = k * 2 + lane / 16;
    if (fault == wrongLane)
      row = warp * 16 + lane / 2, chunk = k * 2 + lane % 2;
    const char *from = stage.a + (fault == noSwizzleOnLoad ? row * 64 + chunk * 16 : place(row, chunk));
    loadMatrices(a, from + (fault == misaligned ? 2 : 0));
    loadMatrices(b, stage.b + place(lane / 16 * 8 + lane % 8, k * 2 + lane / 8 % 2));
    multiply(sums[0], a, b[0], b[1]);
    if (fault == fragmentsSwapped)
      multiply(sums[1], a, b[3], b[2]);
    else
      multiply(sums[1], a, b[2], b[3]);
  }
}

kernel matmul(float *c, const bf16 *a, const bf16 *b, int count) {
  float sums[2][4] = {};
  load(stages[0], a, b, 0, count);
  commitCopies();
  for (int step = 0; step != total / depth; ++step) {
    if (step + 1 != total / depth)
      load(stages[fault == thirdBuffer ? step + 1 : (step + 1) % 2], a, b, fault == wrongStep ? step : step + 1, count);
    if (fault != noCommit || step != 1)
      commitCopies();
    if (fault == waitsForOneLess)
      waitForCopies<2>();
    else if (fault != noWait)
      waitForCopies<1>();
    if (fault != noBarrierAfterWait && (fault != barrierInBranch || threadIndex() < 32))
      __syncthreads();
    multiply(stages[step % 2], sums);
    if (fault != noBarrierBeforeRefill)
      __syncthreads();
  }
  waitForCopies<0>();
  unsigned lane = threadIndex() % 32, warp = threadIndex() / 32;
  for (unsigned i = 0; i != 4; ++i) {
    unsigned row = warp * 16 + lane / 4 + i / 2 * 8;
    for (unsigned half = 0; half != 2; ++half) {
      unsigned col = (fault == overlappingTiles ? 0 : blockIndex() * cols) + half * 8 + lane % 4 * 2 + i % 2;
      if (int(row) < count || fault == noStoreMask)
        c[row * width + col] = sums[half][i];
    }
  }
}

kernel plain(float *c, const bf16 *a, const bf16 *b, int count) {
  for (int row = 0; row != count; ++row)
    for (int col = 0; col != width; ++col) {
      float sum = 0;
      for (int k = 0; k != total; ++k)
        sum += static_cast<float>(a[row * total + k]) * static_cast<float>(b[col * total + k]);
      c[row * width + col] = sum;
    }
}
