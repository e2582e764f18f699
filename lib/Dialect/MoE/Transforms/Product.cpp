// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Product.cpp - building a grouped product -----------------------------------------------------------===//

#include "ToGrouped.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::moe;

Value mlir::moe::createProduct(OpBuilder &b, Location loc, Value rows, ValueRange weights, Value offsets,
                               ValueRange columns, ValueRange scalars, Type type, EpilogueFn epilogue) {
  int64_t width = cast<RankedTensorType>(weights.front().getType()).getDimSize(1);
  auto result = RankedTensorType::get({ShapedType::kDynamic, width}, type);
  Value init = createEmptyRows(b, loc, result, tensor::DimOp::create(b, loc, rows, 0));
  auto product = GroupedMatmulOp::create(b, loc, result, rows, /*tokens=*/Value(), weights, offsets, columns, scalars,
                                         /*slots=*/Value(), init, /*config=*/KernelConfigAttr());
  OpBuilder::InsertionGuard guard(b);
  Block *block = b.createBlock(&product.getBody());
  block->addArguments(SmallVector<Type>(weights.size(), b.getF32Type()), SmallVector<Location>(weights.size(), loc));
  for (ValueRange operands : {columns, scalars})
    for (Value operand : operands)
      block->addArgument(getElementTypeOrSelf(operand.getType()), loc);
  YieldOp::create(b, loc, epilogue(b, block->getArguments()));
  return product.getResult();
}
