// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Four-bit integers with a bf16 scale and a zero point for each block of consecutive elements of a row, for weights
// whose blocks are not centred on zero. With least and largest value of the block and zero,
//   scale = bf16(largest / 15 - least / 15);  zero point z = nearest integer to -least / scale, within 0..15
//   q = nearest integer to w / scale, plus z, within 0..15;  value = (q - z) * scale
// Ties go to even. A block of zeros has scale 0; one with a NaN or an infinity has scale NaN.
#ifndef MOE_LIB_RUNTIME_CPU_FORMATS_INT4ZERO_H
#define MOE_LIB_RUNTIME_CPU_FORMATS_INT4ZERO_H

#include "FourBits.h"

namespace moe {

/// Writes the scale as a bf16, then the zero point as 16 bits.
MOE_VECTORISABLE void encodeInt4Zero(const float *values, int64_t count, uint8_t *codes, uint8_t *scale) {
  const bool finite = !std::isnan(largestMagnitude(values, count));
  float least = 0, largest = 0;
  for (int64_t k = 0; k < count; ++k) {
    least = values[k] < least ? values[k] : least;
    largest = values[k] > largest ? values[k] : largest;
  }
  const uint16_t bits = floatToBf16(finite ? largest / 15 - least / 15 : NAN);
  const float step = bf16ToFloat(bits);
  float zero = 0;
  if (step > 0)
    zero = std::min(nearestInteger(-least / step), 15.0f);
  const auto zeroBits = uint16_t(int(zero));
  std::memcpy(scale, &bits, 2);
  std::memcpy(scale + 2, &zeroBits, 2);
  if (!(step > 0)) {
    std::fill_n(codes, count, uint8_t(0));
    return;
  }
  for (int64_t k = 0; k < count; ++k) {
    float code = nearestInteger(values[k] / step) + zero;
    code = code < 0 ? 0 : code;
    code = code > 15 ? 15 : code;
    codes[k] = uint8_t(int(code));
  }
}

template <int64_t size>
class Int4ZeroFormat : public FourBitFormat {
public:
  Int4ZeroFormat() : FourBitFormat(size) {}

protected:
  int64_t scaleBytes() const final { return 4; }
  uint8_t zeroCode() const final { return 0; } // of no element, be the zero point what it is

  void encodeRows(const float *rows, int64_t rowStep, int64_t count, int64_t cols, Codes &codes) const final {
    vectorised<encodeBlocks<size, 4, encodeInt4Zero>>(rows, rowStep, count, cols, codes.elements.data(),
                                                      codes.scales.data());
  }

  float decode(uint8_t code, const uint8_t *scale) const final {
    uint16_t bits, zero;
    std::memcpy(&bits, scale, 2);
    std::memcpy(&zero, scale + 2, 2);
    return float(code - zero) * bf16ToFloat(bits);
  }
};

} // namespace moe

#endif // MOE_LIB_RUNTIME_CPU_FORMATS_INT4ZERO_H
