// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// int4:g32: symmetric four-bit integers with one bf16 scale for each 32 consecutive elements of a row.
//   scale = bf16(largest magnitude / 7);  q = nearest integer to w / scale, ties to even, in -7..7;  value = q * scale
// A block of zeros has scale 0; one with a NaN or an infinity has scale NaN.
//===----------------------------------------------------------------------===//
#include "FourBits.h"

#include "moe/Checkpoint/Convert.h"

#include <cstring>

using namespace moe;

namespace {

class Int4G32Format final : public FourBitFormat {
public:
  std::string_view name() const override { return "int4:g32"; }

protected:
  int64_t scaleBytes() const override { return 2; }

  void encode(const float *values, int64_t count, uint8_t *codes, uint8_t *scale) const override {
    uint16_t bits = floatToBf16(largestMagnitude(values, count) / 7);
    std::memcpy(scale, &bits, 2);
    float step = bf16ToFloat(bits);
    for (int64_t k = 0; k < count; ++k) {
      float q = step > 0 ? nearestInteger(std::clamp(values[k] / step, -7.0f, 7.0f)) : 0.0f;
      codes[k] = uint8_t(int(q) & 15);
    }
  }

  float decode(uint8_t code, const uint8_t *scale) const override {
    uint16_t bits;
    std::memcpy(&bits, scale, 2);
    return float(code < 8 ? code : code - 16) * bf16ToFloat(bits);
  }
};

} // namespace

namespace moe {
const NumberFormat &getInt4G32Format() {
  static const Int4G32Format format;
  return format;
}
} // namespace moe
