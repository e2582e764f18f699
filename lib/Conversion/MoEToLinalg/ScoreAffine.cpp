// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- ScoreAffine.cpp - moe.score.affine to linalg ---------------------------------------------------===//

#include "PopulatePatterns.h"
#include "RowBuilders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

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

} // namespace

void mlir::moe::populateScoreAffinePatterns(const TypeConverter &types, RewritePatternSet &patterns) {
  patterns.add<AffineScore>(types, patterns.getContext());
}
