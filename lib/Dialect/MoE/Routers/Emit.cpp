// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Emit.cpp - small builders shared by the routers ----------------------------------------------------===//

#include "Emit.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::moe;

Value mlir::moe::emitFloat(OpBuilder &b, Location loc, Type type, double value) {
  TypedAttr attr = b.getFloatAttr(getElementTypeOrSelf(type), value);
  if (auto vector = dyn_cast<VectorType>(type))
    attr = DenseElementsAttr::get(vector, attr);
  return arith::ConstantOp::create(b, loc, attr);
}

Value mlir::moe::emitBroadcast(OpBuilder &b, Location loc, Value scalar, Type like) {
  auto vector = dyn_cast<VectorType>(like);
  return vector ? vector::BroadcastOp::create(b, loc, vector.clone(scalar.getType()), scalar) : scalar;
}

static Type withElement(Type type, Type element) {
  auto vector = dyn_cast<VectorType>(type);
  return vector ? vector.clone(element) : element;
}

/// Extends or truncates, whichever leads from the one width to the other; bf16 and f16 have no step between them.
static Value convertFloat(OpBuilder &b, Location loc, Value value, Type element) {
  Type from = getElementTypeOrSelf(value.getType());
  if (from == element)
    return value;
  Type type = withElement(value.getType(), element);
  if (from.getIntOrFloatBitWidth() < element.getIntOrFloatBitWidth())
    return arith::ExtFOp::create(b, loc, type, value);
  return arith::TruncFOp::create(b, loc, type, value);
}

Value mlir::moe::emitToF32(OpBuilder &b, Location loc, Value value) {
  return convertFloat(b, loc, value, b.getF32Type());
}

Value mlir::moe::emitFromF32(OpBuilder &b, Location loc, Value value, Type elementType) {
  return convertFloat(b, loc, value, elementType);
}

Value mlir::moe::emitIndex(OpBuilder &b, Location loc, int64_t value) {
  return arith::ConstantIndexOp::create(b, loc, value);
}

SmallVector<Value> mlir::moe::emitLoop(OpBuilder &b, Location loc, Value size, ValueRange inits, LoopBody body,
                                       int64_t step) {
  auto loop = scf::ForOp::create(b, loc, emitIndex(b, loc, 0), size, emitIndex(b, loc, step), inits,
                                 [&](OpBuilder &inner, Location at, Value index, ValueRange carried) {
                                   scf::YieldOp::create(inner, at, body(inner, at, index, carried));
                                 });
  return llvm::to_vector_of<Value>(loop.getResults());
}

SmallVector<Value> mlir::moe::emitLoop(OpBuilder &b, Location loc, int64_t size, ValueRange inits, LoopBody body,
                                       int64_t step) {
  return emitLoop(b, loc, emitIndex(b, loc, size), inits, body, step);
}

//===-- Renormalise and scale -------------------------------------------------------------------------------===//

WeightFinish WeightFinish::get(OpBuilder &b, Location loc, RenormalizeAttr renormalize, std::optional<double> scale,
                               ReduceFn norms) {
  WeightFinish finish{Value(), scale};
  if (!renormalize)
    return finish;
  double p = renormalize.getP().convertToDouble(), eps = renormalize.getEps().convertToDouble(),
         min = renormalize.getMin().convertToDouble();
  Type f32 = b.getF32Type();
  Value norm = norms(arith::AtomicRMWKind::addf, [&](OpBuilder &inner, Location at, Value weight) -> Value {
    if (p == 2.0)
      return arith::MulFOp::create(inner, at, weight, weight);
    Value size = math::AbsFOp::create(inner, at, weight);
    return p == 1.0 ? size : math::PowFOp::create(inner, at, size, emitFloat(inner, at, weight.getType(), p));
  });
  if (p == 2.0)
    norm = math::SqrtOp::create(b, loc, norm);
  else if (p != 1.0)
    norm = math::PowFOp::create(b, loc, norm, emitFloat(b, loc, f32, 1.0 / p));
  if (eps != 0.0)
    norm = arith::AddFOp::create(b, loc, norm, emitFloat(b, loc, f32, eps));
  if (min != 0.0)
    norm = arith::MaximumFOp::create(b, loc, norm, emitFloat(b, loc, f32, min));
  finish.divisor = norm;
  return finish;
}

Value WeightFinish::apply(OpBuilder &b, Location loc, Value weights) const {
  Type type = weights.getType();
  if (divisor)
    weights = arith::DivFOp::create(b, loc, weights, emitBroadcast(b, loc, divisor, type));
  if (scale && *scale != 1.0)
    weights = arith::MulFOp::create(b, loc, weights, emitFloat(b, loc, type, *scale));
  return weights;
}
