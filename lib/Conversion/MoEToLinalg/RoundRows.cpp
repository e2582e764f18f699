// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- RoundRows.cpp - moe.round_rows to linalg -----------------------------------------------------------===//

#include "RowBuilders.h"
#include "moe/Conversion/MoEToLinalg/Body.h"
#include "moe/Conversion/MoEToLinalg/RoundedRow.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;
using namespace mlir::moe;
using utils::IteratorType;

/// The bits of the largest magnitude of each row: as integers, magnitudes have the order of their values, and NaN is
/// the largest.
static Value largestMagnitudes(OpBuilder &b, Location loc, Value rows) {
  AffineExpr i = b.getAffineDimExpr(0), k = b.getAffineDimExpr(1);
  Value empty =
      tensor::EmptyOp::create(b, loc, ArrayRef<OpFoldResult>{tensor::getMixedSize(b, loc, rows, 0)}, b.getI32Type());
  Value least = arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(0));
  Value init = linalg::FillOp::create(b, loc, least, empty).getResult(0);
  SmallVector<AffineMap> maps{AffineMap::get(2, 0, {i, k}, b.getContext()), AffineMap::get(2, 0, i)};
  SmallVector<IteratorType> loops{IteratorType::parallel, IteratorType::reduction};
  auto largest = linalg::GenericOp::create(b, loc, TypeRange(init.getType()), ValueRange(rows), ValueRange(init), maps,
                                           loops, [](OpBuilder &b, Location loc, ValueRange elements) {
                                             Value bits = magnitudeBits(b, loc, toF32(b, loc, elements[0]));
                                             linalg::YieldOp::create(
                                                 b, loc, Value(arith::MaxUIOp::create(b, loc, elements[1], bits)));
                                           });
  return largest.getResult(0);
}

Value mlir::moe::emitRoundRows(OpBuilder &b, Location loc, Value rows, Value init) {
  AffineExpr i = b.getAffineDimExpr(0);
  AffineMap identity = b.getMultiDimIdentityMap(2), ofRow = AffineMap::get(2, 0, i);
  Value largest = largestMagnitudes(b, loc, rows);
  SmallVector<IteratorType> loops(2, IteratorType::parallel);
  auto rounded = linalg::GenericOp::create(
      b, loc, TypeRange(init.getType()), ValueRange{rows, largest}, ValueRange(init),
      ArrayRef<AffineMap>{identity, ofRow, identity}, loops, [](OpBuilder &b, Location loc, ValueRange elements) {
        RowScale scale = rowScale(b, loc, elements[1]);
        Value number = nearestNumber(b, loc, toF32(b, loc, elements[0]), scale.inverse);
        Value whole = arith::SubFOp::create(b, loc, number, wholePlaces(b, loc, number.getType()));
        linalg::YieldOp::create(b, loc, Value(arith::MulFOp::create(b, loc, whole, scale.scale)));
      });
  rounded->setAttr(kRowRoundingAttr, b.getUnitAttr());
  return rounded.getResult(0);
}
