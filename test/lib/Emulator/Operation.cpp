// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Operation.cpp - what an intrinsic of NVVM or an instruction of PTX does ----------------------------===//

#include "Operation.h"

#include "Block.h"

using namespace moe::emulator;

namespace {

struct Simple : Operation {
  Simple(std::string name, ThreadFunction function) : Operation(std::move(name)), function(std::move(function)) {}
  void run(Block &block, const uint64_t *arguments, char *results) const override {
    function(block, arguments, results);
  }
  ThreadFunction function;
};

/// Lanes gather; the last one does the work for all.
struct Collective : Operation {
  Collective(std::string name, int maskArgument, bool ofWarpgroup, bool synchronizes, LanesFunction function)
      : Operation(std::move(name)), maskArgument(maskArgument), ofWarpgroup(ofWarpgroup), synchronizes(synchronizes),
        function(std::move(function)) {}

  void run(Block &block, const uint64_t *arguments, char *results) const override {
    uint32_t mask = maskArgument < 0 ? 0xffffffffu : get<uint32_t>(arguments[maskArgument]);
    Gathering &gathering = ofWarpgroup ? block.warpgroupGathering(this) : block.warpGathering(this, mask);
    unsigned count = ofWarpgroup ? 128 : 32, first = block.self().index / count * count;
    if (gathering.count == 0)
      gathering.arguments.fill(nullptr);
    gathering.arguments[block.self().index - first] = arguments;
    gathering.results[block.self().index - first] = results;
    if (++gathering.count != gathering.expected) {
      block.waitFor(gathering.done, name());
      return;
    }
    Lanes lanes;
    lanes.count = count;
    std::copy_n(gathering.arguments.begin(), count, lanes.arguments);
    std::copy_n(gathering.results.begin(), count, lanes.results);
    function(block, lanes);
    if (synchronizes) {
      std::vector<uint32_t> members;
      for (unsigned i = 0; i != count; ++i)
        if (lanes.has(i))
          members.push_back(first + i);
      block.order.synchronize(members);
    }
    gathering.count = 0;
    ++gathering.done;
    block.madeProgress();
  }

  int maskArgument;
  bool ofWarpgroup, synchronizes;
  LanesFunction function;
};

} // namespace

std::unique_ptr<Operation> moe::emulator::simple(std::string name, ThreadFunction function) {
  return std::make_unique<Simple>(std::move(name), std::move(function));
}

std::unique_ptr<Operation> moe::emulator::ofWarp(std::string name, int maskArgument, LanesFunction function,
                                                 bool synchronizes) {
  return std::make_unique<Collective>(std::move(name), maskArgument, false, synchronizes, std::move(function));
}

std::unique_ptr<Operation> moe::emulator::ofWarpgroup(std::string name, LanesFunction function) {
  return std::make_unique<Collective>(std::move(name), -1, true, false, std::move(function));
}

std::unique_ptr<Operation> moe::emulator::makeOperation(llvm::StringRef name) {
  Words words(name);
  for (Maker maker : {makeSpecial, makeMath, makeWarp, makeMatrix, makeCopy, makeMBarrier, makeBulkCopy, makeWarpgroup})
    if (auto operation = maker(name, words))
      return operation;
  return nullptr;
}
