// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every half-width value converts to float and back unchanged, and rounding is checked against arithmetic in double.
#include "moe/Checkpoint/Convert.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <random>

using namespace moe;

namespace {
struct Format {
  float (*widen)(uint16_t);
  uint16_t (*narrow)(float);
  uint16_t infinity;
  double largest;
};
} // namespace

static const Format bf16 = {bf16ToFloat, floatToBf16, 0x7f80, 0x1.fep127};
static const Format f16 = {f16ToFloat, floatToF16, 0x7c00, 65504.0};

TEST(Convert, RoundTripIsTheIdentity) {
  for (const Format &format : {bf16, f16})
    for (uint32_t bits = 0; bits < 0x10000; ++bits) {
      uint16_t value = uint16_t(bits);
      bool isNan = (value & 0x7fff) > format.infinity;
      float wide = format.widen(value);
      ASSERT_EQ(std::isnan(wide), isNan);
      uint16_t back = format.narrow(wide);
      if (isNan) {
        ASSERT_GT(back & 0x7fff, format.infinity);
        ASSERT_EQ(back & 0x8000, value & 0x8000);
      } else {
        ASSERT_EQ(back, value);
      }
    }
}

/// The candidates around a value are neighbours in the format: the nearer one wins, the even one when both are as near.
static void checkRounding(const Format &format, float value) {
  uint16_t got = format.narrow(value);
  if (std::isnan(value)) {
    ASSERT_GT(got & 0x7fff, format.infinity);
    return;
  }
  ASSERT_EQ(bool(got & 0x8000), std::signbit(value)) << value;
  uint16_t magnitude = got & 0x7fff;
  double exact = std::fabs(double(value));
  // The value after the largest one, were the exponent unbounded, decides what becomes infinity.
  double step = format.largest - double(format.widen(uint16_t(format.infinity - 2)));
  auto widened = [&](uint16_t bits) {
    return bits == format.infinity ? format.largest + step : double(format.widen(bits));
  };
  double error = std::fabs(widened(magnitude) - exact);
  if (magnitude == format.infinity && exact >= format.largest + step)
    return;
  for (int delta : {-1, 1}) {
    int neighbour = magnitude + delta;
    if (neighbour < 0 || neighbour > format.infinity)
      continue;
    double other = std::fabs(widened(uint16_t(neighbour)) - exact);
    ASSERT_TRUE(error < other || (error == other && magnitude % 2 == 0)) << value;
  }
}

TEST(Convert, RoundsToNearestEven) {
  std::mt19937 random(1);
  for (const Format &format : {bf16, f16}) {
    for (int i = 0; i < 2'000'000; ++i)
      checkRounding(format, floatFromBits(uint32_t(random())));
    // Halfway points and their neighbours, for every value of the format.
    for (uint32_t bits = 0; bits < uint32_t(format.infinity); ++bits) {
      double low = format.widen(uint16_t(bits));
      double high = bits + 1 == format.infinity
                        ? format.largest + (format.largest - double(format.widen(uint16_t(bits - 1))))
                        : double(format.widen(uint16_t(bits + 1)));
      float half = float(low + (high - low) / 2);
      for (float value : {half, std::nextafter(half, 0.0f), std::nextafter(half, INFINITY), -half})
        checkRounding(format, value);
    }
  }
}

TEST(Convert, Extremes) {
  for (const Format &format : {bf16, f16}) {
    EXPECT_EQ(format.narrow(INFINITY), format.infinity);
    EXPECT_EQ(format.narrow(-INFINITY), format.infinity | 0x8000);
    EXPECT_EQ(format.narrow(std::numeric_limits<float>::max()), format.infinity);
    EXPECT_EQ(format.narrow(-0.0f), 0x8000);
    EXPECT_TRUE(std::isnan(format.widen(format.narrow(floatFromBits(0x7f800001)))));
  }
  EXPECT_EQ(floatToF16(65519.0f), 0x7bff);
  EXPECT_EQ(floatToF16(65520.0f), 0x7c00);
  EXPECT_EQ(floatToF16(0x1p-25f), 0);
  EXPECT_EQ(floatToF16(0x1.8p-25f), 1);
}
