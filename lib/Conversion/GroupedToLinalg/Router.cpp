// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Router.cpp - moe.router and selections to loops over blocks of rows --------------------------------===//
//
// One task is a block of rows: their logits by the same tile product as an expert's, one panel of experts at a time,
// then the selection of each row while its logits are in L1.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "PopulatePatterns.h"
#include "RowBlocks.h"

#include "moe/Conversion/GroupedToLinalg/TileProduct.h"
#include "moe/Dialect/MoE/Routers/EmitRoute.h"

using namespace mlir;
using namespace mlir::moe;

/// Experts of a panel when no kernel configuration says so.
static constexpr int64_t kDefaultColumns = 32;

namespace {

struct LowerSelect : OpRewritePattern<SelectOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(SelectOp op, PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto body = [&](Value first, OpFoldResult rows, ValueRange blocks) -> SmallVector<Value> {
      OpFoldResult experts = rewriter.getIndexAttr(op.getLogits().getType().getDimSize(1));
      Value logits = slice(rewriter, loc, op.getLogits(), {first, rewriter.getIndexAttr(0)}, {rows, experts});
      auto routed = emitRoute(rewriter, loc, RouteSpec::of(op), logits, op.getBias(), blocks[0], blocks[1]);
      return {routed.first, routed.second};
    };
    auto loop = overRowBlocks(rewriter, loc, op.getDpsInits(), body);
    int64_t experts = op.getLogits().getType().getDimSize(1);
    Value ids = emitCapacity(rewriter, loc, op.getSelection(), experts, loop.getResult(0));
    rewriter.replaceOp(op, {ids, loop.getResult(1)});
    return success();
  }
};

/// The capacity of an expert is a matter of all rows, so it comes after the loop over blocks.
struct LowerSelectWithin : OpRewritePattern<SelectWithinOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(SelectWithinOp op, PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    RouteSpec spec = RouteSpec::ofLevel(op);
    auto body = [&](Value first, OpFoldResult rows, ValueRange blocks) -> SmallVector<Value> {
      auto block = [&](TypedValue<RankedTensorType> all) {
        return slice(rewriter, loc, all, {first, rewriter.getIndexAttr(0)},
                     {rows, rewriter.getIndexAttr(all.getType().getDimSize(1))});
      };
      EmittedRoute parent{block(op.getParentIds()), block(op.getParentWeights())};
      auto routed = emitRouteWithin(rewriter, loc, spec, static_cast<int64_t>(op.getNodes()), parent,
                                    block(op.getLogits()), blocks[0], blocks[1], emitRoute);
      return {routed.first, routed.second};
    };
    auto loop = overRowBlocks(rewriter, loc, op.getDpsInits(), body);
    int64_t experts = op.getLogits().getType().getDimSize(1);
    Value ids = emitCapacity(rewriter, loc, spec.select, experts, loop.getResult(0));
    rewriter.replaceOp(op, {ids, loop.getResult(1)});
    return success();
  }
};

/// Scores of all rows first, where they are needed; then one task is a block of windows of experts.
struct LowerSelectRows : OpRewritePattern<SelectRowsOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(SelectRowsOp op, PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    RouteSpec spec = RouteSpec::of(op);
    OpFoldResult total = tensor::getMixedSize(rewriter, loc, op.getLogits(), 0);
    OpFoldResult experts = rewriter.getIndexAttr(op.getLogits().getType().getDimSize(1));
    Value scores;
    if (RowChoice::needsScores(spec)) {
      Value init =
          tensor::EmptyOp::create(rewriter, loc, ArrayRef<OpFoldResult>{total, experts}, rewriter.getF32Type());
      auto body = [&](Value first, OpFoldResult rows, ValueRange blocks) -> SmallVector<Value> {
        Value logits = slice(rewriter, loc, op.getLogits(), {first, rewriter.getIndexAttr(0)}, {rows, experts});
        return {RowChoice::emitScores(rewriter, loc, spec, logits, blocks[0])};
      };
      scores = overRowBlocks(rewriter, loc, init, body).getResult(0);
    }
    Value windows = RowChoice::countWindows(rewriter, loc, spec.select, asValue(rewriter, loc, total));
    RowChoice choice{spec, op.getLogits(), op.getBias(), scores, windows};
    auto body = [&](Value first, OpFoldResult, ValueRange blocks) -> SmallVector<Value> {
      auto routed = choice.emit(rewriter, loc, first, blocks[0], blocks[1]);
      return {routed.first, routed.second};
    };
    rewriter.replaceOp(op, overRowBlocks(rewriter, loc, op.getDpsInits(), body));
    return success();
  }
};

struct LowerRouter : OpRewritePattern<RouterOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(RouterOp op, PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto body = [&](Value first, OpFoldResult rows, ValueRange blocks) -> SmallVector<Value> {
      Value logits = project(rewriter, op, first, rows, blocks[0]);
      auto routed = emitRoute(rewriter, loc, RouteSpec::of(op), logits, op.getRankBias(), blocks[1], blocks[2]);
      return {logits, routed.first, routed.second};
    };
    auto loop = overRowBlocks(rewriter, loc, op.getDpsInits(), body);
    int64_t experts = op.getLogits().getType().getDimSize(1);
    Value ids = emitCapacity(rewriter, loc, op.getSelection(), experts, loop.getResult(1));
    rewriter.replaceOp(op, {loop.getResult(0), ids, loop.getResult(2)});
    return success();
  }

private:
  /// The logits of a block of rows, panel by panel.
  static Value project(OpBuilder &b, RouterOp op, Value first, OpFoldResult rows, Value logits) {
    Location loc = op.getLoc();
    KernelConfigAttr config = op.getConfigAttr();
    int64_t panel = config ? config.getColumns() : kDefaultColumns;
    auto weight = op.getWeight().getType();
    OpFoldResult zero = b.getIndexAttr(0), experts = b.getIndexAttr(weight.getDimSize(0));
    Value zeroValue = indexConstant(b, loc, 0);
    auto loop = scf::ForOp::create(b, loc, zeroValue, asValue(b, loc, experts), indexConstant(b, loc, panel),
                                   ValueRange(logits));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value column = loop.getInductionVar();
    TileProduct tile;
    tile.rows = op.getRows();
    tile.firstRow = first;
    tile.numRows = asValue(b, loc, rows);
    tile.tileColumns = blockSize(b, loc, experts, column, panel);
    OpFoldResult width = b.getIndexAttr(weight.getDimSize(1));
    tile.matrices = {slice(b, loc, op.getWeight(), {column, zero}, {tile.tileColumns, width})};
    if (op.getBias())
      tile.columns = {slice(b, loc, op.getBias(), {column}, {tile.tileColumns})};
    SmallVector<OpFoldResult> offsets{zero, column}, sizes{rows, tile.tileColumns};
    tile.init = slice(b, loc, loop.getRegionIterArg(0), offsets, sizes);
    tile.outRow = zeroValue;
    tile.config = config ? Attribute(config) : b.getUnitAttr();
    Type element = op.getLogits().getType().getElementType();
    Value part = buildTileProduct(b, loc, tile, element, [&](OpBuilder &nested, Location loc, ValueRange values) {
      Value sum = values[0];
      if (values.size() == 2) {
        Value bias = values[1];
        if (!bias.getType().isF32())
          bias = arith::ExtFOp::create(nested, loc, nested.getF32Type(), bias);
        sum = arith::AddFOp::create(nested, loc, sum, bias);
      }
      return element.isF32() ? sum : arith::TruncFOp::create(nested, loc, element, sum).getResult();
    });
    SmallVector<OpFoldResult> ones(2, b.getIndexAttr(1));
    Value updated = tensor::InsertSliceOp::create(b, loc, part, loop.getRegionIterArg(0), offsets, sizes, ones);
    scf::YieldOp::create(b, loc, updated);
    return loop.getResult(0);
  }
};

} // namespace

void mlir::moe::populateRouterPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerRouter, LowerSelect, LowerSelectRows, LowerSelectWithin>(patterns.getContext());
}
