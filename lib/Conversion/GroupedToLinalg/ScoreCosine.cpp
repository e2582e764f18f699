// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- ScoreCosine.cpp - moe.score.cosine to loops over blocks of rows ------------------------------------===//
//
// The norms of the vectors are the same for every row, so they are computed once, before the loop; a block computes the
// norms of its rows and the products.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "PopulatePatterns.h"
#include "ScoreBuilders.h"

#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::moe;
using utils::IteratorType;

namespace {

struct LowerCosine : OpRewritePattern<ScoreCosineOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ScoreCosineOp op, PatternRewriter &b) const override {
    Location loc = op.getLoc();
    Value vectorSquares = sumSquares(b, loc, op.getVectors());
    auto product = [](OpBuilder &b, Location loc, ValueRange elements) -> Value {
      return arith::MulFOp::create(b, loc, elements[0], elements[1]);
    };
    auto cosine = [&](OpBuilder &b, Location loc, ValueRange elements) -> Value {
      Value row = perturbed(b, loc, elements[1], op.getRowEps());
      Value vector = perturbed(b, loc, elements[2], op.getVectorEps());
      Value quotient = arith::DivFOp::create(b, loc, elements[0], arith::MulFOp::create(b, loc, row, vector));
      return arith::MulFOp::create(b, loc, quotient, constant(b, loc, op.getScale()));
    };
    AffineMap both = b.getMultiDimIdentityMap(2);
    AffineMap row = AffineMap::get(2, 0, b.getAffineDimExpr(0)), expert = AffineMap::get(2, 0, b.getAffineDimExpr(1));
    auto score = [&](Value block, OpFoldResult count, Value init) {
      Value products = sumTerms(b, loc, block, count, op.getVectors(), product);
      Value rowSquares = sumSquares(b, loc, block);
      return mapElements(b, loc, {products, rowSquares, vectorSquares}, {both, row, expert}, init, cosine);
    };
    b.replaceOp(op, scoreRowBlocks(b, loc, op.getRows(), op.getLogits().getType(), score));
    return success();
  }

private:
  static Value constant(OpBuilder &b, Location loc, const APFloat &value) {
    return arith::ConstantOp::create(b, loc, b.getF32FloatAttr(static_cast<float>(value.convertToDouble())));
  }

  /// sqrt(square) + eps
  static Value perturbed(OpBuilder &b, Location loc, Value square, const APFloat &eps) {
    return arith::AddFOp::create(b, loc, math::SqrtOp::create(b, loc, square), constant(b, loc, eps));
  }

  /// `result[i] = sum over d of matrix[i, d]^2`, in ascending d, in f32.
  static Value sumSquares(OpBuilder &b, Location loc, Value matrix) {
    OpFoldResult count = tensor::getMixedSize(b, loc, matrix, 0);
    Value empty = tensor::EmptyOp::create(b, loc, ArrayRef<OpFoldResult>{count}, b.getF32Type());
    Value zero = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(0.0f));
    Value init = linalg::FillOp::create(b, loc, zero, empty).getResult(0);
    SmallVector<AffineMap> maps{b.getMultiDimIdentityMap(2), AffineMap::get(2, 0, b.getAffineDimExpr(0))};
    SmallVector<IteratorType> loops{IteratorType::parallel, IteratorType::reduction};
    auto sum = linalg::GenericOp::create(b, loc, init.getType(), matrix, init, maps, loops,
                                         [](OpBuilder &nested, Location loc, ValueRange args) {
                                           Value x = args[0];
                                           if (!x.getType().isF32())
                                             x = arith::ExtFOp::create(nested, loc, nested.getF32Type(), x);
                                           Value square = arith::MulFOp::create(nested, loc, x, x);
                                           Value next = arith::AddFOp::create(nested, loc, args[1], square);
                                           linalg::YieldOp::create(nested, loc, next);
                                         });
    return sum.getResult(0);
  }
};

} // namespace

void mlir::moe::populateScoreCosinePatterns(RewritePatternSet &patterns) {
  patterns.add<LowerCosine>(patterns.getContext());
}
