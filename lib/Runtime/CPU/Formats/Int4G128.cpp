// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// int4:g128: see Int4.h, with blocks of 128.
//===----------------------------------------------------------------------===//
#include "Int4.h"

using namespace moe;

namespace {

struct Int4G128Format final : Int4Format<128> {
  std::string_view name() const override { return "int4:g128"; }
};

} // namespace

namespace moe {
const NumberFormat &getInt4G128Format() {
  static const Int4G128Format format;
  return format;
}
} // namespace moe
