// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- MBarrier.cpp - mbarrier objects --------------------------------------------------------------------===//
//
// The state that arrive returns is the number of the phase.
#include "../Block.h"
#include "../Operation.h"

using namespace moe::emulator;
using llvm::StringRef;

static std::unique_ptr<Operation> makeArrive(StringRef name, const Words &words) {
  bool expects = words.has("expect") || words.has("expect_tx"), noComplete = words.has("noComplete");
  // In PTX the count or the bytes follow the address, too.
  return simple(name.str(), [=](Block &block, const uint64_t *arguments, char *results) {
    MBarrier &barrier = block.mbarrier(pointer(arguments[0]));
    put(results, barrier.phase);
    if (expects)
      barrier.bytes += get<uint32_t>(arguments[1]);
    int64_t count = !expects && noComplete ? get<uint32_t>(arguments[1]) : 1;
    block.arrive(barrier, block.self().index, count);
  });
}

/// {test,try}.wait[.parity]: threads that would find the phase incomplete let others run first. try_wait may take its
/// time, so it never comes back without the phase; test_wait says what it finds after others have made progress.
static std::unique_ptr<Operation> makeWait(StringRef name, const Words &words) {
  bool parity = words.has("parity"), test = words[1] == "test" || words[1] == "test_wait";
  return simple(name.str(), [=](Block &block, const uint64_t *arguments, char *results) {
    MBarrier &barrier = block.mbarrier(pointer(arguments[0]));
    auto incomplete = [&] {
      return parity ? (barrier.phase & 1) == (get<uint32_t>(arguments[1]) & 1) : barrier.phase <= arguments[1];
    };
    if (test && incomplete())
      block.waitForProgress("test_wait of mbarrier " + std::to_string(barrier.index));
    if (!test && parity)
      block.waitParity(barrier, get<uint32_t>(arguments[1]) & 1);
    while (!test && incomplete())
      block.waitFor(barrier.phase, "mbarrier " + std::to_string(barrier.index));
    bool complete = !incomplete();
    if (complete)
      block.acquirePhase(barrier);
    put(results, uint8_t(complete));
  });
}

std::unique_ptr<Operation> moe::emulator::makeMBarrier(StringRef name, const Words &words) {
  if (words[0] != "mbarrier")
    return nullptr;
  if (words[1] == "init")
    return simple(name.str(), [](Block &block, const uint64_t *arguments, char *) {
      block.initMBarrier(pointer(arguments[0]), get<uint32_t>(arguments[1]));
    });
  if (words[1] == "inval")
    return simple(name.str(), [](Block &block, const uint64_t *arguments, char *) {
      block.invalidateMBarrier(pointer(arguments[0]));
    });
  if (words[1] == "expect" || words[1] == "expect_tx")
    return simple(name.str(), [](Block &block, const uint64_t *arguments, char *) {
      block.mbarrier(pointer(arguments[0])).bytes += get<uint32_t>(arguments[1]);
    });
  if (words[1] == "arrive")
    return makeArrive(name, words);
  if (words[1] == "test" || words[1] == "try" || words[1] == "test_wait" || words[1] == "try_wait")
    return makeWait(name, words);
  return nullptr;
}
