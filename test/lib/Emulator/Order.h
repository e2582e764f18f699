// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Order.h - what happens before what in a block: vector clocks ---------------------------------------===//
//
// Everybody who touches shared memory is an actor with a clock of its own: each thread, the asynchronous copies of each
// thread, the wgmma of each warp, and the bulk copies that report to each mbarrier. A thread has seen an
// actor up to some time; barriers and mbarriers hand on what their threads have seen, waits for asynchronous work add
// it. (Flanagan, Freund: FastTrack, PLDI 2009; the clocks of asynchronous work are ours.)
#ifndef MOE_TEST_LIB_EMULATOR_ORDER_H
#define MOE_TEST_LIB_EMULATOR_ORDER_H

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace moe::emulator {

using Actor = uint32_t;

/// One moment of one actor. `when` 0 is before everything.
struct Epoch {
  Actor actor = 0;
  uint32_t when = 0;
};

using Clocks = std::vector<uint32_t>; // indexed by actor
using SharedClocks = std::shared_ptr<const Clocks>;

class Order {
public:
  static constexpr uint32_t maxWarps = 32, maxBarriers = 64;

  explicit Order(uint32_t threads);

  Actor copiesOf(uint32_t thread) const { return count + thread; }
  Actor storesOf(uint32_t thread) const { return 2 * count + thread; }
  Actor productsOf(uint32_t warp) const { return 3 * count + warp; }
  Actor bulkCopiesTo(uint32_t barrier) const { return 3 * count + maxWarps + barrier; }
  /// "thread 35", "a cp.async of thread 35", ...
  std::string nameOf(Actor actor) const;

  Epoch now(uint32_t thread) const { return {thread, threads[thread].now}; }
  bool hasSeen(uint32_t thread, Epoch epoch) const;
  /// The same by way of a proxy fence: whether the asynchronous proxy sees what the generic proxy did at `epoch`.
  bool hasFenced(uint32_t thread, Epoch epoch) const;

  /// All that `thread` has seen, for others to acquire later. What it does from now on is not in it.
  SharedClocks release(uint32_t thread);
  void acquire(uint32_t thread, const SharedClocks &clocks);
  /// The thread's proxy fences, for others; null when there was none.
  SharedClocks fencesOf(uint32_t thread) const { return threads[thread].fenced; }
  void acquireFences(uint32_t thread, const SharedClocks &fences);
  /// All of them see what each has seen.
  void synchronize(const std::vector<uint32_t> &members);
  /// fence.proxy.async: all that the thread has seen so far may be read by the asynchronous proxy.
  void fenceProxy(uint32_t thread);
  /// The thread learns that `actor` is done up to `when`.
  void complete(uint32_t thread, Actor actor, uint32_t when);

  static SharedClocks join(const SharedClocks &a, const SharedClocks &b);

private:
  struct Thread {
    SharedClocks seen; // but for the three below
    uint32_t now = 1, copies = 0, stores = 0;
    SharedClocks fenced; // null: nothing
  };
  uint32_t seenAt(uint32_t thread, Actor actor) const;
  Clocks all(uint32_t thread) const;

  uint32_t count;
  std::vector<Thread> threads;
};

} // namespace moe::emulator

#endif // MOE_TEST_LIB_EMULATOR_ORDER_H
