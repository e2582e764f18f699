// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Math.cpp - arithmetic of one thread ----------------------------------------------------------------===//

#include "../Numbers.h"
#include "../Operation.h"

#include <cmath>

using namespace moe::emulator;
using llvm::StringRef;

using Unary = float (*)(float);
using Binary = float (*)(float, float);

static Unary unaryNamed(StringRef name) {
  if (name == "ex2")
    return [](float x) { return std::exp2(x); };
  if (name == "lg2")
    return [](float x) { return std::log2(x); };
  if (name == "rcp")
    return [](float x) { return 1 / x; };
  if (name == "sqrt")
    return [](float x) { return std::sqrt(x); };
  if (name == "rsqrt")
    return [](float x) { return 1 / std::sqrt(x); };
  if (name == "tanh")
    return [](float x) { return std::tanh(x); };
  if (name == "sin")
    return [](float x) { return std::sin(x); };
  if (name == "cos")
    return [](float x) { return std::cos(x); };
  if (name == "fabs" || name == "abs")
    return [](float x) { return std::fabs(x); };
  return nullptr;
}

static Binary binaryNamed(StringRef name, bool nan) {
  if (name == "div")
    return [](float x, float y) { return x / y; };
  if (name == "add")
    return [](float x, float y) { return x + y; };
  if (name == "mul")
    return [](float x, float y) { return x * y; };
  if (name == "fmax" || name == "max") {
    if (nan)
      return [](float x, float y) { return x != x || y != y ? NAN : std::fmax(x, y); };
    return [](float x, float y) { return std::fmax(x, y); };
  }
  if (name == "fmin" || name == "min") {
    if (nan)
      return [](float x, float y) { return x != x || y != y ? NAN : std::fmin(x, y); };
    return [](float x, float y) { return std::fmin(x, y); };
  }
  return nullptr;
}

/// ff2bf16x2.rn(a, b): a in the upper half; cvt.rn.bf16x2.f32 d, a, b is the same.
static std::unique_ptr<Operation> makePackingConversion(StringRef name, Number number, bool relu) {
  return simple(name.str(), [=](Block &, const uint64_t *arguments, char *results) {
    float high = get<float>(arguments[0]), low = get<float>(arguments[1]);
    store(number, results, relu ? std::fmax(low, 0.0f) : low);
    store(number, results + 2, relu ? std::fmax(high, 0.0f) : high);
  });
}

static std::unique_ptr<Operation> makeConversion(StringRef name, const Words &words) {
  bool relu = words.has("relu");
  if (words[0] == "ff2bf16x2" || words.begins("cvt.rn.bf16x2.f32"))
    return makePackingConversion(name, Number::BF16, relu);
  if (words[0] == "ff2f16x2" || words.begins("cvt.rn.f16x2.f32"))
    return makePackingConversion(name, Number::F16, relu);
  if (words.begins("f2bf16.rn") || words.begins("cvt.rn.bf16.f32"))
    return simple(name.str(), [](Block &, const uint64_t *arguments, char *results) {
      store(Number::BF16, results, get<float>(arguments[0]));
    });
  if (words.begins("f2tf32.rna") || words.begins("cvt.rna.tf32.f32"))
    return simple(name.str(), [](Block &, const uint64_t *arguments, char *results) {
      put(results, (get<uint32_t>(arguments[0]) + 0x1000) & ~0x1fffu); // to nearest, ties away from zero
    });
  return nullptr;
}

static bool isSingle(const Words &words) { return words.has("f") || words.has("f32"); }

std::unique_ptr<Operation> moe::emulator::makeMath(StringRef name, const Words &words) {
  if (auto conversion = makeConversion(name, words))
    return conversion;
  if (!isSingle(words) || words.has("sync"))
    return nullptr;
  if (Unary unary = unaryNamed(words[0]))
    return simple(name.str(), [unary](Block &, const uint64_t *arguments, char *results) {
      put(results, unary(get<float>(arguments[0])));
    });
  if (Binary binary = binaryNamed(words[0], words.has("nan") || words.has("NaN")))
    return simple(name.str(), [binary](Block &, const uint64_t *arguments, char *results) {
      put(results, binary(get<float>(arguments[0]), get<float>(arguments[1])));
    });
  if (words.begins("fma.rn"))
    return simple(name.str(), [](Block &, const uint64_t *arguments, char *results) {
      put(results, std::fma(get<float>(arguments[0]), get<float>(arguments[1]), get<float>(arguments[2])));
    });
  return nullptr;
}
