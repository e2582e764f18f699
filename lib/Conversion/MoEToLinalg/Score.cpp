// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Score.cpp - moe.score.* to linalg ------------------------------------------------------------------===//

#include "PopulatePatterns.h"
#include "RowBuilders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

struct AffineScore : OpConversionPattern<ScoreAffineOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(ScoreAffineOp op, OpAdaptor adaptor, ConversionPatternRewriter &b) const override {
    RankedTensorType type = op.getLogits().getType();
    SmallVector<Value> inputs{multiply(b, op.getLoc(), adaptor.getRows(), adaptor.getWeight())};
    if (adaptor.getBias())
      inputs.push_back(adaptor.getBias());
    // The bias is added before the only rounding.
    auto finish = [&](OpBuilder &b, Location loc, ValueRange elements) {
      Value sum = elements[0];
      if (elements.size() > 1)
        sum = arith::AddFOp::create(b, loc, sum, toF32(b, loc, elements[1]));
      return fromF32(b, loc, sum, type.getElementType());
    };
    b.replaceOp(op, mapRows(b, op.getLoc(), type, inputs, finish));
    return success();
  }
};

struct NegDistanceScore : OpConversionPattern<ScoreNegDistanceOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(ScoreNegDistanceOp op, OpAdaptor adaptor, ConversionPatternRewriter &b) const override {
    RankedTensorType type = op.getLogits().getType();
    auto square = [](OpBuilder &b, Location loc, ValueRange elements) -> Value {
      Value difference = arith::SubFOp::create(b, loc, elements[0], elements[1]);
      return arith::MulFOp::create(b, loc, difference, difference);
    };
    Value squares = sumOverColumns(b, op.getLoc(), adaptor.getRows(), adaptor.getPrototypes(), square);
    auto finish = [&](OpBuilder &b, Location loc, ValueRange elements) {
      Value distance = op.getPower() == 1 ? Value(math::SqrtOp::create(b, loc, elements[0])) : elements[0];
      return fromF32(b, loc, arith::NegFOp::create(b, loc, distance), type.getElementType());
    };
    b.replaceOp(op, mapRows(b, op.getLoc(), type, squares, finish));
    return success();
  }
};

} // namespace

void mlir::moe::populateScorePatterns(const TypeConverter &types, RewritePatternSet &patterns) {
  patterns.add<AffineScore, NegDistanceScore>(types, patterns.getContext());
}
