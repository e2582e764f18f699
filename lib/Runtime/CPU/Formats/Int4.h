// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Symmetric four-bit integers with one bf16 scale for each block of consecutive elements of a row.
//   scale = bf16(largest magnitude / 7);  q = nearest integer to w / scale, ties to even, in -7..7;  value = q * scale
// A block of zeros has scale 0; one with a NaN or an infinity has scale NaN. Stored is q + 8.
#ifndef MOE_LIB_RUNTIME_CPU_FORMATS_INT4_H
#define MOE_LIB_RUNTIME_CPU_FORMATS_INT4_H

#include "FourBits.h"

#include "moe/Checkpoint/Convert.h"

#include <cstring>

namespace moe {

class Int4Format : public FourBitFormat {
public:
  using FourBitFormat::FourBitFormat;

protected:
  int64_t scaleBytes() const final { return 2; }
  uint8_t zeroCode() const final { return 8; }

  void encode(const float *values, int64_t count, uint8_t *codes, uint8_t *scale) const final {
    uint16_t bits = floatToBf16(largestMagnitude(values, count) / 7);
    std::memcpy(scale, &bits, 2);
    float step = bf16ToFloat(bits);
    for (int64_t k = 0; k < count; ++k) {
      float q = step > 0 ? nearestInteger(std::clamp(values[k] / step, -7.0f, 7.0f)) : 0.0f;
      codes[k] = uint8_t(int(q) + zeroCode());
    }
  }

  float decode(uint8_t code, const uint8_t *scale) const final {
    uint16_t bits;
    std::memcpy(&bits, scale, 2);
    return float(code - zeroCode()) * bf16ToFloat(bits);
  }
};

} // namespace moe

#endif // MOE_LIB_RUNTIME_CPU_FORMATS_INT4_H
