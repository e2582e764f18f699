// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- FMA.cpp - multiplication in f32, shared by the levels without a bf16 product -----------------------===//

#include "Levels.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::moe;

static Value toF32(OpBuilder &b, Location loc, Value vector) {
  auto type = cast<VectorType>(vector.getType());
  if (type.getElementType().isF32())
    return vector;
  return arith::ExtFOp::create(b, loc, type.clone(b.getF32Type()), vector);
}

Value FMALevel::broadcastRow(OpBuilder &b, Location loc, Value group) const {
  Value element = vector::ExtractOp::create(b, loc, group, ArrayRef<int64_t>{0});
  if (!element.getType().isF32())
    element = arith::ExtFOp::create(b, loc, b.getF32Type(), element);
  return vector::BroadcastOp::create(b, loc, VectorType::get({lanes()}, b.getF32Type()), element);
}

Value FMALevel::prepareWeights(OpBuilder &b, Location loc, Value packed) const { return toF32(b, loc, packed); }

Value FMALevel::multiply(OpBuilder &b, Location loc, Value row, Value weights, Value acc) const {
  return vector::FMAOp::create(b, loc, row, weights, acc);
}
