// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// int4:g128:zp: see Int4Zero.h, with blocks of 128.
//===----------------------------------------------------------------------===//
#include "Int4Zero.h"

using namespace moe;

namespace {

struct Int4G128ZPFormat final : Int4ZeroFormat<128> {
  std::string_view name() const override { return "int4:g128:zp"; }
};

} // namespace

namespace moe {
const NumberFormat &getInt4G128ZPFormat() {
  static const Int4G128ZPFormat format;
  return format;
}
} // namespace moe
