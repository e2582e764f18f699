// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- ScoreCosine.cpp - moe.score.cosine to linalg -------------------------------------------------------===//

#include "PopulatePatterns.h"
#include "RowBuilders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

struct CosineScore : OpConversionPattern<ScoreCosineOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(ScoreCosineOp op, OpAdaptor adaptor, ConversionPatternRewriter &b) const override {
    RankedTensorType type = op.getLogits().getType();
    Value rows = adaptor.getRows(), vectors = adaptor.getVectors();
    auto square = [](unsigned operand) {
      return [operand](OpBuilder &b, Location loc, ValueRange elements) -> Value {
        return arith::MulFOp::create(b, loc, elements[operand], elements[operand]);
      };
    };
    // Three plain sums for each pair: of the products, of the squares of the row, of those of the vector.
    SmallVector<Value> sums{multiply(b, op.getLoc(), rows, vectors),
                            sumOverColumns(b, op.getLoc(), rows, vectors, square(0)),
                            sumOverColumns(b, op.getLoc(), rows, vectors, square(1))};
    auto finish = [&](OpBuilder &b, Location loc, ValueRange elements) {
      Value row = perturbed(b, loc, elements[1], op.getRowEps());
      Value vector = perturbed(b, loc, elements[2], op.getVectorEps());
      Value cosine = arith::DivFOp::create(b, loc, elements[0], arith::MulFOp::create(b, loc, row, vector));
      Value scale = floatConstant(b, loc, op.getScale().convertToDouble());
      return fromF32(b, loc, arith::MulFOp::create(b, loc, cosine, scale), type.getElementType());
    };
    b.replaceOp(op, mapRows(b, op.getLoc(), type, sums, finish));
    return success();
  }

private:
  /// sqrt(square) + eps
  static Value perturbed(OpBuilder &b, Location loc, Value square, const APFloat &eps) {
    Value norm = math::SqrtOp::create(b, loc, square);
    return arith::AddFOp::create(b, loc, norm, floatConstant(b, loc, eps.convertToDouble()));
  }
};

} // namespace

void mlir::moe::populateScoreCosinePatterns(const TypeConverter &types, RewritePatternSet &patterns) {
  patterns.add<CosineScore>(types, patterns.getContext());
}
