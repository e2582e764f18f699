// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Block.h - a block of threads while it runs ---------------------------------------------------------===//

#ifndef MOE_TEST_LIB_EMULATOR_BLOCK_H
#define MOE_TEST_LIB_EMULATOR_BLOCK_H

#include "Emulator.h"
#include "Fiber.h"
#include "Races.h"

#include "llvm/ADT/STLFunctionalExtras.h"

#include <array>
#include <deque>
#include <functional>
#include <random>

namespace moe::emulator {

class Operation;

/// cp.async, cp.async.bulk: data on its way. Lands once.
struct Copy {
  uint32_t number; ///< the time on the clock of its actor
  std::function<void()> land;
};

/// An mbarrier object (PTX ISA, "Parallel Synchronization and Communication Instructions: mbarrier").
struct MBarrier {
  uint32_t index;                                ///< which of the block's
  int64_t expected, pending;                     ///< arrivals of a phase, and those still missing
  int64_t bytes = 0;                             ///< transaction count: expected and not yet arrived
  uint64_t phase = 0;                            ///< phases completed
  uint32_t bulkCopiesIssued = 0, bulkCopies = 0; ///< and those that have landed
  SharedClocks arrived, arrivedFences;           ///< of the phase under way
  SharedClocks completed, completedFences;       ///< of all phases before
};

/// Lanes that are at the same operation of a warp or a warpgroup, until all have come.
struct Gathering {
  const Operation *operation = nullptr;
  uint64_t done = 0; ///< counts up when the operation has happened
  uint32_t count = 0, expected = 0;
  uint32_t mask = 0; ///< of lanes, for a warp
  std::array<const uint64_t *, 128> arguments;
  std::array<char *, 128> results;
};

struct Thread {
  Fiber fiber;
  class Block *block = nullptr;
  uint32_t index = 0;
  bool done = false;
  const uint64_t *watched = nullptr; ///< may go on when this is no longer `value`
  uint64_t value = 0;
  std::string waitsFor;
  // cp.async: copies not yet landed, the last one issued, the last one of each group not yet waited for.
  std::deque<Copy> copies;
  uint32_t copiesIssued = 0;
  std::deque<uint32_t> copyGroups;
  // Bulk stores, which are done at once, but may be read from until waited for.
  uint32_t storesIssued = 0;
  std::deque<uint32_t> storeGroups;
};

struct HostKernel {
  std::string name;
  void (*entry)(const void *const *parameters);
  unsigned parameters;
  uint32_t staticShared; ///< bytes
};

class Block {
public:
  struct Position {
    Dim index, grid, size;
    uint32_t serial, firstSerial; ///< number of this block, and of the first one of its launch
  };
  Block(std::vector<Thread> &threads, const HostKernel &kernel, const Launch &launch, uint32_t sharedBytes,
        const Position &position, DeviceMemory &memory, const Options &options, std::mt19937_64 &random);

  /// To the end, or to the first thing that is wrong: one line.
  std::optional<std::string> run();

  /// The block that runs.
  static Block *current;

  // For operations, on the thread that runs.
  const Position position;
  uint32_t size() const { return uint32_t(threads.size()); }
  Thread &self() { return threads[running]; }
  uint32_t lane() const { return running % 32; }
  uint32_t warp() const { return running / 32; }
  /// Lanes of a warp that exist.
  uint32_t lanesOf(uint32_t warp) const;
  /// Ends the launch. "block (0, 1, 0): thread 5 (warp 0, lane 5): " comes before the message.
  [[noreturn]] void fail(std::string message);
  /// Lets others run until `watched` changes.
  void waitFor(const uint64_t &watched, std::string what);
  /// Lets others run until something has happened.
  void waitForProgress(std::string what) { waitFor(progress, std::move(what)); }
  void madeProgress() { ++progress; }
  /// Whether an asynchronous copy should land now rather than as late as it may.
  bool landsAtOnce();
  /// Work of the copy engines that nobody waits for by name; done when nothing else can run, or at random.
  void enqueue(std::function<void()> work);

  /// Checks an access to any memory by the running thread: bounds, alignment, order.
  void check(const void *address, uint64_t bytes, uint32_t alignment, bool write, bool atomic, const char *what);
  /// Checks an access to shared memory by any actor. Returns the offset.
  uint32_t checkShared(const void *address, uint64_t bytes, uint32_t alignment, const Access &access, const char *what);
  Access access(bool write) { return {running, order.now(running), write}; }

  Gathering &warpGathering(const Operation *operation, uint32_t mask);
  Gathering &warpgroupGathering(const Operation *operation);
  /// A barrier of `expected` threads; 0: all that have not ended. With `arriveOnly` the thread does not wait; `aligned`
  /// wants all lanes of a warp or none. Returns the sum of what threads bring.
  uint64_t barrier(uint32_t id, uint32_t expected, bool arriveOnly, bool aligned, uint32_t bring = 0);

  MBarrier &mbarrier(const void *address);
  void initMBarrier(const void *address, int64_t count);
  void invalidateMBarrier(const void *address);
  void arrive(MBarrier &barrier, uint32_t thread, int64_t count);
  /// An arrival of which `arrived` knows already.
  void countArrival(MBarrier &barrier, int64_t count);
  void addBytes(MBarrier &barrier, int64_t bytes);
  /// Until the phase of this parity is complete.
  void waitParity(MBarrier &barrier, uint32_t parity);
  /// What a thread learns from a phase that is complete.
  void acquirePhase(const MBarrier &barrier);
  /// Lands the copies of a thread up to number `last`.
  void landCopies(Thread &thread, uint32_t last);

  /// wgmma: the number of the next product of a warpgroup; groups of them; what the running thread waits for.
  uint32_t issueProduct(uint32_t warpgroup) { return ++products[warpgroup].issued; }
  void commitProducts(uint32_t warpgroup) { products[warpgroup].groups.push_back(products[warpgroup].issued); }
  void waitForProducts(uint32_t keep);

  Order order;

private:
  struct Barrier {
    uint32_t expected = 0;
    bool aligned = false;
    std::vector<uint32_t> arrived;
    uint64_t generation = 0;
    uint64_t sum = 0, lastSum = 0;
  };
  struct Products {
    uint32_t issued = 0;
    std::vector<uint32_t> groups; ///< the last product of each
  };
  static void runThread(void *thread);
  bool ready(const Thread &thread) const {
    return !thread.done && (!thread.watched || *thread.watched != thread.value);
  }
  bool step(uint32_t thread);
  bool round();
  bool landSomething();
  static void runEngine(void *work);
  void finishBarrier(uint32_t id, Barrier &barrier);
  void completePhase(MBarrier &barrier);
  std::optional<std::string> loose();
  std::string stuck() const;

  std::vector<Thread> &threads;
  const HostKernel &kernel;
  const Launch &launch;
  uint32_t sharedBytes;
  DeviceMemory &memory;
  const Options &options;
  std::mt19937_64 &random;
  SharedChecker shared;

  uint32_t running = 0, ended = 0;
  Fiber *active = nullptr; ///< of the thread that runs, or of the copy engine
  Fiber engineFiber;
  uint64_t progress = 0;
  std::optional<std::string> finding;
  std::deque<std::function<void()>> engine;
  std::map<uint32_t, Barrier> barriers;
  std::map<uint32_t, MBarrier> mbarriers; // by offset; nodes stay in place
  std::vector<std::deque<Gathering>> warpGatherings;
  std::vector<Gathering> warpgroupGatherings;
  std::array<Products, Order::maxWarps / 4> products;
};

} // namespace moe::emulator

#endif // MOE_TEST_LIB_EMULATOR_BLOCK_H
