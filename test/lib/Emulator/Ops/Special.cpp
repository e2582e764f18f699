// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Special.cpp - special registers, barriers of a block, and what has no effect here ------------------===//

#include "../Block.h"
#include "../Operation.h"

#include "llvm/ADT/StringSwitch.h"

using namespace moe::emulator;
using llvm::StringRef;

static uint32_t component(const Dim &dim, StringRef axis) {
  return llvm::StringSwitch<uint32_t>(axis).Case("x", dim.x).Case("y", dim.y).Default(dim.z);
}

static Dim threadIndex(Block &block) {
  const Dim &size = block.position.size;
  uint32_t index = block.self().index;
  return {index % size.x, index / size.x % size.y, index / size.x / size.y};
}

static std::unique_ptr<Operation> makeRegister(StringRef name, const Words &words) {
  StringRef which = words[3], axis = words[4];
  std::function<uint32_t(Block &)> value;
  auto of = [&](auto dim) { value = [dim, axis = axis.str()](Block &block) { return component(dim(block), axis); }; };
  if (which == "tid")
    of(&threadIndex);
  else if (which == "ntid")
    of([](Block &block) { return block.position.size; });
  else if (which == "ctaid")
    of([](Block &block) { return block.position.index; });
  else if (which == "nctaid")
    of([](Block &block) { return block.position.grid; });
  else if (which == "laneid")
    value = [](Block &block) { return block.lane(); };
  else if (which == "warpid")
    value = [](Block &block) { return block.warp(); };
  else if (which == "warpsize")
    value = [](Block &) { return 32u; };
  else if (which == "lanemask") {
    value = llvm::StringSwitch<std::function<uint32_t(Block &)>>(axis)
                .Case("eq", [](Block &block) { return 1u << block.lane(); })
                .Case("lt", [](Block &block) { return (1u << block.lane()) - 1; })
                .Case("le", [](Block &block) { return (2u << block.lane()) - 1; })
                .Case("gt", [](Block &block) { return ~((2u << block.lane()) - 1); })
                .Case("ge", [](Block &block) { return ~((1u << block.lane()) - 1); })
                .Default(nullptr);
  }
  if (!value)
    return nullptr;
  return simple(name.str(), [value](Block &block, const uint64_t *, char *results) { put(results, value(block)); });
}

/// barrier.cta.{sync,arrive,red.*}[.aligned].{all,count}(id, [count], [value])
static std::unique_ptr<Operation> makeBarrier(StringRef name, const Words &words) {
  bool counted = words.has("count"), arrive = words.has("arrive"), aligned = words.has("aligned");
  if (!words.has("red"))
    return simple(name.str(), [=](Block &block, const uint64_t *arguments, char *) {
      block.barrier(get<uint32_t>(arguments[0]), counted ? get<uint32_t>(arguments[1]) : 0, arrive, aligned);
    });
  bool all = words.has("and"), any = words.has("or");
  return simple(name.str(), [=](Block &block, const uint64_t *arguments, char *results) {
    uint32_t expected = counted ? get<uint32_t>(arguments[1]) : 0;
    bool bring = get<uint8_t>(arguments[counted ? 2 : 1]) & 1;
    uint64_t sum = block.barrier(get<uint32_t>(arguments[0]), expected, false, aligned, all ? !bring : bring);
    if (all || any)
      put(results, uint8_t(all ? sum == 0 : sum != 0));
    else
      put(results, uint32_t(sum));
  });
}

std::unique_ptr<Operation> moe::emulator::makeSpecial(StringRef name, const Words &words) {
  if (words.begins("read.ptx.sreg"))
    return makeRegister(name, words);
  if (words.begins("barrier.cta"))
    return makeBarrier(name, words);
  if (name == "barrier0")
    return simple(name.str(), [](Block &block, const uint64_t *, char *) { block.barrier(0, 0, false, true); });
  if (words.begins("fence.proxy.async"))
    return simple(name.str(),
                  [](Block &block, const uint64_t *, char *) { block.order.fenceProxy(block.self().index); });
  // Blocks run one after the other and threads one at a time, so memory is always coherent; these say nothing about
  // the order of other threads.
  bool noEffect = words.begins("membar") || words.begins("fence") || words.begins("setmaxnreg") ||
                  words.begins("prefetch") || words.begins("griddepcontrol") || words.begins("nanosleep") ||
                  words.begins("applypriority") || words.begins("discard");
  if (noEffect)
    return simple(name.str(), [](Block &, const uint64_t *, char *) {});
  return nullptr;
}
