// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Element types of checkpoint tensors. The first four values are those of moe_dtype in the C ABI.
#ifndef MOE_CHECKPOINT_DTYPE_H
#define MOE_CHECKPOINT_DTYPE_H

#include <cstdint>
#include <optional>
#include <string_view>

namespace moe {

enum class DType : int32_t {
  F32 = 1,
  BF16 = 2,
  F16 = 3,
  I32 = 4,
  I64 = 5,
  I16 = 6,
  I8 = 7,
  U8 = 8,
  U16 = 9,
  U32 = 10,
  U64 = 11,
  F64 = 12,
  BOOL = 13,
  F8E4M3 = 14,
  F8E5M2 = 15,
  F8E8M0 = 16,
  C64 = 17,
};

/// Bytes of one element. Every type in the list has a whole number of them.
uint64_t dtypeSize(DType dtype);

/// The name in a safetensors header: "F32", "F8_E4M3".
std::string_view dtypeName(DType dtype);

/// The inverse of dtypeName; names are matched exactly.
std::optional<DType> dtypeFromName(std::string_view name);

} // namespace moe

#endif // MOE_CHECKPOINT_DTYPE_H
