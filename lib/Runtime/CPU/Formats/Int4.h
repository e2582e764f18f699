// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Symmetric four-bit integers with one bf16 scale for each block of consecutive elements of a row.
//   scale = bf16(largest magnitude / 7);  q = nearest integer to w / scale, ties to even, in -7..7;  value = q * scale
// A block of zeros has scale 0; one with a NaN or an infinity has scale NaN. Stored is q + 8.
#ifndef MOE_LIB_RUNTIME_CPU_FORMATS_INT4_H
#define MOE_LIB_RUNTIME_CPU_FORMATS_INT4_H

#include "FourBits.h"

#include <cstring>

namespace moe {

constexpr int int4Zero = 8; // the code of zero

MOE_VECTORISABLE void encodeInt4(const float *values, int64_t count, uint8_t *codes, uint8_t *scale) {
  const uint16_t bits = floatToBf16(largestMagnitude(values, count) / 7);
  std::memcpy(scale, &bits, 2);
  const float step = bf16ToFloat(bits);
  if (!(step > 0)) {
    std::fill_n(codes, count, uint8_t(int4Zero));
    return;
  }
  for (int64_t k = 0; k < count; ++k)
    codes[k] = uint8_t(nearestMultiple(values[k], step, 7) + int4Zero);
}

template <int64_t size>
class Int4Format : public FourBitFormat {
public:
  Int4Format() : FourBitFormat(size) {}

protected:
  int64_t scaleBytes() const final { return 2; }
  uint8_t zeroCode() const final { return int4Zero; }

  void encodeRows(const float *rows, int64_t rowStep, int64_t count, int64_t cols, Codes &codes) const final {
    vectorised<encodeBlocks<size, 2, encodeInt4>>(rows, rowStep, count, cols, codes.elements.data(),
                                                  codes.scales.data());
  }

  float decode(uint8_t code, const uint8_t *scale) const final {
    uint16_t bits;
    std::memcpy(&bits, scale, 2);
    return float(code - int4Zero) * bf16ToFloat(bits);
  }
};

} // namespace moe

#endif // MOE_LIB_RUNTIME_CPU_FORMATS_INT4_H
