// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// mxfp4: four-bit floats (E2M1) with one power of two (E8M0) for each 32 consecutive elements of a row, rounded as the
// OCP Microscaling Formats (MX) Specification 1.0 says:
//   scale = 2^(floor(log2(largest magnitude)) - 2);  value = scale * the nearest of 0, 1/2, 1, 3/2, 2, 3, 4, 6 to
//   |w| / scale, of two the one with an even mantissa, 6 beyond it, with the sign of w
// Exponents below those of normal f32 numbers count as the least one. A block with a NaN or an infinity becomes NaN.
//===----------------------------------------------------------------------===//
#include "FourBits.h"

#include "moe/Checkpoint/Convert.h"

using namespace moe;

namespace {

constexpr float magnitudes[8] = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6};
// As in f32: the exponent's bias is 127. Twice a magnitude is multiplied by half of the scale, which must be normal.
constexpr int leastExponent = 2, nanExponent = 255;

class MXFP4Format final : public FourBitFormat {
public:
  MXFP4Format() : FourBitFormat(/*blockSize=*/32) {}
  std::string_view name() const override { return "mxfp4"; }

protected:
  int64_t scaleBytes() const override { return 1; }
  uint8_t zeroCode() const override { return 0; }

  void encode(const float *values, int64_t count, uint8_t *codes, uint8_t *scale) const override {
    float largest = largestMagnitude(values, count);
    int exponent = std::max(int(floatBits(largest) >> 23 & 255) - 2, leastExponent);
    *scale = uint8_t(std::isnan(largest) ? nanExponent : exponent);
    float step = floatFromBits(uint32_t(exponent) << 23);
    for (int64_t k = 0; k < count; ++k)
      codes[k] = std::isnan(largest) ? 7 : uint8_t(nearest(std::fabs(values[k]) / step) | (values[k] < 0 ? 8 : 0));
  }

  float decode(uint8_t code, const uint8_t *scale) const override {
    if (*scale == nanExponent)
      return NAN;
    float value = magnitudes[code & 7] * floatFromBits(uint32_t(*scale) << 23);
    return code & 8 ? -value : value;
  }

private:
  static int nearest(float magnitude) {
    int code = 0;
    for (int next = 1; next < 8; ++next) {
      float middle = (magnitudes[next - 1] + magnitudes[next]) / 2;
      if (magnitude > middle || (magnitude == middle && next % 2 == 0))
        code = next;
    }
    return code;
  }
};

} // namespace

namespace moe {
const NumberFormat &getMXFP4Format() {
  static const MXFP4Format format;
  return format;
}
} // namespace moe
