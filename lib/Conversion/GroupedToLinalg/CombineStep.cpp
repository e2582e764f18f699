// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- CombineStep.cpp - one step of a combination, on numbers or vectors ---------------------------------===//

#include "CombineStep.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <limits>

using namespace mlir;
using namespace mlir::moe;

static constexpr float kMinusInf = -std::numeric_limits<float>::infinity();

static Value constantLike(OpBuilder &b, Location loc, Value like, float value) {
  TypedAttr attr = b.getF32FloatAttr(value);
  if (auto vector = dyn_cast<VectorType>(like.getType()))
    attr = DenseElementsAttr::get(vector, attr);
  return arith::ConstantOp::create(b, loc, attr);
}

static Type withElement(Type type, Type element) {
  auto vector = dyn_cast<VectorType>(type);
  return vector ? Type(vector.clone(element)) : element;
}

Value mlir::moe::combineToF32(OpBuilder &b, Location loc, Value value) {
  if (getElementTypeOrSelf(value).isF32())
    return value;
  return arith::ExtFOp::create(b, loc, withElement(value.getType(), b.getF32Type()), value);
}

Value mlir::moe::combineFromF32(OpBuilder &b, Location loc, Value value, Type element) {
  if (getElementTypeOrSelf(value) == element)
    return value;
  return arith::TruncFOp::create(b, loc, withElement(value.getType(), element), value);
}

float mlir::moe::combineStart(CombineKind kind) {
  return kind == CombineKind::Max || kind == CombineKind::LogSumExp ? kMinusInf : 0.0f;
}

Value mlir::moe::combineStep(OpBuilder &b, Location loc, CombineKind kind, Value acc, Value y, Value w) {
  switch (kind) {
  case CombineKind::WeightedSum:
    return arith::AddFOp::create(b, loc, acc, arith::MulFOp::create(b, loc, w, y));
  case CombineKind::Sum:
  case CombineKind::Mean:
    return arith::AddFOp::create(b, loc, acc, y);
  case CombineKind::Max:
    return arith::MaximumFOp::create(b, loc, acc, y);
  case CombineKind::LogSumExp: {
    // log(exp(acc) + w exp(y)) without overflow: max + log(exp(acc - max) + exp(y + log w - max)); the empty sum is
    // -inf, and -inf - -inf would be NaN, so the larger term is left out of the exponentials.
    Value term = arith::AddFOp::create(b, loc, y, math::LogOp::create(b, loc, w));
    Value high = arith::MaximumFOp::create(b, loc, acc, term), low = arith::MinimumFOp::create(b, loc, acc, term);
    Value one = constantLike(b, loc, acc, 1.0f);
    Value gap = math::ExpOp::create(b, loc, arith::SubFOp::create(b, loc, low, high));
    Value sum =
        arith::AddFOp::create(b, loc, high, math::LogOp::create(b, loc, arith::AddFOp::create(b, loc, gap, one)));
    Value empty = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ, low, constantLike(b, loc, acc, kMinusInf));
    return arith::SelectOp::create(b, loc, empty, high, sum);
  }
  }
  return {};
}
