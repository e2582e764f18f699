// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- FMATile.cpp - a vector tile that multiplies in f32 -------------------------------------------------===//

#include "FMATile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::moe;

Value FMATile::broadcastRow(OpBuilder &b, Location loc, Value group) const {
  Value element = vector::ExtractOp::create(b, loc, group, ArrayRef<int64_t>{0});
  if (!element.getType().isF32())
    element = arith::ExtFOp::create(b, loc, b.getF32Type(), element);
  return vector::BroadcastOp::create(b, loc, VectorType::get({lanes}, b.getF32Type()), element);
}

Value FMATile::prepareWeights(OpBuilder &b, Location loc, Value packed) const {
  auto type = cast<VectorType>(packed.getType());
  if (type.getElementType().isF32())
    return packed;
  return arith::ExtFOp::create(b, loc, type.clone(b.getF32Type()), packed);
}

Value FMATile::multiply(OpBuilder &b, Location loc, Value row, Value weights, Value acc) const {
  return vector::FMAOp::create(b, loc, row, weights, acc);
}
