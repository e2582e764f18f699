// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Block.cpp - scheduling the threads of a block, and checking what they touch ------------------------===//

#include "Block.h"

using namespace moe::emulator;

Block *Block::current = nullptr;

Block::Block(std::vector<Thread> &threads, const HostKernel &kernel, const Launch &launch, uint32_t sharedBytes,
             const Position &position, DeviceMemory &memory, const Options &options, std::mt19937_64 &random)
    : position(position), order(uint32_t(threads.size())), threads(threads), kernel(kernel), launch(launch),
      sharedBytes(sharedBytes), memory(memory), options(options), random(random),
      shared(order, options.races ? sharedBytes : 0), warpGatherings((threads.size() + 31) / 32),
      warpgroupGatherings((threads.size() + 127) / 128) {
  for (uint32_t i = 0; i != threads.size(); ++i) {
    Thread &thread = threads[i];
    thread.block = this;
    thread.index = i;
    thread.done = false;
    thread.watched = nullptr;
    thread.copies.clear();
    thread.copyGroups.clear();
    thread.storeGroups.clear();
    thread.copiesIssued = thread.storesIssued = 0;
    thread.fiber.reset(&Block::runThread, &thread);
  }
}

void Block::runThread(void *argument) {
  auto &thread = *static_cast<Thread *>(argument);
  Block &block = *thread.block;
  block.kernel.entry(block.launch.parameters);
  thread.done = true;
  ++block.ended;
  ++block.progress;
  // Barriers of all threads no longer wait for this one.
  for (auto &[id, barrier] : block.barriers)
    if (!barrier.arrived.empty() && barrier.expected == 0 && barrier.arrived.size() == block.size() - block.ended)
      block.finishBarrier(id, barrier);
}

uint32_t Block::lanesOf(uint32_t warp) const {
  uint32_t left = size() - warp * 32;
  return left >= 32 ? 0xffffffffu : (1u << left) - 1;
}

void Block::fail(std::string message) {
  finding = "block (" + std::to_string(position.index.x) + ", " + std::to_string(position.index.y) + ", " +
            std::to_string(position.index.z) + "): thread " + std::to_string(running) + " (warp " +
            std::to_string(warp()) + ", lane " + std::to_string(lane()) + "): " + message;
  message.clear();
  message.shrink_to_fit(); // the stack is never unwound
  active->leave();
  __builtin_unreachable();
}

void Block::waitFor(const uint64_t &watched, std::string what) {
  Thread &thread = self();
  thread.watched = &watched;
  thread.value = watched;
  thread.waitsFor = std::move(what);
  thread.fiber.leave();
  thread.watched = nullptr;
}

bool Block::landsAtOnce() {
  return options.schedule == Schedule::RunAhead || (options.schedule == Schedule::Random && random() % 2);
}

void Block::enqueue(std::function<void()> work) {
  if (landsAtOnce())
    work();
  else
    engine.push_back(std::move(work));
}

bool Block::landSomething() {
  if (engine.empty())
    return false;
  // Bulk copies are not ordered among themselves.
  size_t pick = options.schedule == Schedule::Random ? random() % engine.size() : 0;
  std::function<void()> work = std::move(engine[pick]);
  engine.erase(engine.begin() + ptrdiff_t(pick));
  // On a fiber, because what it finds may end the launch.
  engineFiber.reset(&Block::runEngine, &work);
  active = &engineFiber;
  engineFiber.resume();
  ++progress;
  return true;
}

void Block::runEngine(void *work) { (*static_cast<std::function<void()> *>(work))(); }

bool Block::step(uint32_t thread) {
  if (finding || !ready(threads[thread]))
    return false;
  running = thread;
  active = &threads[thread].fiber;
  active->resume();
  return true;
}

/// Gives every thread a chance, in the order of the schedule; false when none could run.
bool Block::round() {
  uint32_t count = size();
  bool any = false;
  switch (options.schedule) {
  case Schedule::Forward:
    for (uint32_t i = 0; i != count; ++i)
      any |= step(i);
    return any;
  case Schedule::Backward:
    for (uint32_t i = count; i != 0; --i)
      any |= step(i - 1);
    return any;
  case Schedule::RunAhead:
    // The first warp, counted from one that the seed chooses, that can do anything.
    for (uint32_t warps = (count + 31) / 32, w = 0; w != warps && !any; ++w) {
      uint32_t first = uint32_t((w + options.seed) % warps) * 32;
      for (uint32_t i = first; i != std::min(first + 32, count); ++i)
        any |= step(i);
    }
    return any;
  case Schedule::Random: {
    if (random() % 8 == 0)
      any |= landSomething();
    uint32_t first = uint32_t(random() % count), runs = 1 + uint32_t(random() % 16);
    for (uint32_t i = 0; i != count && runs != 0; ++i)
      if (step((first + i) % count)) {
        any = true;
        --runs;
      }
    return any;
  }
  }
  return false;
}

std::optional<std::string> Block::run() {
  current = this;
  while (!finding && ended != size())
    if (!round() && !landSomething()) {
      finding = stuck();
      break;
    }
  while (!finding && landSomething())
    ;
  if (!finding)
    finding = loose();
  current = nullptr;
  return std::move(finding);
}

std::string Block::stuck() const {
  std::string text = "block (" + std::to_string(position.index.x) + ", " + std::to_string(position.index.y) + ", " +
                     std::to_string(position.index.z) + "): deadlock:";
  unsigned said = 0;
  for (uint32_t i = 0; i != size() && said != 4; ++i) {
    const Thread &thread = threads[i];
    if (thread.done || (i > 0 && !threads[i - 1].done && threads[i - 1].waitsFor == thread.waitsFor))
      continue;
    text += (said++ ? "; thread " : " thread ") + std::to_string(i) + " waits for " + thread.waitsFor;
  }
  return text + "; " + std::to_string(ended) + " of " + std::to_string(size()) + " threads have ended";
}

/// Work that nobody waited for before the block ended.
std::optional<std::string> Block::loose() {
  auto text = [&](const std::string &what) {
    return "block (" + std::to_string(position.index.x) + ", " + std::to_string(position.index.y) + ", " +
           std::to_string(position.index.z) + "): " + what;
  };
  for (const Thread &thread : threads)
    if (!thread.copies.empty())
      return text("thread " + std::to_string(thread.index) + " ends without having waited for its cp.async");
  for (const auto &[offset, barrier] : mbarriers) {
    if (barrier.bytes != 0)
      return text("ends with " + std::to_string(barrier.bytes) + " bytes outstanding at the mbarrier at offset " +
                  std::to_string(offset));
    // What a bulk copy brings must have been waited for by somebody.
    if (barrier.bulkCopies != 0)
      for (uint32_t i = 0; i != size(); ++i) {
        if (order.hasSeen(i, {order.bulkCopiesTo(barrier.index), barrier.bulkCopies}))
          break;
        if (i + 1 == size())
          return text("ends without anybody having waited for the last bulk copy to the mbarrier at offset " +
                      std::to_string(offset));
      }
  }
  return std::nullopt;
}

static std::string accessText(const char *what, uint64_t bytes) {
  return std::string(what) + " of " + std::to_string(bytes) + " bytes";
}

uint32_t Block::checkShared(const void *address, uint64_t bytes, uint32_t alignment, const Access &access,
                            const char *what) {
  if (!SharedWindow::contains(address))
    fail(accessText(what, bytes) + ": expected an address in shared memory, got " + memory.describe(address));
  uint32_t offset = SharedWindow::offsetOf(address);
  if (offset + bytes > sharedBytes)
    fail(accessText(what, bytes) + " out of bounds: offset " + std::to_string(offset) +
         " of shared memory, which has " + std::to_string(sharedBytes) + " bytes");
  if (alignment > 1 && offset % alignment != 0)
    fail(accessText(what, bytes) + " misaligned: offset " + std::to_string(offset) +
         " of shared memory is no multiple of " + std::to_string(alignment));
  if (options.races)
    if (auto wrong = shared.access(offset, uint32_t(bytes), access))
      fail(*wrong);
  return offset;
}

void Block::check(const void *address, uint64_t bytes, uint32_t alignment, bool write, bool atomic, const char *what) {
  if (bytes == 0)
    return;
  if (SharedWindow::contains(address)) {
    Access made = access(write);
    made.atomic = atomic;
    checkShared(address, bytes, alignment, made, what);
    return;
  }
  const DeviceMemory::Piece *piece = memory.find(address);
  if (!piece) {
    if (self().fiber.onStack(address))
      return;
    fail(accessText(what, bytes) + " of global memory out of bounds: " + memory.describe(address));
  }
  auto *begin = static_cast<const char *>(address);
  if (bytes > uint64_t(piece->end - begin))
    fail(accessText(what, bytes) + " of global memory out of bounds: it begins " + memory.describe(address));
  if (alignment > 1 && reinterpret_cast<uintptr_t>(address) % alignment != 0)
    fail(accessText(what, bytes) + " of global memory misaligned: the address is no multiple of " +
         std::to_string(alignment));
  if (options.races && !atomic)
    if (auto wrong = accessGlobal(*piece, begin, bytes, access(write), order, position.serial, position.firstSerial))
      fail(*wrong);
}
