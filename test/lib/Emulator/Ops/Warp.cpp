// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Warp.cpp - shuffles, votes, matches and reductions of a warp ---------------------------------------===//

#include "../Block.h"
#include "../Operation.h"

#include <algorithm>
#include <cmath>

using namespace moe::emulator;
using llvm::StringRef;

/// shfl.sync.{idx,up,down,bfly}.{i32,f32}[p](mask, value, b, c): PTX ISA, "Data Movement: shfl.sync".
static std::unique_ptr<Operation> makeShuffle(StringRef name, const Words &words) {
  StringRef mode = words[2];
  int kind = mode == "idx" ? 0 : mode == "up" ? 1 : mode == "down" ? 2 : mode == "bfly" ? 3 : -1;
  if (kind < 0)
    return nullptr;
  bool predicate = words[words.size() - 1].ends_with("p");
  return ofWarp(name.str(), 0, [=, label = name.str()](Block &block, const Lanes &lanes) {
    for (unsigned lane = 0; lane != 32; ++lane) {
      if (!lanes.has(lane))
        continue;
      const uint64_t *arguments = lanes.arguments[lane];
      int b = int(get<uint32_t>(arguments[2]) & 31), c = int(get<uint32_t>(arguments[3]));
      int segment = c >> 8 & 31, clamp = c & 31, self = int(lane);
      int last = (self & segment) | (clamp & ~segment), first = self & segment;
      int from = kind == 0 ? first | (b & ~segment) : kind == 1 ? self - b : kind == 2 ? self + b : self ^ b;
      bool inRange = kind == 1 ? from >= last : from <= last;
      if (!inRange)
        from = self;
      if (!lanes.has(unsigned(from)))
        block.fail(label + ": lane " + std::to_string(lane) + " reads lane " + std::to_string(from) +
                   ", which takes no part");
      put(lanes.results[lane], get<uint32_t>(lanes.arguments[from][1]));
      if (predicate)
        put(lanes.results[lane] + 4, uint8_t(inRange));
    }
  });
}

/// vote.{all,any,uni,ballot}.sync(mask, predicate)
static std::unique_ptr<Operation> makeVote(StringRef name, const Words &words) {
  StringRef mode = words[1] == "sync" ? words[2] : words[1];
  bool ballot = mode == "ballot", all = mode == "all", any = mode == "any";
  return ofWarp(name.str(), 0, [=](Block &, const Lanes &lanes) {
    uint32_t members = 0, yes = 0;
    for (unsigned lane = 0; lane != 32; ++lane)
      if (lanes.has(lane)) {
        members |= 1u << lane;
        yes |= uint32_t(get<uint8_t>(lanes.arguments[lane][1]) & 1) << lane;
      }
    for (unsigned lane = 0; lane != 32; ++lane) {
      if (!lanes.has(lane))
        continue;
      if (ballot)
        put(lanes.results[lane], yes);
      else
        put(lanes.results[lane], uint8_t(all ? yes == members : any ? yes != 0 : yes == members || yes == 0));
    }
  });
}

/// match.any.sync.iN(mask, value), match.all.sync.iNp(mask, value)
static std::unique_ptr<Operation> makeMatch(StringRef name, const Words &words) {
  bool all = words[1] == "all", wide = words[3].starts_with("i64");
  return ofWarp(name.str(), 0, [=](Block &, const Lanes &lanes) {
    auto value = [&](unsigned lane) {
      return wide ? lanes.arguments[lane][1] : uint64_t(get<uint32_t>(lanes.arguments[lane][1]));
    };
    for (unsigned lane = 0; lane != 32; ++lane) {
      if (!lanes.has(lane))
        continue;
      uint32_t same = 0, members = 0;
      for (unsigned other = 0; other != 32; ++other)
        if (lanes.has(other)) {
          members |= 1u << other;
          same |= uint32_t(value(other) == value(lane)) << other;
        }
      put(lanes.results[lane], all && same != members ? 0u : same);
      if (all)
        put(lanes.results[lane] + 4, uint8_t(same == members));
    }
  });
}

template <typename T>
static std::unique_ptr<Operation> makeReduction(StringRef name, T (*combine)(T, T)) {
  return ofWarp(name.str(), 1, [=](Block &, const Lanes &lanes) {
    T sum{};
    bool first = true;
    for (unsigned lane = 0; lane != 32; ++lane)
      if (lanes.has(lane)) {
        T value = get<T>(lanes.arguments[lane][0]);
        sum = first ? value : combine(sum, value);
        first = false;
      }
    for (unsigned lane = 0; lane != 32; ++lane)
      if (lanes.has(lane))
        put(lanes.results[lane], sum);
  });
}

/// redux.sync.{add,min,max,umin,umax,and,or,xor,fmin,fmax}(value, mask)
static std::unique_ptr<Operation> makeRedux(StringRef name, const Words &words) {
  StringRef what = words[2];
  if (what == "add")
    return makeReduction<uint32_t>(name, [](uint32_t a, uint32_t b) { return a + b; });
  if (what == "and")
    return makeReduction<uint32_t>(name, [](uint32_t a, uint32_t b) { return a & b; });
  if (what == "or")
    return makeReduction<uint32_t>(name, [](uint32_t a, uint32_t b) { return a | b; });
  if (what == "xor")
    return makeReduction<uint32_t>(name, [](uint32_t a, uint32_t b) { return a ^ b; });
  if (what == "umin")
    return makeReduction<uint32_t>(name, [](uint32_t a, uint32_t b) { return std::min(a, b); });
  if (what == "umax")
    return makeReduction<uint32_t>(name, [](uint32_t a, uint32_t b) { return std::max(a, b); });
  if (what == "min")
    return makeReduction<int32_t>(name, [](int32_t a, int32_t b) { return std::min(a, b); });
  if (what == "max")
    return makeReduction<int32_t>(name, [](int32_t a, int32_t b) { return std::max(a, b); });
  if (what == "fmin")
    return makeReduction<float>(name, [](float a, float b) { return std::fmin(a, b); });
  if (what == "fmax")
    return makeReduction<float>(name, [](float a, float b) { return std::fmax(a, b); });
  return nullptr;
}

std::unique_ptr<Operation> moe::emulator::makeWarp(StringRef name, const Words &words) {
  if (words.begins("shfl.sync"))
    return makeShuffle(name, words);
  if (words[0] == "vote")
    return makeVote(name, words);
  if (words[0] == "match")
    return makeMatch(name, words);
  if (words.begins("redux.sync"))
    return makeRedux(name, words);
  if (name == "bar.warp.sync")
    return ofWarp(name.str(), 0, [](Block &, const Lanes &) {}, /*synchronizes=*/true);
  if (name == "elect.sync")
    return ofWarp(name.str(), 0, [](Block &, const Lanes &lanes) {
      unsigned leader = 0;
      while (!lanes.has(leader))
        ++leader;
      for (unsigned lane = 0; lane != 32; ++lane)
        if (lanes.has(lane)) {
          put(lanes.results[lane], uint32_t(leader));
          put(lanes.results[lane] + 4, uint8_t(lane == leader));
        }
    });
  return nullptr;
}
