// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- RowBuilders.cpp - linalg over the elements of rows, accumulating in f32 ----------------------------===//

#include "RowBuilders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::moe;
using utils::IteratorType;

Value mlir::moe::fromF32(OpBuilder &b, Location loc, Value value, Type type) {
  if (value.getType() == type)
    return value;
  if (value.getType().getIntOrFloatBitWidth() < type.getIntOrFloatBitWidth())
    return arith::ExtFOp::create(b, loc, type, value);
  return arith::TruncFOp::create(b, loc, type, value);
}

Value mlir::moe::toF32(OpBuilder &b, Location loc, Value value) { return fromF32(b, loc, value, b.getF32Type()); }

Value mlir::moe::floatConstant(OpBuilder &b, Location loc, double value) {
  return arith::ConstantOp::create(b, loc, b.getF32FloatAttr(value));
}

Value mlir::moe::castTensor(OpBuilder &b, Location loc, Value value, Type type) {
  return value.getType() == type ? value : tensor::CastOp::create(b, loc, type, value);
}

Value mlir::moe::emptyRows(OpBuilder &b, Location loc, RankedTensorType type, Value rows) {
  SmallVector<Value> dynamic;
  if (type.isDynamicDim(0))
    dynamic.push_back(tensor::DimOp::create(b, loc, rows, 0));
  return tensor::EmptyOp::create(b, loc, type, dynamic);
}

Value mlir::moe::mapRows(OpBuilder &b, Location loc, RankedTensorType type, ValueRange inputs, ElementFn element) {
  AffineExpr i = b.getAffineDimExpr(0), j = b.getAffineDimExpr(1);
  SmallVector<AffineMap> maps;
  for (Value input : inputs) {
    bool isVector = cast<RankedTensorType>(input.getType()).getRank() == 1;
    maps.push_back(isVector ? AffineMap::get(2, 0, j) : AffineMap::get(2, 0, {i, j}, b.getContext()));
  }
  maps.push_back(AffineMap::get(2, 0, {i, j}, b.getContext()));
  Value init = emptyRows(b, loc, type, inputs[0]);
  SmallVector<IteratorType> loops(2, IteratorType::parallel);
  auto generic = linalg::GenericOp::create(b, loc, type, inputs, init, maps, loops,
                                           [&](OpBuilder &b, Location loc, ValueRange elements) {
                                             linalg::YieldOp::create(b, loc, element(b, loc, elements.drop_back()));
                                           });
  return generic.getResult(0);
}

Value mlir::moe::sumOverColumns(OpBuilder &b, Location loc, Value rows, Value matrix, ElementFn term) {
  auto rowsType = cast<RankedTensorType>(rows.getType()), matrixType = cast<RankedTensorType>(matrix.getType());
  auto type = RankedTensorType::get({rowsType.getDimSize(0), matrixType.getDimSize(0)}, b.getF32Type());
  Value init = emptyRows(b, loc, type, rows);
  init = linalg::FillOp::create(b, loc, floatConstant(b, loc, 0.0), init).getResult(0);

  AffineExpr i = b.getAffineDimExpr(0), n = b.getAffineDimExpr(1), k = b.getAffineDimExpr(2);
  auto map = [&](AffineExpr row, AffineExpr column) { return AffineMap::get(3, 0, {row, column}, b.getContext()); };
  SmallVector<IteratorType> loops{IteratorType::parallel, IteratorType::parallel, IteratorType::reduction};
  auto generic = linalg::GenericOp::create(
      b, loc, type, ValueRange{rows, matrix}, init, {map(i, k), map(n, k), map(i, n)}, loops,
      [&](OpBuilder &b, Location loc, ValueRange elements) {
        Value added = term(b, loc, {toF32(b, loc, elements[0]), toF32(b, loc, elements[1])});
        linalg::YieldOp::create(b, loc, Value(arith::AddFOp::create(b, loc, elements[2], added)));
      });
  return generic.getResult(0);
}

Value mlir::moe::multiply(OpBuilder &b, Location loc, Value rows, Value matrix) {
  return sumOverColumns(b, loc, rows, matrix, [](OpBuilder &b, Location loc, ValueRange elements) -> Value {
    return arith::MulFOp::create(b, loc, elements[0], elements[1]);
  });
}
