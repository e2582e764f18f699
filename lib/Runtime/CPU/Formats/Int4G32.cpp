// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// int4:g32: see Int4.h, with blocks of 32.
//===----------------------------------------------------------------------===//
#include "Int4.h"

using namespace moe;

namespace {

struct Int4G32Format final : Int4Format<32> {
  std::string_view name() const override { return "int4:g32"; }
};

} // namespace

namespace moe {
const NumberFormat &getInt4G32Format() {
  static const Int4G32Format format;
  return format;
}
} // namespace moe
