// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A product of a warpgroup as for sm_90a: A comes by the tensor memory accelerator, swizzled, B is written by threads, and
// both are read by wgmma.
//
// DEFINE: %{args} = --kernel matmul --against plain --block 128 --arg f32[512] --arg bf16[12288]=integers:1 \
// DEFINE:   --arg bf16[1536]=integers:2 --arg map:1:64x192:64x64:128
//
// RUN: %cuda %s | moe-gpu-emulate %{args} | FileCheck %s --check-prefix=RIGHT
// RIGHT: nothing found in 10 schedules
//
// RUN: %cuda -DFAULT=noWaitForProducts %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=PRODUCTS
// PRODUCTS: error: 'matmul': block (0, 0, 0): {{.*}}race on shared memory {{.*}} writes what a wgmma of warp {{[0-3]}} read, and nothing orders
//
// RUN: %cuda -DFAULT=noBarrier %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=BARRIER
// BARRIER: race on shared memory {{.*}} writes what a wgmma of warp {{[0-3]}} read, and nothing orders
//
// RUN: %cuda -DFAULT=noWaitForLoad %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=LOAD
// LOAD: race on shared memory {{.*}} reads what a bulk copy reporting to mbarrier 0 wrote
//
// RUN: %cuda -DFAULT=noProxyFence %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=FENCE
// RUN: %cuda -DFAULT=lateProxyFence %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=FENCE
// FENCE: missing fence.proxy.async: a wgmma of warp {{[0-3]}} reads shared memory at 0x{{.*}} that thread {{.*}} wrote by way of the generic proxy
//
// RUN: %cuda -DFAULT=wrongStride %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=VALUE
// RUN: %cuda -DFAULT=noSwizzle %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=VALUE
// RUN: %cuda -DFAULT=shortStep %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=VALUE
// RUN: %cuda -DFAULT=noSwizzleOnStore %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=VALUE
// VALUE: error: 'matmul': wrong value: element {{[0-9]+}} of argument 0
//
// RUN: %cuda -DFAULT=longStep %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=PAST
// PAST: a wgmma of warp 3 reads shared memory at 0x2000, which nobody has written
//
// RUN: %cuda -DFAULT=differentDescriptors %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=SAME
// SAME: wgmma: expected the same descriptors in all threads of the warpgroup, thread 127 of it has others than thread 0
//
// RUN: %cuda -DFAULT=misaligned %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=ALIGN
// ALIGN: cp.async.bulk of 8192 bytes misaligned: offset {{[0-9]+}} of shared memory is no multiple of 128

#include "Inputs/device.h"

enum Fault {
  none, noWaitForProducts, noBarrier, noWaitForLoad, noProxyFence, lateProxyFence, wrongStride, noSwizzle, shortStep, longStep,
  noSwizzleOnStore, differentDescriptors, misaligned
};
constexpr Fault fault = FAULT;

constexpr int rows = 64, cols = 8, depth = 64, total = 192;

struct Shared {
  alignas(1024) char a[rows * depth * 2 + 1024]; // the fault "misaligned" moves it
  alignas(1024) char b[cols * depth * 2];
  uint64 full;
};
__shared__ Shared shared;

kernel matmul(float *c, const bf16 *, const bf16 *b, const __constant_parameter__ TensorMap mapOfA) {
  unsigned thread = threadIndex();
  if (thread == 0)
    initBarrier(&shared.full, 1);
  __syncthreads();
  float sums[4] = {};
  char *a = shared.a + (fault == misaligned ? 64 : 0);
  for (int step = 0; step != total / depth; ++step) {
    if (thread == 0) {
      expectBytes(&shared.full, rows * depth * 2);
      tensorLoad(a, mapOfA, step * depth, 0, &shared.full);
    }
    for (unsigned i = thread; i < cols * depth; i += 128) {
      unsigned row = i / depth, k = i % depth, offset = row * 128 + k * 2;
      if (fault != noSwizzleOnStore)
        offset ^= row % 8 << 4;
      *reinterpret_cast<bf16 *>(shared.b + offset) = b[row * total + step * depth + k];
    }
    if (fault != noProxyFence && fault != lateProxyFence)
      fenceAsyncProxy();
    __syncthreads();
    if (fault == lateProxyFence && thread == 0)
      fenceAsyncProxy();
    if (fault != noWaitForLoad)
      waitForPhase(&shared.full, step & 1);
    fenceProducts();
    for (int k = 0; k != depth / 16; ++k) {
      int offset = fault == shortStep ? k * 16 : fault == longStep ? k * 64 : k * 32;
      uint64 left = descriptor(a + offset, fault == wrongStride ? 512 : 1024, fault == noSwizzle ? 0 : 1);
      if (fault == differentDescriptors && thread == 127)
        left += 1;
      multiplyOfWarpgroup(sums, left, descriptor(shared.b + k * 32));
    }
    commitProducts();
    if (fault != noWaitForProducts)
      waitForProducts();
    if (fault != noBarrier)
      __syncthreads();
  }
  waitForProducts();
  unsigned lane = thread % 32, warp = thread / 32;
  for (unsigned i = 0; i != 4; ++i)
    c[(warp * 16 + lane / 4 + i / 2 * 8) * cols + lane % 4 * 2 + i % 2] = sums[i];
}

kernel plain(float *c, const bf16 *a, const bf16 *b, const __constant_parameter__ TensorMap) {
  for (int row = 0; row != rows; ++row)
    for (int col = 0; col != cols; ++col) {
      float sum = 0;
      for (int k = 0; k != total; ++k)
        sum += static_cast<float>(a[row * total + k]) * static_cast<float>(b[col * total + k]);
      c[row * cols + col] = sum;
    }
}
