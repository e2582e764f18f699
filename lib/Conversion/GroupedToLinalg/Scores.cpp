// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Scores.cpp - moe.score.neg_distance to loops over blocks of rows -----------------------------------===//
//
// Distances are summed in scalar loops, in ascending order of the columns: the differences are what counts, so the
// products that would make this a matrix product would cancel. Affine scores are products and do not come here.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "PopulatePatterns.h"
#include "RowBlocks.h"

#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::moe;
using utils::IteratorType;

namespace {

struct LowerNegDistance : OpRewritePattern<ScoreNegDistanceOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ScoreNegDistanceOp op, PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto type = op.getLogits().getType();
    OpFoldResult total = tensor::getMixedSize(rewriter, loc, op.getRows(), 0);
    Value init = tensor::EmptyOp::create(
        rewriter, loc, ArrayRef<OpFoldResult>{total, rewriter.getIndexAttr(type.getDimSize(1))}, type.getElementType());
    auto body = [&](Value first, OpFoldResult rows, ValueRange blocks) -> SmallVector<Value> {
      OpFoldResult width = rewriter.getIndexAttr(op.getRows().getType().getDimSize(1));
      Value block = slice(rewriter, loc, op.getRows(), {first, rewriter.getIndexAttr(0)}, {rows, width});
      return {negate(rewriter, op, sumSquares(rewriter, op, block, rows), blocks[0])};
    };
    rewriter.replaceOp(op, overRowBlocks(rewriter, loc, init, body));
    return success();
  }

private:
  static Value asF32(OpBuilder &b, Location loc, Value value) {
    return value.getType().isF32() ? value : arith::ExtFOp::create(b, loc, b.getF32Type(), value).getResult();
  }

  static Value sumSquares(OpBuilder &b, ScoreNegDistanceOp op, Value block, OpFoldResult rows) {
    Location loc = op.getLoc();
    OpFoldResult experts = b.getIndexAttr(op.getPrototypes().getType().getDimSize(0));
    Value empty = tensor::EmptyOp::create(b, loc, ArrayRef<OpFoldResult>{rows, experts}, b.getF32Type());
    Value zero = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(0.0f));
    Value init = linalg::FillOp::create(b, loc, zero, empty).getResult(0);
    AffineExpr i = b.getAffineDimExpr(0), e = b.getAffineDimExpr(1), d = b.getAffineDimExpr(2);
    auto map = [&](AffineExpr row, AffineExpr column) { return AffineMap::get(3, 0, {row, column}, b.getContext()); };
    SmallVector<IteratorType> loops{IteratorType::parallel, IteratorType::parallel, IteratorType::reduction};
    return linalg::GenericOp::create(
               b, loc, init.getType(), ValueRange{block, op.getPrototypes()}, init, {map(i, d), map(e, d), map(i, e)},
               loops,
               [&](OpBuilder &nested, Location loc, ValueRange args) {
                 Value difference =
                     arith::SubFOp::create(nested, loc, asF32(nested, loc, args[0]), asF32(nested, loc, args[1]));
                 Value square = arith::MulFOp::create(nested, loc, difference, difference);
                 linalg::YieldOp::create(nested, loc, Value(arith::AddFOp::create(nested, loc, args[2], square)));
               })
        .getResult(0);
  }

  static Value negate(OpBuilder &b, ScoreNegDistanceOp op, Value squares, Value out) {
    AffineMap identity = b.getMultiDimIdentityMap(2);
    SmallVector<IteratorType> parallel(2, IteratorType::parallel);
    Type element = op.getLogits().getType().getElementType();
    return linalg::GenericOp::create(b, op.getLoc(), out.getType(), squares, out,
                                     ArrayRef<AffineMap>{identity, identity}, parallel,
                                     [&](OpBuilder &nested, Location loc, ValueRange args) {
                                       Value distance = args[0];
                                       if (op.getPower() == 1)
                                         distance = math::SqrtOp::create(nested, loc, distance);
                                       Value logit = arith::NegFOp::create(nested, loc, distance);
                                       if (!element.isF32())
                                         logit = arith::TruncFOp::create(nested, loc, element, logit);
                                       linalg::YieldOp::create(nested, loc, logit);
                                     })
        .getResult(0);
  }
};

} // namespace

void mlir::moe::populateScorePatterns(RewritePatternSet &patterns) {
  patterns.add<LowerNegDistance>(patterns.getContext());
}
