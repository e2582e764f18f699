// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A ring of two buffers: one thread fills them by bulk copies that report to mbarriers, a warp adds pairs of what came and
// sends the sums away by bulk stores.
//
// DEFINE: %{args} = --kernel ring --against plain --block 64 --arg f32[320] --arg f32[640]=integers:1 --arg i32:5
//
// RUN: %cuda %s | moe-gpu-emulate %{args} | FileCheck %s --check-prefix=RIGHT
// RIGHT: nothing found in 8 schedules
//
// RUN: %cuda -DFAULT=wrongPhase %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=PHASE
// PHASE: error: 'ring': block (0, 0, 0): thread 63 {{.*}} reads shared memory at 0x1f0, which nobody has written (schedule forward, seed 0)
//
// RUN: %cuda -DFAULT=phaseNeverTurns %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=TURN
// TURN: race on shared memory {{.*}} reads what a bulk copy reporting to mbarrier 0 wrote
//
// RUN: %cuda -DFAULT=tooManyBytes %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=HANG
// RUN: %cuda -DFAULT=tooFewBytes %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=HANG
// HANG: deadlock: thread 0 waits for parity 0 of mbarrier 1 {{.*}}; thread 32 waits for parity 0 of mbarrier 0 (phase 0, 0 arrivals and {{[0-9]+}} bytes to come)
//
// RUN: %cuda -DFAULT=noWaitForEmpty %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=EMPTY
// EMPTY: mbarrier 0: more arrivals than the 1 it was initialised for
//
// RUN: %cuda -DFAULT=oneArrivalLess %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=REFILL
// REFILL: race on shared memory {{.*}}: a bulk copy reporting to mbarrier 0 writes what thread {{.*}} read, and nothing orders
//
// RUN: %cuda -DFAULT=noBarrierAfterInit %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=INIT
// INIT: race on shared memory {{.*}} thread 32 {{.*}} reads what thread 0 {{.*}} wrote
//
// RUN: %cuda -DFAULT=oddSize %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=SIZE
// SIZE: cp.async.bulk: expected a multiple of 16 bytes, got 504
//
// RUN: %cuda -DFAULT=misaligned %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=ALIGN
// ALIGN: cp.async.bulk of 512 bytes of global memory misaligned: the address is no multiple of 16
//
// RUN: %cuda -DFAULT=pastTheEnd %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=BOUNDS
// BOUNDS: cp.async.bulk of 512 bytes of global memory out of bounds: it begins 2304 bytes into an allocation of 2560 bytes
//
// RUN: %cuda -DFAULT=noProxyFence %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=FENCE
// FENCE: missing fence.proxy.async: a bulk store of thread 32 {{.*}} reads shared memory at 0x{{.*}} that thread 32 {{.*}} wrote by way of the generic proxy
//
// RUN: %cuda -DFAULT=noWarpBarrier %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=WARP
// WARP: a bulk store of thread 32 {{.*}} reads shared memory at 0x408, which nobody has written
//
// RUN: %cuda -DFAULT=noWaitForStore %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=STORE
// STORE: race on shared memory {{.*}} writes what a bulk store of thread 32 {{.*}} read, and nothing orders
//
// RUN: %cuda -DFAULT=plainStoreToBarrier %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=OBJECT
// OBJECT: writes shared memory at 0x{{.*}}, which is an mbarrier

#include "Inputs/device.h"

enum Fault {
  none, wrongPhase, phaseNeverTurns, tooManyBytes, tooFewBytes, noWaitForEmpty, oneArrivalLess, noBarrierAfterInit,
  oddSize, misaligned, pastTheEnd, noProxyFence, noWarpBarrier, noWaitForStore, plainStoreToBarrier
};
constexpr Fault fault = FAULT;

constexpr unsigned piece = 128, bytes = piece * 4; // floats of a piece

struct Shared {
  alignas(128) float in[2][piece];
  alignas(128) float out[piece / 2];
  uint64 full[2], empty[2];
};
__shared__ Shared shared;

__device__ void fill(const float *from, int pieces) {
  for (int i = 0; i != pieces; ++i) {
    int stage = i % 2;
    if (i >= 2 && fault != noWaitForEmpty)
      waitForPhase(&shared.empty[stage], (i / 2 - 1) & 1);
    unsigned size = fault == oddSize ? 504 : bytes;
    expectBytes(&shared.full[stage], fault == tooManyBytes ? size + 16 : fault == tooFewBytes ? size - 16 : size);
    const float *source = from + i * piece + (fault == misaligned ? 1 : fault == pastTheEnd && i == 4 ? piece / 2 : 0);
    bulkLoad(shared.in[stage], source, size, &shared.full[stage]);
  }
}

__device__ void addPairs(float *to, int pieces) {
  unsigned lane = threadIndex() % 32;
  for (int i = 0; i != pieces; ++i) {
    int stage = i % 2;
    waitForPhase(&shared.full[stage], fault == wrongPhase ? 1 : fault == phaseNeverTurns ? 0 : i / 2 & 1);
    float sums[2];
    for (int j = 0; j != 2; ++j)
      sums[j] = shared.in[stage][4 * lane + 2 * j] + shared.in[stage][4 * lane + 2 * j + 1];
    arrive(&shared.empty[stage]);
    if (fault != noWaitForStore)
      waitForBulkReads();
    __nvvm_bar_warp_sync(~0u); // nobody writes before lane 0 knows that the store has read
    shared.out[2 * lane] = sums[0];
    shared.out[2 * lane + 1] = sums[1];
    if (fault != noProxyFence)
      fenceAsyncProxy();
    if (fault != noWarpBarrier)
      __nvvm_bar_warp_sync(~0u);
    if (lane == 0)
      bulkStore(to + i * (piece / 2), shared.out, bytes / 2);
    commitBulk();
  }
  waitForBulkReads();
}

kernel ring(float *to, const float *from, int pieces) {
  if (threadIndex() == 0)
    for (int stage = 0; stage != 2; ++stage) {
      initBarrier(&shared.full[stage], 1);
      initBarrier(&shared.empty[stage], fault == oneArrivalLess ? 31 : 32);
    }
  if (fault != noBarrierAfterInit)
    __syncthreads();
  if (fault == plainStoreToBarrier && threadIndex() == 0)
    shared.full[1] = 0;
  if (threadIndex() == 0)
    fill(from, pieces);
  if (threadIndex() >= 32)
    addPairs(to, pieces);
}

kernel plain(float *to, const float *from, int pieces) {
  for (int i = 0; i != pieces * int(piece) / 2; ++i)
    to[i] = from[2 * i] + from[2 * i + 1];
}
