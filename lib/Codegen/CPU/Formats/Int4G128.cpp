// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Int4G128.cpp - symmetric four-bit integers with a bf16 scale for each 128 -------------------------===//

#include "Int4.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

struct Int4G128Format final : Int4Format {
  Int4G128Format() : Int4Format(/*block=*/128) {}
  StringRef name() const override { return "int4:g128"; }
};

} // namespace

namespace mlir::moe {
const NumberFormat &getInt4G128Format() {
  static const Int4G128Format format;
  return format;
}
} // namespace mlir::moe
