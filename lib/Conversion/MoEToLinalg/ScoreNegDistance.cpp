// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- ScoreNegDistance.cpp - moe.score.neg_distance to linalg ----------------------------------------===//

#include "PopulatePatterns.h"
#include "RowBuilders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

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

void mlir::moe::populateScoreNegDistancePatterns(const TypeConverter &types, RewritePatternSet &patterns) {
  patterns.add<NegDistanceScore>(types, patterns.getContext());
}
