// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- SlotMatmul.cpp - moe.slot_matmul to loops over tiles of one row ------------------------------------===//
//
// Tasks are panels, as of a grouped product; one goes over the slots in their order. A slot is a tile of one row, or of
// none where it has no expert, so that nothing has to be skipped. Where the configuration asks for small tasks, one is
// a slot and a panel.
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
    if (taskRows(op)) {
      Location loc = op.getLoc();
      Value tokens = asValue(rewriter, loc, tensor::getMixedSize(rewriter, loc, op.getIds(), 0));
      Value count = indexConstant(rewriter, loc, op.getIds().getType().getDimSize(1));
      Value slots = arith::MulIOp::create(rewriter, loc, tokens, count);
      rewriter.replaceOp(
          op, overTiles(rewriter, op, slots, [&](Value slot, Value part, Value column, OpFoldResult columns) {
            Value token = arith::DivUIOp::create(rewriter, loc, slot, count);
            Value choice = arith::RemUIOp::create(rewriter, loc, slot, count);
            return tileOf(rewriter, op, {token, choice, slot}, part, column, columns);
          }));
      return success();
    }
    rewriter.replaceOp(op, overPanels(rewriter, op, [&](Value part, Value column, OpFoldResult columns) {
                         return overSlots(rewriter, op, part, column, columns);
                       }));
    return success();
  }

private:
  struct Slot {
    Value token, choice, number;
  };

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

    Value updated = tileOf(b, op, {token, choice, slot}, inner.getRegionIterArg(0), column, columns);
    scf::YieldOp::create(b, loc, updated);
    return outer.getResult(0);
  }

  static Value tileOf(OpBuilder &b, SlotMatmulOp op, const Slot &slot, Value part, Value column, OpFoldResult columns) {
    Location loc = op.getLoc();
    // Without an expert the addresses are those of expert 0, and no row is read or written.
    Value id = tensor::ExtractOp::create(b, loc, op.getIds(), ValueRange{slot.token, slot.choice});
    Value none = arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(0));
    Value used = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, id, none);
    Value rows = arith::IndexCastUIOp::create(b, loc, b.getIndexType(), used);
    Value known = arith::MaxSIOp::create(b, loc, id, none);
    Value expert = arith::IndexCastOp::create(b, loc, b.getIndexType(), known);

    TileProduct tile;
    tile.rows = op.getRows();
    tile.firstRow = op.getTokens() ? slot.token : slot.number;
    tile.numRows = rows;
    takePanel(b, op, tile, expert, column, columns);
    tile.scalars = op.getScalars();
    tile.init = part;
    tile.outRow = slot.number;
    return buildTile(b, op, tile);
  }
};

} // namespace

void mlir::moe::populateSlotMatmulPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerSlotMatmul>(patterns.getContext());
}
