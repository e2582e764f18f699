// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- F32.cpp - IEEE 754 binary32 ---------------------------------------------------------------===//

#include "Dense.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

struct F32Format final : DenseFormat {
  StringRef name() const override { return "f32"; }
  Type elementType(MLIRContext *context) const override { return Float32Type::get(context); }
  int64_t elementBytes() const override { return 4; }
};

} // namespace

namespace mlir::moe {
const NumberFormat &getF32Format() {
  static const F32Format format;
  return format;
}
} // namespace mlir::moe
