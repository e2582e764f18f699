// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Copy.cpp - cp.async: copies by a thread that does not wait for them --------------------------------===//
//
// Of the generic proxy (PTX ISA, "Data Movement: Non-bulk copy"). Copies of a thread are completed in groups, or tell
// an mbarrier.
#include "../Block.h"
#include "../Operation.h"

using namespace moe::emulator;
using llvm::StringRef;

static void copyAsync(Block &block, char *to, const char *from, uint32_t bytes, uint32_t valid) {
  Thread &thread = block.self();
  if (valid > bytes)
    block.fail("cp.async: expected to copy at most " + std::to_string(bytes) + " bytes, got " + std::to_string(valid));
  if (valid != 0)
    block.check(from, valid, bytes, /*write=*/false, /*atomic=*/false, "cp.async from global memory");
  uint32_t number = ++thread.copiesIssued;
  Access write = {thread.index, {block.order.copiesOf(thread.index), number}, /*write=*/true};
  block.checkShared(to, bytes, bytes, write, "cp.async");
  auto land = [=] {
    char data[16] = {};
    if (valid != 0)
      std::memcpy(data, from, valid);
    std::memcpy(to, data, bytes);
  };
  if (block.landsAtOnce()) {
    land();
    thread.copies.push_back({number, nullptr}); // still to be waited for
  } else {
    thread.copies.push_back({number, land});
  }
}

/// All groups but the `keep` last ones are complete.
static void waitForGroups(Block &block, uint32_t keep) {
  Thread &thread = block.self();
  while (thread.copyGroups.size() > keep) {
    uint32_t last = thread.copyGroups.front();
    thread.copyGroups.pop_front();
    block.landCopies(thread, last);
    block.order.complete(thread.index, block.order.copiesOf(thread.index), last);
  }
}

static void waitForAll(Block &block) {
  Thread &thread = block.self();
  thread.copyGroups.clear();
  block.landCopies(thread, thread.copiesIssued);
  block.order.complete(thread.index, block.order.copiesOf(thread.index), thread.copiesIssued);
}

/// The mbarrier gets an arrival when the thread's copies up to now have landed. With `noinc` it was counted for it,
/// else its count goes up first.
static void arriveAfterCopies(Block &block, const void *address, bool noinc) {
  MBarrier &barrier = block.mbarrier(address);
  Thread &thread = block.self();
  if (!noinc)
    ++barrier.pending;
  uint32_t last = thread.copiesIssued;
  // What the thread itself knows does not grow by this: only those who wait for the mbarrier have the copies.
  SharedClocks seen = block.order.release(thread.index), fences = block.order.fencesOf(thread.index);
  block.enqueue([&block, &barrier, &thread, last, seen, fences] {
    block.landCopies(thread, last);
    auto clocks = std::make_shared<Clocks>(*seen);
    (*clocks)[block.order.copiesOf(thread.index)] = last;
    barrier.arrived = Order::join(barrier.arrived, clocks);
    barrier.arrivedFences = Order::join(barrier.arrivedFences, fences);
    block.countArrival(barrier, 1);
  });
}

std::unique_ptr<Operation> moe::emulator::makeCopy(StringRef name, const Words &words) {
  if (!words.begins("cp.async") || words.has("bulk"))
    return nullptr;
  if (words.has("mbarrier") && words.has("arrive")) {
    bool noinc = words.has("noinc");
    return simple(name.str(), [=](Block &block, const uint64_t *arguments, char *) {
      arriveAfterCopies(block, pointer(arguments[0]), noinc);
    });
  }
  if (words[2] == "commit" || words[2] == "commit_group")
    return simple(name.str(), [](Block &block, const uint64_t *, char *) {
      block.self().copyGroups.push_back(block.self().copiesIssued);
    });
  if (words[2] == "wait" && words[3] == "all")
    return simple(name.str(), [](Block &block, const uint64_t *, char *) { waitForAll(block); });
  if (words[2] == "wait_all")
    return simple(name.str(), [](Block &block, const uint64_t *, char *) { waitForAll(block); });
  if (words[2] == "wait" || words[2] == "wait_group")
    return simple(name.str(), [](Block &block, const uint64_t *arguments, char *) {
      waitForGroups(block, get<uint32_t>(arguments[0]));
    });
  // cp.async.{ca,cg}.shared.global.BYTES[.s](to, from[, valid])
  unsigned bytes;
  if (!words.has("shared") || !words.has("global") || words[5].getAsInteger(10, bytes) ||
      (bytes != 4 && bytes != 8 && bytes != 16))
    return nullptr;
  bool sized = words[6] == "s";
  return simple(name.str(), [=](Block &block, const uint64_t *arguments, char *) {
    copyAsync(block, pointer(arguments[0]), pointer(arguments[1]), bytes, sized ? get<uint32_t>(arguments[2]) : bytes);
  });
}
