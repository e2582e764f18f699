// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The table of element types.
#include "moe/Checkpoint/DType.h"

using namespace moe;

namespace {
struct Row {
  DType dtype;
  std::string_view name;
  uint64_t size;
};
} // namespace

static constexpr Row table[] = {
    {DType::F32, "F32", 4},        {DType::BF16, "BF16", 2},      {DType::F16, "F16", 2},
    {DType::I32, "I32", 4},        {DType::I64, "I64", 8},        {DType::I16, "I16", 2},
    {DType::I8, "I8", 1},          {DType::U8, "U8", 1},          {DType::U16, "U16", 2},
    {DType::U32, "U32", 4},        {DType::U64, "U64", 8},        {DType::F64, "F64", 8},
    {DType::BOOL, "BOOL", 1},      {DType::F8E4M3, "F8_E4M3", 1}, {DType::F8E5M2, "F8_E5M2", 1},
    {DType::F8E8M0, "F8_E8M0", 1}, {DType::C64, "C64", 8},
};

static constexpr bool tableIsIndexedByValue() {
  int32_t expected = 1;
  for (const Row &row : table)
    if (int32_t(row.dtype) != expected++)
      return false;
  return true;
}
static_assert(tableIsIndexedByValue(), "DType values index the table");

static const Row &rowOf(DType dtype) { return table[int32_t(dtype) - 1]; }

uint64_t moe::dtypeSize(DType dtype) { return rowOf(dtype).size; }

std::string_view moe::dtypeName(DType dtype) { return rowOf(dtype).name; }

std::optional<DType> moe::dtypeFromName(std::string_view name) {
  for (const Row &row : table)
    if (row.name == name)
      return row.dtype;
  return std::nullopt;
}
