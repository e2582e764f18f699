// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// Quantised formats against the rules and layouts of docs/abi.md, written here once more, the slow way: packed bytes
// are read back one number at a time, and must say what the rule makes of the checkpoint's value.
//===----------------------------------------------------------------------===//
#include "OneWeight.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <functional>
#include <random>

namespace {

/// One source of one expert, [N, K], as stored and after rounding.
using Matrix = std::vector<std::vector<float>>;

struct Numbers {
  int64_t rows, cols, sources, panel, group;
};

/// What a format does, by the documentation: rounds `count` values in place; and the number at (s, n, k) of an expert.
struct Rule {
  const char *name;
  int64_t block; ///< elements that are rounded together; 0: a row
  std::function<void(float *, int64_t)> round;
  std::function<float(const Numbers &, const uint8_t *, int64_t s, int64_t n, int64_t k)> read;
  int64_t widestGroup = 4;
};

float nearestBf16(float value) {
  if (std::isnan(value))
    return value;
  float best = 0;
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  for (uint32_t candidate : {bits & 0xffff0000u, (bits & 0xffff0000u) + 0x10000u}) {
    float rounded;
    std::memcpy(&rounded, &candidate, 4);
    double distance = std::fabs(double(rounded) - value), least = std::fabs(double(best) - value);
    if (distance < least || (distance == least && candidate / 0x10000u % 2 == 0))
      best = rounded;
  }
  return best;
}

float largest(const float *values, int64_t count) {
  float result = 0;
  for (int64_t i = 0; i < count; ++i)
    result = std::isfinite(values[i]) ? std::max(result, std::fabs(values[i])) : NAN;
  for (int64_t i = 0; i < count; ++i)
    if (!std::isfinite(values[i]))
      return NAN;
  return result;
}

void roundInteger(float *values, int64_t count, float scale, int limit) {
  for (int64_t i = 0; i < count; ++i) {
    float q = scale > 0 ? std::nearbyint(values[i] / scale) : 0;
    values[i] = std::min(std::max(q, float(-limit)), float(limit)) * scale;
  }
}

void roundMXFP4(float *values, int64_t count) {
  const double magnitudes[] = {0, 0.5, 1, 1.5, 2, 3, 4, 6};
  float most = largest(values, count);
  double scale = std::isnan(most) ? NAN : std::ldexp(1.0, std::max(most > 0 ? std::ilogb(most) - 2 : -200, -125));
  for (int64_t i = 0; i < count; ++i) {
    int best = 0;
    double wanted = std::fabs(double(values[i])) / scale;
    for (int code = 1; code < 8; ++code) {
      double distance = std::fabs(magnitudes[code] - wanted), least = std::fabs(magnitudes[best] - wanted);
      if (distance < least || (distance == least && code % 2 == 0))
        best = code;
    }
    values[i] = float(std::copysign(magnitudes[best] * scale, values[i] < 0 ? -1.0 : 1.0));
  }
}

float readE4M3(uint8_t code) {
  int exponent = code >> 3 & 15, mantissa = code & 7;
  double magnitude = exponent ? std::ldexp(1 + mantissa / 8.0, exponent - 7) : std::ldexp(mantissa / 8.0, -6);
  return float(code & 128 ? -magnitude : magnitude);
}

/// Of all 127 magnitudes the nearest, of two the one with an even code.
void roundE4M3(float *values, int64_t count) {
  float scale = largest(values, count) / 448;
  for (int64_t i = 0; i < count; ++i) {
    float wanted = std::fabs(values[i]) / scale;
    int best = 0;
    for (int code = 1; code < 127; ++code) {
      double distance = std::fabs(double(readE4M3(uint8_t(code))) - wanted),
             least = std::fabs(double(readE4M3(uint8_t(best))) - wanted);
      if (distance < least || (distance == least && code % 2 == 0))
        best = code;
    }
    float value = scale > 0 ? readE4M3(uint8_t(best)) : 0;
    values[i] = (values[i] < 0 ? -value : value) * scale;
  }
}

const uint8_t *fourBitBlock(const Numbers &x, const uint8_t *packed, int64_t s, int64_t n, int64_t k, int64_t size,
                            int64_t scale) {
  int64_t blocks = (x.cols + size - 1) / size, matrix = x.panel * (size / 2 + scale);
  return packed + ((n / x.panel * blocks + k / size) * x.sources + s) * matrix;
}

/// Groups take turns in the low and the high half of bytes.
int nibble(const Numbers &x, const uint8_t *block, int64_t n, int64_t k) {
  int64_t group = k / x.group, byte = (group / 2 * x.panel + n % x.panel) * x.group + k % x.group;
  return block[byte] >> (group % 2 * 4) & 15;
}

float readInt4(const Numbers &x, const uint8_t *packed, int64_t s, int64_t n, int64_t k, int64_t size) {
  const uint8_t *block = fourBitBlock(x, packed, s, n, k, size, 2);
  int q = nibble(x, block, n, k % size) - 8;
  uint16_t half;
  std::memcpy(&half, block + size / 2 * x.panel + 2 * (n % x.panel), 2);
  return float(q) * std::bit_cast<float>(uint32_t(half) << 16);
}

void roundInt4(float *values, int64_t count) {
  roundInteger(values, count, nearestBf16(largest(values, count) / 7), 7);
}

float scaleAndZero(const float *values, int64_t count, int &zero) {
  double least = 0, most = 0;
  for (int64_t i = 0; i < count; ++i) {
    least = std::min(least, double(values[i]));
    most = std::max(most, double(values[i]));
  }
  float scale = std::isnan(largest(values, count)) ? NAN : nearestBf16(float(most) / 15 - float(least) / 15);
  zero = scale > 0 ? std::min(15, int(std::nearbyint(-float(least) / scale))) : 0;
  return scale;
}

void roundInt4Zero(float *values, int64_t count) {
  int zero = 0;
  float scale = scaleAndZero(values, count, zero);
  for (int64_t i = 0; i < count; ++i) {
    int q = scale > 0 ? std::min(std::max(int(std::nearbyint(values[i] / scale)) + zero, 0), 15) : 0;
    values[i] = float(q - zero) * scale;
  }
}

float readInt4Zero(const Numbers &x, const uint8_t *packed, int64_t s, int64_t n, int64_t k, int64_t size) {
  const uint8_t *block = fourBitBlock(x, packed, s, n, k, size, 4);
  uint16_t halves[2];
  std::memcpy(halves, block + size / 2 * x.panel + 4 * (n % x.panel), 4);
  return float(nibble(x, block, n, k % size) - halves[1]) * std::bit_cast<float>(uint32_t(halves[0]) << 16);
}

const Rule rules[] = {
    {"int8", 0, [](float *values, int64_t count) { roundInteger(values, count, largest(values, count) / 127, 127); },
     [](const Numbers &x, const uint8_t *packed, int64_t s, int64_t n, int64_t k) {
       int64_t groups = (x.cols + x.group - 1) / x.group, bytes = groups * x.sources * x.panel * x.group;
       const uint8_t *panel = packed + n / x.panel * (bytes + 4 * x.sources * x.panel);
       int q = panel[((k / x.group * x.sources + s) * x.panel + n % x.panel) * x.group + k % x.group] - 128;
       float scale;
       std::memcpy(&scale, panel + bytes + 4 * (s * x.panel + n % x.panel), 4);
       return float(q) * scale;
     }},
    {"int4:g32", 32, roundInt4,
     [](const Numbers &x, const uint8_t *packed, int64_t s, int64_t n, int64_t k) {
       return readInt4(x, packed, s, n, k, 32);
     }},
    {"int4:g128", 128, roundInt4,
     [](const Numbers &x, const uint8_t *packed, int64_t s, int64_t n, int64_t k) {
       return readInt4(x, packed, s, n, k, 128);
     }},
    {"int4:g32:zp", 32, roundInt4Zero,
     [](const Numbers &x, const uint8_t *packed, int64_t s, int64_t n, int64_t k) {
       return readInt4Zero(x, packed, s, n, k, 32);
     }},
    {"int4:g128:zp", 128, roundInt4Zero,
     [](const Numbers &x, const uint8_t *packed, int64_t s, int64_t n, int64_t k) {
       return readInt4Zero(x, packed, s, n, k, 128);
     }},
    {"fp8:g128", 128, roundE4M3,
     [](const Numbers &x, const uint8_t *packed, int64_t s, int64_t n, int64_t k) {
       int64_t blocks = (x.cols + 127) / 128, inPanel = n % x.panel;
       const uint8_t *block = packed + ((n / x.panel * blocks + k / 128) * x.sources + s) * x.panel * 132;
       float scale;
       std::memcpy(&scale, block + 128 * x.panel + 4 * inPanel, 4);
       return readE4M3(block[k % 128 * x.panel + inPanel]) * scale;
     },
     /*widestGroup=*/1},
    {"mxfp4", 32, roundMXFP4, [](const Numbers &x, const uint8_t *packed, int64_t s, int64_t n, int64_t k) {
       const uint8_t *block = fourBitBlock(x, packed, s, n, k, 32, 1);
       int code = nibble(x, block, n, k % 32), exponent = block[16 * x.panel + n % x.panel];
       double mantissa = code & 6 ? 1 + (code & 1) / 2.0 : (code & 1) / 2.0;
       double value = std::ldexp(mantissa, exponent - 127 + (code & 6 ? (code >> 1 & 3) - 1 : 0));
       return exponent == 255 ? NAN : float(code & 8 ? -value : value);
     }}};

bool sameValue(float a, float b) { return a == b || (std::isnan(a) && std::isnan(b)); }

struct Case {
  Numbers numbers;
  int64_t experts;
  bool transposed, parts, bf16; ///< parts: every other stored row
};

void expectRounded(const Rule &rule, const Case &c, std::mt19937 &random, moe_pool *pool) {
  const Numbers &x = c.numbers;
  SCOPED_TRACE(testing::Message() << rule.name << " rows " << x.rows << " cols " << x.cols << " sources " << x.sources
                                  << " panel " << x.panel << " group " << x.group << " experts " << c.experts
                                  << " transposed " << c.transposed << " parts " << c.parts << " bf16 " << c.bf16);
  std::normal_distribution<float> normal;
  int64_t stored = c.parts ? 2 * x.rows : x.rows;
  std::vector<std::string> names, bytes(size_t(x.sources * c.experts));
  std::vector<moe::TensorToWrite> tensors;
  std::vector<Matrix> expected;
  for (int64_t s = 0; s < x.sources; ++s) {
    names.push_back("s" + std::to_string(s) + ".{e}");
    for (int64_t e = 0; e < c.experts; ++e) {
      Matrix all(size_t(stored), std::vector<float>(size_t(x.cols)));
      for (auto &row : all) {
        float spread = std::exp2(float(int(random() % 9) - 4)); // scales must differ
        const bool everySize = random() % 8 == 0, halves = random() % 8 == 0;
        for (float &value : row) {
          value = normal(random) * spread;
          if (everySize) // denormals as well
            value = std::bit_cast<float>(uint32_t(random()) & (random() % 2 ? 0xbfffffffu : 0x807fffffu));
          if (halves) // of which many lie half way between two numbers
            value = std::nearbyint(value * 2) / 2;
          value = c.bf16 ? nearestBf16(value) : value;
        }
      }
      if (stored > 3) {
        std::fill(all[1].begin(), all[1].end(), 0.0f);
        all[0][0] = std::bit_cast<float>(random() % 2 ? 0x7f800000u : 0x7fc00000u); // spoils its row or block alone
      }
      std::string &out = bytes[size_t(s * c.experts + e)];
      for (int64_t i = 0; i < stored * x.cols; ++i) {
        float value =
            c.transposed ? all[size_t(i % stored)][size_t(i / stored)] : all[size_t(i / x.cols)][size_t(i % x.cols)];
        auto bits = std::bit_cast<uint32_t>(value);
        out.append(reinterpret_cast<const char *>(&bits) + (c.bf16 ? 2 : 0), c.bf16 ? 2 : 4);
      }
      std::vector<int64_t> shape = {stored, x.cols};
      if (c.transposed)
        std::swap(shape[0], shape[1]);
      tensors.push_back({"s" + std::to_string(s) + "." + std::to_string(e), c.bf16 ? moe::DType::BF16 : moe::DType::F32,
                         shape, out.data()});
      Matrix rounded;
      for (int64_t n = 0; n < x.rows; ++n) {
        std::vector<float> row = all[size_t(c.parts ? 2 * n + 1 : n)];
        int64_t block = rule.block ? rule.block : x.cols;
        for (int64_t k = 0; k < x.cols; k += block)
          rule.round(row.data() + k, std::min(block, x.cols - k));
        rounded.push_back(row);
      }
      expected.push_back(rounded);
    }
  }
  TempFolder folder;
  ASSERT_TRUE(moe::writeSafeTensors(folder.file("model.safetensors"), tensors).ok());
  moe_load_options options{};
  options.checkpoint = folder.path.c_str();
  options.pool = pool;
  auto packedAs = [&](int64_t panel, int32_t dtype, Layer &keep) {
    OneWeight model(x.rows, x.cols, c.experts, panel, x.group, dtype, names, c.transposed, rule.name);
    for (moe_source_desc &source : model.sources)
      if (c.parts)
        source.row_begin = 1, source.row_step = 2, source.stored_rows = stored;
    return model.packed(options, keep);
  };
  Layer own, plain, dense;
  auto inFormat = packedAs(x.panel, 0, own), rowMajor = packedAs(0, MOE_F32, plain),
       panels = packedAs(x.panel, MOE_F32, dense);
  for (int64_t e = 0; e < c.experts; ++e)
    for (int64_t s = 0; s < x.sources; ++s)
      for (int64_t n = 0; n < x.rows; ++n)
        for (int64_t k = 0; k < x.cols; ++k) {
          float wanted = expected[size_t(s * c.experts + e)][size_t(n)][size_t(k)];
          float got = rule.read(x, static_cast<const uint8_t *>(inFormat[size_t(e)]), s, n, k);
          float row = static_cast<const float *>(rowMajor[size_t(e)])[(s * x.rows + n) * x.cols + k];
          int64_t groups = (x.cols + x.group - 1) / x.group;
          float panel = static_cast<const float *>(
              panels[size_t(e)])[((n / x.panel * groups + k / x.group) * x.sources + s) * x.panel * x.group +
                                 n % x.panel * x.group + k % x.group];
          ASSERT_TRUE(sameValue(got, wanted) && sameValue(row, wanted) && sameValue(panel, wanted))
              << "expert " << e << " source " << s << " row " << n << " column " << k << ": expected " << wanted
              << ", got " << got << " packed, " << row << " row-major, " << panel << " in dense panels";
        }
}

} // namespace

TEST(Formats, RoundAndPackAsTheManualSays) {
  std::mt19937 random(3);
  Pool pool = makePool(2);
  auto pick = [&](std::vector<int64_t> choices) { return choices[random() % choices.size()]; };
  for (const Rule &rule : rules)
    for (int i = 0; i < 60; ++i) {
      Numbers numbers{pick({1, 2, 5, 16, 17, 33}), pick({1, 3, 31, 32, 33, 64, 95, 130, 257}), pick({1, 2}),
                      pick({1, 3, 8, 32}), std::min(rule.widestGroup, pick({1, 2, 4}))};
      expectRounded(rule, {numbers, pick({1, 3}), pick({0, 1}) == 1, pick({0, 1}) == 1, pick({0, 1}) == 1}, random,
                    i % 2 ? pool.get() : nullptr);
      if (HasFatalFailure())
        return;
    }
}

TEST(Formats, LargerThanTheStagingBuffer) {
  std::mt19937 random(4);
  for (const Rule &rule : rules)
    for (bool transposed : {false, true})
      expectRounded(rule, {{501, 1003, 1, 16, 1}, 1, transposed, true, false}, random, nullptr);
}

TEST(Formats, EveryInstructionSetRoundsAlike) {
  std::mt19937 random(5);
  for (const char *features : {"0", "1", "3"}) { // none, AVX2, AVX-512
    ASSERT_EQ(setenv("MOE_CPU_FEATURES_MASK", features, 1), 0);
    for (const Rule &rule : rules)
      for (int64_t panel : {8, 40})
        for (bool parts : {false, true})
          expectRounded(rule, {{45, 419, 2, panel, rule.widestGroup}, 1, false, parts, parts}, random, nullptr);
  }
  unsetenv("MOE_CPU_FEATURES_MASK");
}

TEST(Formats, UnknownOnesAreRefused) {
  OneWeight model(4, 32, 1, 8, 1, 0, {"w"}, false, "int3");
  moe_library *library = nullptr;
  EXPECT_EQ(moe_library_wrap(&model.desc, &library), MOE_INVALID_ARGUMENT);
  EXPECT_STREQ(moe_last_error(),
               "library: malformed library descriptor: a layer's weight is in a number format that this "
               "runtime does not have; use the runtime that the compiler came with");
}
