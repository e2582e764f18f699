// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- RoundedRow.cpp - the arithmetic of moe.round_rows --------------------------------------------------===//

#include "moe/Conversion/MoEToLinalg/RoundedRow.h"

using namespace mlir;
using namespace mlir::moe;

/// Bits of f32 numbers.
static constexpr uint32_t kInfinity = 0x7f800000, kNaN = 0x7fc00000, kLeastMagnitude = 0x0d800000, // 2^-100
    kLargestByte = 0x42fe0000,                                                                     // 127
    kWholePlaces = 0x4b400000;                                                                     // 1.5 * 2^23

static Type withElement(Type type, Type element) {
  if (auto vector = dyn_cast<VectorType>(type))
    return vector.clone(element);
  return element;
}

Value mlir::moe::bitsConstant(OpBuilder &b, Location loc, Type type, uint32_t bits) {
  TypedAttr value = b.getI32IntegerAttr(static_cast<int32_t>(bits));
  Type element = getElementTypeOrSelf(type);
  if (element.isF32())
    value = FloatAttr::get(element, APFloat(APFloat::IEEEsingle(), APInt(32, bits)));
  if (auto vector = dyn_cast<VectorType>(type))
    value = DenseElementsAttr::get(vector, Attribute(value));
  return arith::ConstantOp::create(b, loc, value);
}

Value mlir::moe::magnitudeBits(OpBuilder &b, Location loc, Value x) {
  Type bits = withElement(x.getType(), b.getI32Type());
  Value all = arith::BitcastOp::create(b, loc, bits, x);
  return arith::AndIOp::create(b, loc, all, bitsConstant(b, loc, bits, 0x7fffffff));
}

RowScale mlir::moe::rowScale(OpBuilder &b, Location loc, Value largestBits) {
  Type integer = largestBits.getType(), number = b.getF32Type();
  Value bits = arith::MaxUIOp::create(b, loc, largestBits, bitsConstant(b, loc, integer, kLeastMagnitude));
  Value largest = arith::BitcastOp::create(b, loc, number, bits);
  Value finite =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, bits, bitsConstant(b, loc, integer, kInfinity));
  Value top = bitsConstant(b, loc, number, kLargestByte);
  Value step = arith::DivFOp::create(b, loc, largest, top);
  Value scale = arith::SelectOp::create(b, loc, finite, step, bitsConstant(b, loc, number, kNaN));
  return {arith::DivFOp::create(b, loc, top, largest), scale};
}

Value mlir::moe::wholePlaces(OpBuilder &b, Location loc, Type type) { return bitsConstant(b, loc, type, kWholePlaces); }

Value mlir::moe::nearestNumber(OpBuilder &b, Location loc, Value x, Value inverse) {
  Value scaled = arith::MulFOp::create(b, loc, x, inverse);
  return arith::AddFOp::create(b, loc, scaled, wholePlaces(b, loc, x.getType()));
}
