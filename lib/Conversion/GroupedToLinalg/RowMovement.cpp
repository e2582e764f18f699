// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- RowMovement.cpp - moe.gather and moe.scatter that no product took in -------------------------------===//

#include "PopulatePatterns.h"
#include "RowBlocks.h"

#include "moe/Conversion/GroupedToLinalg/TileProduct.h"
#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

/// How many rows a plan has: all of them, or as many as the last of `offsets` says.
Value countRows(OpBuilder &b, Location loc, Value indices, TypedValue<RankedTensorType> offsets) {
  if (!offsets)
    return asValue(b, loc, tensor::getMixedSize(b, loc, indices, 0));
  Value last = indexConstant(b, loc, offsets.getType().getDimSize(0) - 1);
  return tensor::ExtractOp::create(b, loc, offsets, last);
}

/// One row after the other from `source` to `init`; `at` gives both positions for step i.
Value moveRows(OpBuilder &b, Location loc, Value source, Value init, Value indices, Value count,
               function_ref<std::pair<Value, Value>(Value i, Value index)> at) {
  Value zero = indexConstant(b, loc, 0), one = indexConstant(b, loc, 1);
  OpFoldResult width = tensor::getMixedSize(b, loc, source, 1);
  auto loop = scf::ForOp::create(
      b, loc, zero, count, one, ValueRange(init), [&](OpBuilder &nested, Location loc, Value i, ValueRange carried) {
        Value index = tensor::ExtractOp::create(nested, loc, indices, ValueRange(i));
        auto [from, to] = at(i, index);
        SmallVector<OpFoldResult> sizes{nested.getIndexAttr(1), width}, ones(2, nested.getIndexAttr(1));
        Value row = slice(nested, loc, source, {from, nested.getIndexAttr(0)}, sizes);
        Value updated = tensor::InsertSliceOp::create(nested, loc, row, carried[0],
                                                      ArrayRef<OpFoldResult>{to, nested.getIndexAttr(0)}, sizes, ones);
        scf::YieldOp::create(nested, loc, updated);
      });
  return loop.getResult(0);
}

struct LowerGather : OpRewritePattern<GatherOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(GatherOp op, PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value count = countRows(rewriter, loc, op.getTokens(), op.getOffsets());
    if (op.getWeights()) {
      rewriter.replaceOp(op, scaleRows(rewriter, op, count));
      return success();
    }
    rewriter.replaceOp(op, moveRows(rewriter, loc, op.getRows(), op.getInit(), op.getTokens(), count,
                                    [](Value i, Value token) { return std::make_pair(token, i); }));
    return success();
  }

private:
  /// One task is a block of sorted rows; rows that are not there are left alone.
  static scf::ForallOp scaleRows(OpBuilder &b, GatherOp op, Value count) {
    Location loc = op.getLoc();
    OpFoldResult width = tensor::getMixedSize(b, loc, op.getRows(), 1), single = b.getIndexAttr(1);
    auto body = [&](Value first, OpFoldResult rows, ValueRange blocks) -> SmallVector<Value> {
      Value zero = indexConstant(b, loc, 0), one = indexConstant(b, loc, 1);
      Value begin = arith::MinUIOp::create(b, loc, first, count);
      Value left = arith::SubIOp::create(b, loc, count, begin);
      Value end = arith::MinUIOp::create(b, loc, asValue(b, loc, rows), left);
      auto loop = scf::ForOp::create(
          b, loc, zero, end, one, blocks, [&](OpBuilder &nested, Location loc, Value i, ValueRange carried) {
            Value sorted = arith::AddIOp::create(nested, loc, first, i);
            Value token = tensor::ExtractOp::create(nested, loc, op.getTokens(), sorted);
            Value slot = tensor::ExtractOp::create(nested, loc, op.getSlots(), sorted);
            Value weight = asF32(nested, loc, tensor::ExtractOp::create(nested, loc, op.getWeights(), slot));
            SmallVector<OpFoldResult> from{token, nested.getIndexAttr(0)}, to{i, nested.getIndexAttr(0)};
            SmallVector<OpFoldResult> sizes{single, width}, ones(2, single);
            Value row = slice(nested, loc, op.getRows(), from, sizes);
            Value scaled = scaleRow(nested, loc, row, weight, slice(nested, loc, carried[0], to, sizes));
            Value updated = tensor::InsertSliceOp::create(nested, loc, scaled, carried[0], to, sizes, ones);
            scf::YieldOp::create(nested, loc, updated);
          });
      return {loop.getResult(0)};
    };
    return overRowBlocks(b, loc, op.getInit(), body);
  }

  static Value asF32(OpBuilder &b, Location loc, Value value) {
    return value.getType().isF32() ? value : arith::ExtFOp::create(b, loc, b.getF32Type(), value).getResult();
  }

  /// In f32, rounded once.
  static Value scaleRow(OpBuilder &b, Location loc, Value row, Value weight, Value out) {
    AffineMap identity = b.getMultiDimIdentityMap(2);
    SmallVector<utils::IteratorType> parallel(2, utils::IteratorType::parallel);
    auto map =
        linalg::GenericOp::create(b, loc, TypeRange(out.getType()), row, out, ArrayRef<AffineMap>{identity, identity},
                                  parallel, [&](OpBuilder &nested, Location loc, ValueRange args) {
                                    Value product =
                                        arith::MulFOp::create(nested, loc, asF32(nested, loc, args[0]), weight);
                                    if (!args[0].getType().isF32())
                                      product = arith::TruncFOp::create(nested, loc, args[0].getType(), product);
                                    linalg::YieldOp::create(nested, loc, product);
                                  });
    map->setAttr(kRowMapAttr, b.getUnitAttr());
    return map.getResult(0);
  }
};

struct LowerScatter : OpRewritePattern<ScatterOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ScatterOp op, PatternRewriter &rewriter) const override {
    Value count = countRows(rewriter, op.getLoc(), op.getSlots(), op.getOffsets());
    rewriter.replaceOp(op, moveRows(rewriter, op.getLoc(), op.getRows(), op.getInit(), op.getSlots(), count,
                                    [](Value i, Value slot) { return std::make_pair(i, slot); }));
    return success();
  }
};

} // namespace

void mlir::moe::populateRowMovementPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerGather, LowerScatter>(patterns.getContext());
}
