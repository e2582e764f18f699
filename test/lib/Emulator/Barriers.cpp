// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Barriers.cpp - what threads of a block wait for: barriers, mbarriers, gatherings of lanes ----------===//

#include "Block.h"
#include "Operation.h"

using namespace moe::emulator;

/// Another operation at which lanes of `mask` wait for `lane`: they would never meet.
static const Gathering *conflicting(const std::deque<Gathering> &gatherings, const Operation *operation, uint32_t mask,
                                    unsigned lane) {
  for (const Gathering &gathering : gatherings) {
    if (gathering.count == 0 || !(gathering.mask >> lane & 1) ||
        (gathering.operation == operation && gathering.mask == mask))
      continue;
    for (unsigned other = 0; other != 32; ++other)
      if ((mask >> other & 1) && gathering.arguments[other])
        return &gathering;
  }
  return nullptr;
}

Gathering &Block::warpGathering(const Operation *operation, uint32_t mask) {
  std::deque<Gathering> &gatherings = warpGatherings[warp()];
  mask &= lanesOf(warp());
  if (!(mask >> lane() & 1))
    fail(operation->name() + ": the mask " + std::to_string(mask) + " does not have the lane that runs it");
  if (const Gathering *other = conflicting(gatherings, operation, mask, lane()))
    fail("is at " + operation->name() + " while lanes that it waits for are at " + other->operation->name());
  Gathering *free = nullptr;
  for (Gathering &gathering : gatherings) {
    if (gathering.count != 0 && gathering.operation == operation && gathering.mask == mask)
      return gathering;
    if (gathering.count == 0)
      free = &gathering;
  }
  if (!free)
    free = &gatherings.emplace_back();
  free->operation = operation;
  free->mask = mask;
  free->expected = uint32_t(__builtin_popcount(mask));
  return *free;
}

Gathering &Block::warpgroupGathering(const Operation *operation) {
  Gathering &gathering = warpgroupGatherings[running / 128];
  if (running / 128 * 128 + 128 > size())
    fail(operation->name() + ": expected a whole warpgroup of 128 threads");
  if (gathering.count != 0 && gathering.operation != operation)
    fail("is at " + operation->name() + " while threads of its warpgroup are at " + gathering.operation->name());
  gathering.operation = operation;
  gathering.expected = 128;
  return gathering;
}

void Block::finishBarrier(uint32_t id, Barrier &barrier) {
  std::vector<uint32_t> lanes(warpGatherings.size());
  for (uint32_t thread : barrier.arrived)
    lanes[thread / 32] |= 1u << thread % 32;
  for (uint32_t warp = 0; barrier.aligned && warp != lanes.size(); ++warp)
    if (lanes[warp] != 0 && lanes[warp] != lanesOf(warp))
      fail("divergent barrier " + std::to_string(id) + ": of warp " + std::to_string(warp) + " only " +
           std::to_string(__builtin_popcount(lanes[warp])) + " lanes of " +
           std::to_string(__builtin_popcount(lanesOf(warp))) + " came to it");
  order.synchronize(barrier.arrived);
  barrier.arrived.clear();
  barrier.lastSum = barrier.sum;
  barrier.sum = 0;
  ++barrier.generation;
  ++progress;
}

uint64_t Block::barrier(uint32_t id, uint32_t expected, bool arriveOnly, bool aligned, uint32_t bring) {
  if (id > 15)
    fail("expected a barrier from 0 to 15, got " + std::to_string(id));
  if (expected % 32 != 0)
    fail("expected a barrier of a multiple of 32 threads, got " + std::to_string(expected));
  Barrier &barrier = barriers[id];
  if (!barrier.arrived.empty() && barrier.expected != expected)
    fail("barrier " + std::to_string(id) + ": expected " + std::to_string(barrier.expected) +
         " threads as those that are there, got " + std::to_string(expected));
  barrier.expected = expected;
  barrier.aligned = aligned;
  barrier.arrived.push_back(running);
  barrier.sum += bring;
  if (barrier.arrived.size() == (expected ? expected : size() - ended)) {
    finishBarrier(id, barrier);
    return barrier.lastSum;
  }
  if (arriveOnly)
    return 0;
  waitFor(barrier.generation, "barrier " + std::to_string(id));
  return barrier.lastSum;
}

MBarrier &Block::mbarrier(const void *address) {
  Access made = access(false);
  made.barrier = true;
  auto found = mbarriers.find(checkShared(address, 8, 8, made, "an mbarrier operation"));
  if (found == mbarriers.end())
    fail("expected an mbarrier at offset " + std::to_string(SharedWindow::offsetOf(address)) +
         " of shared memory, which nobody has initialised");
  return found->second;
}

void Block::initMBarrier(const void *address, int64_t count) {
  Access made = access(true);
  made.barrier = true;
  uint32_t offset = checkShared(address, 8, 8, made, "mbarrier.init");
  if (mbarriers.count(offset))
    fail("mbarrier.init at offset " + std::to_string(offset) + " of shared memory, where there is an mbarrier");
  if (count < 1 || mbarriers.size() == Order::maxBarriers)
    fail("mbarrier.init: expected a count of at least 1 and at most " + std::to_string(Order::maxBarriers) +
         " mbarriers, got a count of " + std::to_string(count));
  MBarrier barrier = {};
  barrier.index = uint32_t(mbarriers.size());
  barrier.expected = barrier.pending = count;
  mbarriers[offset] = barrier;
  if (options.races)
    shared.markBarrier(offset, 8, true);
}

void Block::invalidateMBarrier(const void *address) {
  mbarrier(address);
  mbarriers.erase(SharedWindow::offsetOf(address));
  if (options.races)
    shared.markBarrier(SharedWindow::offsetOf(address), 8, false);
}

void Block::completePhase(MBarrier &barrier) {
  if (barrier.pending != 0 || barrier.bytes != 0)
    return;
  barrier.pending = barrier.expected;
  barrier.completed = Order::join(barrier.completed, barrier.arrived);
  barrier.completedFences = Order::join(barrier.completedFences, barrier.arrivedFences);
  barrier.arrived = barrier.arrivedFences = nullptr;
  // What bulk copies brought is seen by those who wait for the phase.
  if (barrier.bulkCopies != 0) {
    auto clocks = std::make_shared<Clocks>(barrier.completed ? *barrier.completed
                                                             : Clocks(order.bulkCopiesTo(Order::maxBarriers), 0));
    (*clocks)[order.bulkCopiesTo(barrier.index)] = barrier.bulkCopies;
    barrier.completed = clocks;
  }
  ++barrier.phase;
  ++progress;
}

void Block::arrive(MBarrier &barrier, uint32_t thread, int64_t count) {
  barrier.arrivedFences = Order::join(barrier.arrivedFences, order.fencesOf(thread));
  barrier.arrived = Order::join(barrier.arrived, order.release(thread));
  countArrival(barrier, count);
}

void Block::countArrival(MBarrier &barrier, int64_t count) {
  if (barrier.pending < count)
    fail("mbarrier " + std::to_string(barrier.index) + ": more arrivals than the " + std::to_string(barrier.expected) +
         " it was initialised for");
  barrier.pending -= count;
  completePhase(barrier);
}

void Block::waitForProducts(uint32_t keep) {
  const Products &all = products[running / 128];
  if (all.groups.size() > keep)
    order.complete(running, order.productsOf(warp()), all.groups[all.groups.size() - 1 - keep]);
}

void Block::addBytes(MBarrier &barrier, int64_t bytes) {
  barrier.bytes += bytes;
  completePhase(barrier);
}

void Block::acquirePhase(const MBarrier &barrier) {
  if (barrier.completed)
    order.acquire(running, barrier.completed);
  order.acquireFences(running, barrier.completedFences);
}

void Block::waitParity(MBarrier &barrier, uint32_t parity) {
  while ((barrier.phase & 1) == parity)
    waitFor(barrier.phase, "parity " + std::to_string(parity) + " of mbarrier " + std::to_string(barrier.index) +
                               " (phase " + std::to_string(barrier.phase) + ", " + std::to_string(barrier.pending) +
                               " arrivals and " + std::to_string(barrier.bytes) + " bytes to come)");
  acquirePhase(barrier);
}

void Block::landCopies(Thread &thread, uint32_t last) {
  while (!thread.copies.empty() && thread.copies.front().number <= last) {
    if (thread.copies.front().land)
      thread.copies.front().land();
    thread.copies.pop_front();
  }
}
