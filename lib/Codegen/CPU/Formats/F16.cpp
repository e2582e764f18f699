// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- F16.cpp - IEEE 754 binary16 ---------------------------------------------------------------===//

#include "Dense.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

struct F16Format final : DenseFormat {
  StringRef name() const override { return "f16"; }
  Type elementType(MLIRContext *context) const override { return Float16Type::get(context); }
  int64_t elementBytes() const override { return 2; }
};

} // namespace

namespace mlir::moe {
const NumberFormat &getF16Format() {
  static const F16Format format;
  return format;
}
} // namespace mlir::moe
