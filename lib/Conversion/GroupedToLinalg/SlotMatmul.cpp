// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- SlotMatmul.cpp - moe.slot_matmul to loops over tiles of one row ------------------------------------===//
//
// Tasks are panels, as of a grouped product; one goes over the slots in their order. A slot is a tile of one row, or of
// none where it has no expert, so that nothing has to be skipped.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "PopulatePatterns.h"
#include "ProductPanels.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

struct LowerSlotMatmul : OpRewritePattern<SlotMatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(SlotMatmulOp op, PatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, overPanels(rewriter, op, [&](Value part, Value column, OpFoldResult columns) {
                         return overSlots(rewriter, op, part, column, columns);
                       }));
    return success();
  }

private:
  static Value overSlots(OpBuilder &b, SlotMatmulOp op, Value part, Value column, OpFoldResult columns) {
    Location loc = op.getLoc();
    Value zero = indexConstant(b, loc, 0), one = indexConstant(b, loc, 1);
    Value tokens = asValue(b, loc, tensor::getMixedSize(b, loc, op.getIds(), 0));
    Value count = indexConstant(b, loc, op.getIds().getType().getDimSize(1));
    auto outer = scf::ForOp::create(b, loc, zero, tokens, one, ValueRange(part));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(outer.getBody());
    auto inner = scf::ForOp::create(b, loc, zero, count, one, outer.getRegionIterArgs());
    scf::YieldOp::create(b, loc, inner.getResults());
    b.setInsertionPointToStart(inner.getBody());
    Value token = outer.getInductionVar(), choice = inner.getInductionVar();
    Value slot = arith::AddIOp::create(b, loc, arith::MulIOp::create(b, loc, token, count), choice);

    // Without an expert the addresses are those of expert 0, and no row is read or written.
    Value id = tensor::ExtractOp::create(b, loc, op.getIds(), ValueRange{token, choice});
    Value none = arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(0));
    Value used = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, id, none);
    Value rows = arith::IndexCastUIOp::create(b, loc, b.getIndexType(), used);
    Value known = arith::MaxSIOp::create(b, loc, id, none);
    Value expert = arith::IndexCastOp::create(b, loc, b.getIndexType(), known);

    TileProduct tile;
    tile.rows = op.getRows();
    tile.firstRow = op.getTokens() ? token : slot;
    tile.numRows = rows;
    takePanel(b, op, tile, expert, column, columns);
    tile.scalars = op.getScalars();
    tile.init = inner.getRegionIterArg(0);
    tile.outRow = slot;
    scf::YieldOp::create(b, loc, buildTile(b, op, tile));
    return outer.getResult(0);
  }
};

} // namespace

void mlir::moe::populateSlotMatmulPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerSlotMatmul>(patterns.getContext());
}
