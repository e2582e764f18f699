// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// int4:g32:zp: see Int4Zero.h, with blocks of 32.
//===----------------------------------------------------------------------===//
#include "Int4Zero.h"

using namespace moe;

namespace {

struct Int4G32ZPFormat final : Int4ZeroFormat<32> {
  std::string_view name() const override { return "int4:g32:zp"; }
};

} // namespace

namespace moe {
const NumberFormat &getInt4G32ZPFormat() {
  static const Int4G32ZPFormat format;
  return format;
}
} // namespace moe
