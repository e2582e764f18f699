// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- TensorMap.h - what stands for a CUtensorMap --------------------------------------------------------===//

#ifndef MOE_TEST_LIB_EMULATOR_TENSORMAP_H
#define MOE_TEST_LIB_EMULATOR_TENSORMAP_H

#include <cstdint>

namespace moe::emulator {

/// A tensor in global memory and the box of it that one bulk copy takes, innermost dimension first. Of the size and
/// alignment of a CUtensorMap; the hardware's bits are not public.
struct alignas(64) TensorMap {
  static constexpr uint32_t magicNumber = 0x7e45021a;
  uint32_t magic = magicNumber;
  uint8_t rank = 0, elementBytes = 0;
  uint8_t swizzleBytes = 0; ///< 0, 32, 64 or 128
  uint8_t reserved = 0;
  char *data = nullptr;
  uint32_t sizes[5] = {};
  uint32_t box[5] = {};
  uint64_t strides[4] = {}; ///< bytes, of dimensions 1 and up
};
static_assert(sizeof(TensorMap) == 128);

/// Where swizzling puts the byte at `offset` of shared memory: 16-byte pieces change places within 8 rows.
inline uint32_t swizzled(uint32_t offset, uint32_t swizzleBytes) {
  uint32_t mask = swizzleBytes == 128 ? 7 : swizzleBytes == 64 ? 3 : swizzleBytes == 32 ? 1 : 0;
  return offset ^ ((offset >> 7 & mask) << 4);
}

} // namespace moe::emulator

#endif // MOE_TEST_LIB_EMULATOR_TENSORMAP_H
