// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Body.cpp - the row-wise ops of expert bodies to linalg ---------------------------------------------===//

#include "moe/Conversion/MoEToLinalg/Body.h"
#include "PopulatePatterns.h"
#include "RowBuilders.h"

#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace mlir::moe;

SmallVector<Value> mlir::moe::emitLinear(OpBuilder &b, LinearOp op, Value rows, ValueRange matrices) {
  SmallVector<Value> results;
  for (auto [matrix, result] : llvm::zip_equal(matrices, op.getResults())) {
    auto type = cast<RankedTensorType>(result.getType());
    Value product = multiply(b, op.getLoc(), rows, matrix);
    if (type.getElementType() != b.getF32Type())
      product = mapRows(b, op.getLoc(), type, product, [&](OpBuilder &b, Location loc, ValueRange elements) {
        return fromF32(b, loc, elements[0], type.getElementType());
      });
    results.push_back(castTensor(b, op.getLoc(), product, type));
  }
  return results;
}

Value mlir::moe::emitMap(OpBuilder &b, MapOp op, ValueRange inputs) {
  Block *body = &op.getBody().front();
  return mapRows(b, op.getLoc(), op.getResult().getType(), inputs, [&](OpBuilder &b, Location, ValueRange elements) {
    IRMapping mapping;
    mapping.map(body->getArguments(), elements);
    for (Operation &inner : body->without_terminator())
      b.clone(inner, mapping);
    return mapping.lookupOrDefault(body->getTerminator()->getOperand(0));
  });
}

namespace {

struct LowerLinear : OpConversionPattern<LinearOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(LinearOp op, OpAdaptor adaptor, ConversionPatternRewriter &b) const override {
    b.replaceOp(op, emitLinear(b, op, adaptor.getRows(), adaptor.getMatrices()));
    return success();
  }
};

struct LowerMap : OpConversionPattern<MapOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(MapOp op, OpAdaptor adaptor, ConversionPatternRewriter &b) const override {
    b.replaceOp(op, emitMap(b, op, adaptor.getInputs()));
    return success();
  }
};

struct LowerRoundRows : OpConversionPattern<RoundRowsOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(RoundRowsOp op, OpAdaptor adaptor, ConversionPatternRewriter &b) const override {
    Value init = emptyRows(b, op.getLoc(), op.getResult().getType(), adaptor.getRows());
    b.replaceOp(op, emitRoundRows(b, op.getLoc(), adaptor.getRows(), init));
    return success();
  }
};

} // namespace

void mlir::moe::populateBodyPatterns(const TypeConverter &types, RewritePatternSet &patterns) {
  patterns.add<LowerLinear, LowerMap, LowerRoundRows>(types, patterns.getContext());
}
