// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- ScoreNegDistance.cpp - moe.score.neg_distance to loops over blocks of rows -------------------------===//
//
// Distances are summed in scalar loops, in ascending order of the columns: the differences are what counts, so the
// products that would make this a matrix product would cancel. Affine scores are products and do not come here.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "PopulatePatterns.h"
#include "ScoreBuilders.h"

#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

struct LowerNegDistance : OpRewritePattern<ScoreNegDistanceOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ScoreNegDistanceOp op, PatternRewriter &b) const override {
    Location loc = op.getLoc();
    auto square = [](OpBuilder &b, Location loc, ValueRange elements) -> Value {
      Value difference = arith::SubFOp::create(b, loc, elements[0], elements[1]);
      return arith::MulFOp::create(b, loc, difference, difference);
    };
    auto negate = [&](OpBuilder &b, Location loc, ValueRange elements) -> Value {
      Value distance = elements[0];
      if (op.getPower() == 1)
        distance = math::SqrtOp::create(b, loc, distance);
      return arith::NegFOp::create(b, loc, distance);
    };
    auto score = [&](Value block, OpFoldResult count, Value init) {
      Value squares = sumTerms(b, loc, block, count, op.getPrototypes(), square);
      return mapElements(b, loc, squares, b.getMultiDimIdentityMap(2), init, negate);
    };
    b.replaceOp(op, scoreRowBlocks(b, loc, op.getRows(), op.getLogits().getType(), score));
    return success();
  }
};

} // namespace

void mlir::moe::populateScoreNegDistancePatterns(RewritePatternSet &patterns) {
  patterns.add<LowerNegDistance>(patterns.getContext());
}
