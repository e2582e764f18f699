// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Plain code of a block: a scan over dynamic shared memory, vectors of 16 bytes, barriers that count, local arrays.
//
// DEFINE: %{args} = --kernel scan --against plain --grid 3 --block 64 --shared 512 --arg i32[192] --arg i32[192]=integers:4
//
// RUN: %cuda %s | moe-gpu-emulate %{args} | FileCheck %s --check-prefix=RIGHT
// RIGHT: nothing found in 8 schedules
//
// RUN: %cuda -DFAULT=noBarrierInScan %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=RACE
// RACE: error: 'scan': block (0, 0, 0): thread {{.*}}: race on shared memory at 0x{{.*}}, and nothing orders the two (schedule forward, seed 0)
//
// RUN: %cuda -DFAULT=inPlace %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=PLACE
// PLACE: race on shared memory {{.*}} reads what thread 0 {{.*}} wrote, and nothing orders
//
// RUN: %cuda -DFAULT=unwritten %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=UNWRITTEN
// UNWRITTEN: thread 63 {{.*}} reads shared memory at 0x{{.*}}, which nobody has written
//
// RUN: %cuda -DFAULT=unwrittenGlobal %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=GLOBAL
// GLOBAL: reads global memory {{[0-9]+}} bytes into an allocation of 768 bytes, which nobody has written
//
// RUN: %cuda -DFAULT=misalignedVector %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=ALIGN
// ALIGN: load of 16 bytes of global memory misaligned: the address is no multiple of 16
//
// RUN: %cuda -DFAULT=sharedOverrun %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=SHARED-END
// SHARED-END: store of 4 bytes out of bounds: offset 512 of shared memory, which has 512 bytes
//
// RUN: %cuda -DFAULT=globalOverrun %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=BEYOND
// BEYOND: block (2, 0, 0): thread 63 {{.*}}: store of 4 bytes of global memory out of bounds: 0 bytes past the end of an allocation of 768 bytes
//
// RUN: %cuda -DFAULT=divergentBarrier %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=DIVERGENT
// DIVERGENT: divergent barrier 0: of warp 1 only 8 lanes of 32 came to it
//
// RUN: %cuda -DFAULT=countTooHigh %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=COUNT
// COUNT: deadlock: thread 0 waits for barrier 1
//
// RUN: %cuda -DFAULT=countsDiffer %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=DIFFER
// DIFFER: barrier 1: expected 64 threads as those that are there, got 32
//
// RUN: %cuda -DFAULT=sameElement %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=BLOCKS
// BLOCKS: race on global memory {{.*}} of block {{[0-9]}} wrote, and nothing orders the two
//
// RUN: %cuda -DFAULT=readsOtherBlock %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=OTHER
// OTHER: race on global memory {{.*}} reads what thread {{.*}} of block 1 wrote
//
// RUN: %cuda %s | not moe-gpu-emulate %{args} --arg i32:1 2>&1 | FileCheck %s --check-prefix=ARGUMENTS
// ARGUMENTS: moe-gpu-emulate: error: 'plain': expected 2 arguments, got 3
// RUN: %cuda %s | not moe-gpu-emulate --kernel none 2>&1 | FileCheck %s --check-prefix=KERNEL
// KERNEL: error: there is no kernel 'none'

#include "Inputs/device.h"

enum Fault {
  none, noBarrierInScan, inPlace, unwritten, unwrittenGlobal, misalignedVector, sharedOverrun, globalOverrun,
  divergentBarrier, countTooHigh, countsDiffer, sameElement, readsOtherBlock
};
constexpr Fault fault = FAULT;

using int4 __attribute__((ext_vector_type(4))) = int;

__device__ void barrierOf(int id, int threads) {
  __nvvm_barrier_sync_cnt(id, threads);
}

kernel scan(int *to, const int *from) {
  int *sums = reinterpret_cast<int *>(moe_shared);
  unsigned thread = threadIndex(), first = blockIndex() * 64;
  if (thread < 16) { // four numbers a thread
    auto *vector = reinterpret_cast<const int4 *>(from + first + (fault == misalignedVector ? 1 : 0)) + thread;
    int4 four = *vector;
    for (int i = 0; i != 4; ++i)
      if (fault != unwritten || thread != 15)
        sums[4 * thread + i] = four[i];
  }
  barrierOf(1, fault == countTooHigh ? 96 : fault == countsDiffer && thread >= 32 ? 32 : 64);
  int now = 0;
  for (unsigned step = 1; step != 64; step *= 2) {
    int next = 64 - now;
    if (fault == inPlace)
      next = now;
    int sum = sums[now + thread] + (thread >= step ? sums[now + thread - step] : 0);
    sums[next + thread + (fault == sharedOverrun && next == 64 ? 1 : 0)] = sum;
    now = next;
    if (fault != noBarrierInScan || step == 1)
      __syncthreads();
  }
  if (fault == divergentBarrier && thread < 40)
    __syncthreads();
  int *out = to + (fault == sameElement ? 0 : first) + thread + (fault == globalOverrun ? 1 : 0);
  *out = sums[now + thread];
  if (fault == unwrittenGlobal && blockIndex() == 0)
    *out += to[first + 63 - thread];
  if (fault == readsOtherBlock && blockIndex() == 2)
    *out += to[64 + thread];
}

kernel plain(int *to, const int *from) {
  for (int block = 0; block != 3; ++block) {
    int sum = 0;
    for (int i = block * 64; i != block * 64 + 64; ++i)
      to[i] = sum += from[i];
  }
}
