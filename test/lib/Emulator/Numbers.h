// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Numbers.h - formats that tensor cores multiply -----------------------------------------------------===//

#ifndef MOE_TEST_LIB_EMULATOR_NUMBERS_H
#define MOE_TEST_LIB_EMULATOR_NUMBERS_H

#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <cstring>
#include <optional>

namespace moe::emulator {

enum class Number { F16, BF16, TF32, F32 };

inline unsigned bytesOf(Number number) { return number == Number::F16 || number == Number::BF16 ? 2 : 4; }

inline float fromBits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}
inline uint32_t toBits(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

inline float fromF16(uint16_t bits) {
  uint32_t exponent = bits >> 10 & 31, fraction = bits & 1023, sign = uint32_t(bits & 0x8000) << 16;
  if (exponent == 31)
    return fromBits(sign | 0x7f800000 | fraction << 13);
  if (exponent == 0)
    return (sign ? -1.0f : 1.0f) * float(fraction) * 0x1p-24f;
  return fromBits(sign | (exponent + 112) << 23 | fraction << 13);
}
inline uint16_t toF16(float value) {
  llvm::APFloat exact(value);
  bool losesInfo;
  exact.convert(llvm::APFloat::IEEEhalf(), llvm::APFloat::rmNearestTiesToEven, &losesInfo);
  return uint16_t(exact.bitcastToAPInt().getZExtValue());
}
inline float fromBF16(uint16_t bits) { return fromBits(uint32_t(bits) << 16); }
inline uint16_t toBF16(float value) {
  uint32_t bits = toBits(value);
  if (value != value)
    return uint16_t(bits >> 16 | 0x40);
  return uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/// The number at `data`. Tensor cores ignore the low 13 bits of a tf32.
inline float load(Number number, const char *data) {
  if (bytesOf(number) == 2) {
    uint16_t bits;
    std::memcpy(&bits, data, sizeof bits);
    return number == Number::F16 ? fromF16(bits) : fromBF16(bits);
  }
  uint32_t bits;
  std::memcpy(&bits, data, sizeof bits);
  return fromBits(number == Number::TF32 ? bits & ~0x1fffu : bits);
}

inline void store(Number number, char *data, float value) {
  if (bytesOf(number) == 2) {
    uint16_t bits = number == Number::F16 ? toF16(value) : toBF16(value);
    std::memcpy(data, &bits, sizeof bits);
  } else {
    std::memcpy(data, &value, sizeof value);
  }
}

inline std::optional<Number> numberNamed(llvm::StringRef name) {
  if (name == "f16")
    return Number::F16;
  if (name == "bf16")
    return Number::BF16;
  if (name == "tf32")
    return Number::TF32;
  if (name == "f32")
    return Number::F32;
  return std::nullopt;
}

} // namespace moe::emulator

#endif // MOE_TEST_LIB_EMULATOR_NUMBERS_H
