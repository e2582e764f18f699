// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Int4G32ZP.cpp - four-bit integers with a scale and a zero point for each 32 -------------------===//

#include "Int4Zero.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

struct Int4G32ZPFormat final : Int4ZeroFormat {
  Int4G32ZPFormat() : Int4ZeroFormat(/*block=*/32) {}
  StringRef name() const override { return "int4:g32:zp"; }
};

} // namespace

namespace mlir::moe {
const NumberFormat &getInt4G32ZPFormat() {
  static const Int4G32ZPFormat format;
  return format;
}
} // namespace mlir::moe
