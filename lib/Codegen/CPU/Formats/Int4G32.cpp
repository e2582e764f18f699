// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Int4G32.cpp - symmetric four-bit integers with a bf16 scale for each 32 ---------------------------===//

#include "Int4.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

struct Int4G32Format final : Int4Format {
  Int4G32Format() : Int4Format(/*block=*/32) {}
  StringRef name() const override { return "int4:g32"; }
};

} // namespace

namespace mlir::moe {
const NumberFormat &getInt4G32Format() {
  static const Int4G32Format format;
  return format;
}
} // namespace mlir::moe
