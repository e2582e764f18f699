// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Int4G128ZP.cpp - four-bit integers with a scale and a zero point for each 128 -----------------===//

#include "Int4Zero.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

struct Int4G128ZPFormat final : Int4ZeroFormat {
  Int4G128ZPFormat() : Int4ZeroFormat(/*block=*/128) {}
  StringRef name() const override { return "int4:g128:zp"; }
};

} // namespace

namespace mlir::moe {
const NumberFormat &getInt4G128ZPFormat() {
  static const Int4G128ZPFormat format;
  return format;
}
} // namespace mlir::moe
