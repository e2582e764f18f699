// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Body.cpp - the row-wise ops of expert bodies to linalg ---------------------------------------------===//

#include "PopulatePatterns.h"
#include "RowBuilders.h"

#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

struct LowerLinear : OpConversionPattern<LinearOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(LinearOp op, OpAdaptor adaptor, ConversionPatternRewriter &b) const override {
    SmallVector<Value> results;
    for (auto [matrix, result] : llvm::zip_equal(adaptor.getMatrices(), op.getResults())) {
      auto type = cast<RankedTensorType>(result.getType());
      Value product = multiply(b, op.getLoc(), adaptor.getRows(), matrix);
      if (type.getElementType() != b.getF32Type())
        product = mapRows(b, op.getLoc(), type, product, [&](OpBuilder &b, Location loc, ValueRange elements) {
          return fromF32(b, loc, elements[0], type.getElementType());
        });
      results.push_back(castTensor(b, op.getLoc(), product, type));
    }
    b.replaceOp(op, results);
    return success();
  }
};

struct LowerMap : OpConversionPattern<MapOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(MapOp op, OpAdaptor adaptor, ConversionPatternRewriter &b) const override {
    Block *body = &op.getBody().front();
    auto inlineBody = [&](OpBuilder &b, Location, ValueRange elements) {
      IRMapping mapping;
      mapping.map(body->getArguments(), elements);
      for (Operation &inner : body->without_terminator())
        b.clone(inner, mapping);
      return mapping.lookupOrDefault(body->getTerminator()->getOperand(0));
    };
    b.replaceOp(op, mapRows(b, op.getLoc(), op.getResult().getType(), adaptor.getInputs(), inlineBody));
    return success();
  }
};

} // namespace

void mlir::moe::populateBodyPatterns(const TypeConverter &types, RewritePatternSet &patterns) {
  patterns.add<LowerLinear, LowerMap>(types, patterns.getContext());
}
