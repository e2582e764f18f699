// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What lanes of a warp do together: a sum by shuffles, a maximum by redux, a count by ballot, a rank by match, and values
// handed on through shared memory without a barrier of the block.
//
// DEFINE: %{args} = --kernel lanes --against plain --block 64 --arg i32[320] --arg i32[64]=integers:3
//
// RUN: %cuda %s | moe-gpu-emulate %{args} | FileCheck %s --check-prefix=RIGHT
// RIGHT: nothing found in 8 schedules
//
// RUN: %cuda -DFAULT=divergentShuffle %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=DIVERGENT
// DIVERGENT: {{is at .* while lanes that it waits for are at|deadlock: thread .* waits for shfl.sync}}
//
// RUN: %cuda -DFAULT=maskWithoutLane %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=MASK
// MASK: error: 'lanes': block (0, 0, 0): thread {{[0-9]+}} {{.*}}: vote.ballot.sync: the mask 65535 does not have the lane that runs it
//
// RUN: %cuda -DFAULT=readsAbsentLane %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=ABSENT
// ABSENT: shfl.sync.bfly.i32: lane {{[0-9]+}} reads lane {{[0-9]+}}, which takes no part
//
// RUN: %cuda -DFAULT=noWarpBarrier %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=BARRIER
// BARRIER: {{race on shared memory|reads shared memory at 0x.*, which nobody has written}}
//
// RUN: %cuda -DFAULT=barrierOfOtherWarp %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=OTHER
// OTHER: reads {{what thread .* wrote, and nothing orders the two|shared memory at 0x.*, which nobody has written}}
//
// RUN: %cuda -DFAULT=stepMissing %s | not moe-gpu-emulate %{args} 2>&1 | FileCheck %s --check-prefix=VALUE
// VALUE: wrong value: element {{[0-9]+}} of argument 0

#include "Inputs/device.h"

enum Fault { none, divergentShuffle, maskWithoutLane, readsAbsentLane, noWarpBarrier, barrierOfOtherWarp, stepMissing };
constexpr Fault fault = FAULT;

__shared__ int handedOn[64];

kernel lanes(int *to, const int *from) {
  unsigned thread = threadIndex(), lane = thread % 32;
  int value = from[thread], sum = value;
  for (unsigned step = 16; step != (fault == stepMissing ? 1 : 0); step /= 2) {
    if (fault == divergentShuffle && step == 4 && lane < 8)
      sum += __nvvm_shfl_sync_down_i32(~0u, sum, step, 31);
    else
      sum += __nvvm_shfl_sync_bfly_i32(~0u, sum, step, 31);
  }
  // A shuffle of some lanes, while the others go on to the next one.
  if (lane < 16)
    sum += __nvvm_shfl_sync_bfly_i32(0xffff, sum, fault == readsAbsentLane ? 16 : 8, 31) - sum;
  to[thread] = sum;
  int most;
  asm volatile("redux.sync.max.s32 %0, %1, %2;" : "=r"(most) : "r"(value), "r"(~0u));
  to[64 + thread] = most;
  to[128 + thread] = __builtin_popcount(__nvvm_vote_ballot_sync(fault == maskWithoutLane ? 0xffff : ~0u, value > 0));
  // How many lanes before this one have the same value.
  to[192 + thread] = __builtin_popcount(__nvvm_match_any_sync_i32(~0u, value) & ((1u << lane) - 1));
  handedOn[thread] = value;
  if (fault != noWarpBarrier)
    __nvvm_bar_warp_sync(~0u);
  to[256 + thread] = handedOn[fault == barrierOfOtherWarp ? 63 - thread : thread / 32 * 32 + 31 - lane];
}

kernel plain(int *to, const int *from) {
  for (int thread = 0; thread != 64; ++thread) {
    int sum = 0, most = -100, positive = 0, same = 0, first = thread / 32 * 32;
    for (int other = first; other != first + 32; ++other) {
      sum += from[other];
      most = from[other] > most ? from[other] : most;
      positive += from[other] > 0;
      same += other < thread && from[other] == from[thread];
    }
    to[thread] = sum;
    to[64 + thread] = most;
    to[128 + thread] = positive;
    to[192 + thread] = same;
    to[256 + thread] = from[first + 31 - thread % 32];
  }
}
