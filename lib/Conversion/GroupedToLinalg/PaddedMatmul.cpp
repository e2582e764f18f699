// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- PaddedMatmul.cpp - moe.padded_matmul to loops over tiles -------------------------------------------===//
//
// Tasks are panels, as of a grouped product; one goes over the experts, whose rows begin at multiples of the capacity.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "PopulatePatterns.h"
#include "ProductPanels.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

struct LowerPaddedMatmul : OpRewritePattern<PaddedMatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(PaddedMatmulOp op, PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    if (int64_t height = taskRows(op)) {
      // Each expert has room for as many blocks of rows.
      int64_t capacity = static_cast<int64_t>(op.getCapacity()), blocks = llvm::divideCeil(capacity, height);
      Value each = indexConstant(rewriter, loc, blocks);
      Value tiles = indexConstant(rewriter, loc, blocks * op.getNumExperts());
      rewriter.replaceOp(
          op, overTiles(rewriter, op, tiles, [&](Value number, Value part, Value column, OpFoldResult columns) {
            Value expert = arith::DivUIOp::create(rewriter, loc, number, each);
            Value block = arith::RemUIOp::create(rewriter, loc, number, each);
            Value skipped = arith::MulIOp::create(rewriter, loc, block, indexConstant(rewriter, loc, height));
            Value taken = tensor::ExtractOp::create(rewriter, loc, op.getCounts(), ValueRange(expert));
            // Rows beyond those taken are none: the smaller of both keeps the difference from going below 0.
            Value from = arith::MinUIOp::create(rewriter, loc, skipped, taken);
            AffineExpr d0 = rewriter.getAffineDimExpr(0), d1 = rewriter.getAffineDimExpr(1);
            AffineMap map = AffineMap::get(2, 0, {rewriter.getAffineConstantExpr(height), d1 - d0}, op.getContext());
            Value count = affine::AffineMinOp::create(rewriter, loc, map, ValueRange{from, taken});
            Value start = arith::MulIOp::create(rewriter, loc, expert, indexConstant(rewriter, loc, capacity));
            Value first = arith::AddIOp::create(rewriter, loc, start, from);
            return tileOf(rewriter, op, {expert, first, count}, part, column, columns);
          }));
      return success();
    }
    rewriter.replaceOp(op, overGroups(rewriter, op, [&](Value expert, Value part, Value column, OpFoldResult columns) {
                         Value capacity = indexConstant(rewriter, loc, static_cast<int64_t>(op.getCapacity()));
                         Value first = arith::MulIOp::create(rewriter, loc, expert, capacity);
                         Value count = tensor::ExtractOp::create(rewriter, loc, op.getCounts(), ValueRange(expert));
                         return tileOf(rewriter, op, {expert, first, count}, part, column, columns);
                       }));
    return success();
  }

private:
  static Value tileOf(OpBuilder &b, PaddedMatmulOp op, const GroupRows &rows, Value part, Value column,
                      OpFoldResult columns) {
    TileProduct tile;
    tile.rows = op.getRows();
    tile.firstRow = rows.first;
    tile.numRows = rows.count;
    tile.tokens = op.getTokens();
    takePanel(b, op, tile, rows.group, column, columns);
    tile.scalars = op.getScalars();
    tile.init = part;
    tile.slots = op.getSlots();
    tile.outRow = rows.first;
    return buildTile(b, op, tile);
  }
};

} // namespace

void mlir::moe::populatePaddedMatmulPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerPaddedMatmul>(patterns.getContext());
}
