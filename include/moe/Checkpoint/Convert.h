// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Conversions between float and the two half-width formats. To a narrower format: round to nearest, ties to even; a NaN
// stays a (quiet) NaN of the same sign; overflow becomes infinity. To float: exact.
#ifndef MOE_CHECKPOINT_CONVERT_H
#define MOE_CHECKPOINT_CONVERT_H

#include <cstdint>
#include <cstring>

namespace moe {

inline uint32_t floatBits(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

inline float floatFromBits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

inline float bf16ToFloat(uint16_t value) { return floatFromBits(uint32_t(value) << 16); }

inline uint16_t floatToBf16(float value) {
  uint32_t bits = floatBits(value);
  if ((bits & 0x7fffffff) > 0x7f800000) // keep a NaN whose payload is all in the lost half
    return uint16_t((bits >> 16) | 0x40);
  return uint16_t((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

inline float f16ToFloat(uint16_t value) {
  uint32_t sign = uint32_t(value & 0x8000) << 16;
  uint32_t exponent = (value >> 10) & 0x1f;
  uint32_t mantissa = value & 0x3ff;
  if (exponent == 0x1f) // infinity and NaN; NaNs become quiet
    return floatFromBits(sign | 0x7f800000 | (mantissa << 13) | (mantissa ? 0x400000 : 0));
  if (exponent != 0)
    return floatFromBits(sign | ((exponent + 112) << 23) | (mantissa << 13));
  // Zero and subnormals: mantissa * 2^-24 is exact in float.
  float magnitude = float(mantissa) * 0x1p-24f;
  return floatFromBits(sign | floatBits(magnitude));
}

inline uint16_t floatToF16(float value) {
  uint32_t bits = floatBits(value);
  uint16_t sign = uint16_t((bits >> 16) & 0x8000);
  uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000)
    return uint16_t(sign | 0x7e00 | ((magnitude >> 13) & 0x3ff));
  if (magnitude >= 0x477ff000) // 65520 and above round to infinity
    return uint16_t(sign | 0x7c00);
  if (magnitude < 0x38800000) {
    // Below 2^-14: adding 0.5 puts the half format's last place at the float's last place, and the addition rounds.
    uint32_t sum = floatBits(floatFromBits(magnitude) + 0.5f);
    return uint16_t(sign | (sum - 0x3f000000));
  }
  uint32_t rounded = magnitude + 0xfff + ((magnitude >> 13) & 1);
  return uint16_t(sign | ((rounded - 0x38000000) >> 13));
}

} // namespace moe

#endif // MOE_CHECKPOINT_CONVERT_H
