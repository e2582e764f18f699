// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- BF16.cpp - the upper half of an f32 -------------------------------------------------------===//

#include "Dense.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

struct BF16Format final : DenseFormat {
  StringRef name() const override { return "bf16"; }
  Type elementType(MLIRContext *context) const override { return BFloat16Type::get(context); }
  int64_t elementBytes() const override { return 2; }
};

} // namespace

namespace mlir::moe {
const NumberFormat &getBF16Format() {
  static const BF16Format format;
  return format;
}
} // namespace mlir::moe
