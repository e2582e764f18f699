// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- RowMovement.cpp - moe.gather and moe.scatter that no product took in -------------------------------===//

#include "Builders.h"
#include "PopulatePatterns.h"

#include "moe/Dialect/MoE/IR/MoE.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

/// One row after the other from `source` to `init`; `at` gives both positions for step i.
Value moveRows(OpBuilder &b, Location loc, Value source, Value init, Value indices,
               function_ref<std::pair<Value, Value>(Value i, Value index)> at) {
  Value zero = indexConstant(b, loc, 0), one = indexConstant(b, loc, 1);
  Value count = asValue(b, loc, tensor::getMixedSize(b, loc, indices, 0));
  OpFoldResult width = tensor::getMixedSize(b, loc, source, 1);
  auto loop = scf::ForOp::create(
      b, loc, zero, count, one, ValueRange(init), [&](OpBuilder &nested, Location loc, Value i, ValueRange carried) {
        Value index = tensor::ExtractOp::create(nested, loc, indices, ValueRange(i));
        auto [from, to] = at(i, index);
        SmallVector<OpFoldResult> sizes{nested.getIndexAttr(1), width}, ones(2, nested.getIndexAttr(1));
        Value row = slice(nested, loc, source, {from, nested.getIndexAttr(0)}, sizes);
        Value updated =
            tensor::InsertSliceOp::create(nested, loc, row, carried[0],
                                          ArrayRef<OpFoldResult>{to, nested.getIndexAttr(0)}, sizes, ones);
        scf::YieldOp::create(nested, loc, updated);
      });
  return loop.getResult(0);
}

struct LowerGather : OpRewritePattern<GatherOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(GatherOp op, PatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, moveRows(rewriter, op.getLoc(), op.getRows(), op.getInit(), op.getTokens(),
                                    [](Value i, Value token) { return std::make_pair(token, i); }));
    return success();
  }
};

struct LowerScatter : OpRewritePattern<ScatterOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ScatterOp op, PatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, moveRows(rewriter, op.getLoc(), op.getRows(), op.getInit(), op.getSlots(),
                                    [](Value i, Value slot) { return std::make_pair(i, slot); }));
    return success();
  }
};

} // namespace

void mlir::moe::populateRowMovementPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerGather, LowerScatter>(patterns.getContext());
}
