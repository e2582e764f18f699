// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// mxfp4: four-bit floats (E2M1) with one power of two (E8M0) for each 32 consecutive elements of a row, rounded as the
// OCP Microscaling Formats (MX) Specification 1.0 says:
//   scale = 2^(floor(log2(largest magnitude)) - 2);  value = scale * the nearest of 0, 1/2, 1, 3/2, 2, 3, 4, 6 to
//   |w| / scale, of two the one with an even mantissa, 6 beyond it, with the sign of w
// Exponents below those of normal f32 numbers count as the least one. A block with a NaN or an infinity becomes NaN.
//===----------------------------------------------------------------------===//
#include "FourBits.h"

using namespace moe;

namespace {

constexpr float magnitudes[8] = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6};
// As in f32: the exponent's bias is 127. Twice a magnitude is multiplied by half of the scale, which must be normal.
constexpr int leastExponent = 2, nanExponent = 255;

/// The code of the nearest magnitude: how many of the points half way between two of them it is beyond. On such a point
/// it is that of the even code, above in every other case.
MOE_VECTORISABLE int nearestCode(float magnitude) {
  return (magnitude > 0.25f) + (magnitude >= 0.75f) + (magnitude > 1.25f) + (magnitude >= 1.75f) + (magnitude > 2.5f) +
         (magnitude >= 3.5f) + (magnitude > 5.0f);
}

MOE_VECTORISABLE void encodeMXFP4(const float *values, int64_t count, uint8_t *codes, uint8_t *scale) {
  const float largest = largestMagnitude(values, count);
  if (std::isnan(largest)) {
    *scale = uint8_t(nanExponent);
    std::fill_n(codes, count, uint8_t(7));
    return;
  }
  const int exponent = std::max(int(floatBits(largest) >> 23 & 255) - 2, leastExponent);
  *scale = uint8_t(exponent);
  const float inverse = floatFromBits(uint32_t(254 - exponent) << 23); // a normal number, as exponent is at most 252
  for (int64_t k = 0; k < count; ++k)
    codes[k] = uint8_t(nearestCode(std::fabs(values[k]) * inverse) | (values[k] < 0 ? 8 : 0));
}

class MXFP4Format final : public FourBitFormat {
public:
  MXFP4Format() : FourBitFormat(/*blockSize=*/32) {}
  std::string_view name() const override { return "mxfp4"; }

protected:
  int64_t scaleBytes() const override { return 1; }
  uint8_t zeroCode() const override { return 0; }

  void encodeRows(const float *rows, int64_t rowStep, int64_t count, int64_t cols, Codes &codes) const override {
    vectorised<encodeBlocks<32, 1, encodeMXFP4>>(rows, rowStep, count, cols, codes.elements.data(),
                                                 codes.scales.data());
  }

  float decode(uint8_t code, const uint8_t *scale) const override {
    if (*scale == nanExponent)
      return NAN;
    float value = magnitudes[code & 7] * floatFromBits(uint32_t(*scale) << 23);
    return code & 8 ? -value : value;
  }
};

} // namespace

namespace moe {
const NumberFormat &getMXFP4Format() {
  static const MXFP4Format format;
  return format;
}
} // namespace moe
