// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Router.cpp - moe.router and moe.select to loops over blocks of rows --------------------------------===//
//
// One task is a block of rows: their logits by the same tile product as an expert's, one panel of experts at a time,
// then the selection of each row while its logits are in L1.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "Builders.h"
#include "PopulatePatterns.h"

#include "moe/Conversion/GroupedToLinalg/TileProduct.h"
#include "moe/Dialect/MoE/Routers/EmitRoute.h"

using namespace mlir;
using namespace mlir::moe;

/// Experts of a panel when no kernel configuration says so.
static constexpr int64_t kDefaultColumns = 32;

/// A loop over blocks of rows of `inits`; `body` gets the first row, the row count and the blocks of the inits, and
/// returns the updated blocks.
static FailureOr<scf::ForallOp>
overRowBlocks(OpBuilder &b, Location loc, ValueRange inits,
              function_ref<FailureOr<SmallVector<Value>>(Value first, OpFoldResult rows, ValueRange blocks)> body) {
  OpFoldResult zero = b.getIndexAttr(0);
  OpFoldResult total = tensor::getMixedSize(b, loc, inits[0], 0);
  auto loop = scf::ForallOp::create(b, loc, ArrayRef<OpFoldResult>{zero}, ArrayRef<OpFoldResult>{total},
                                    ArrayRef<OpFoldResult>{b.getIndexAttr(kRowBlock)}, inits, std::nullopt);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(loop.getTerminator());
  Value first = loop.getInductionVar(0);
  OpFoldResult rows = blockSize(b, loc, total, first, kRowBlock);
  SmallVector<Value> blocks;
  SmallVector<SmallVector<OpFoldResult>> sizes;
  for (Value shared : loop.getRegionIterArgs()) {
    sizes.push_back({rows, tensor::getMixedSize(b, loc, shared, 1)});
    blocks.push_back(slice(b, loc, shared, {first, zero}, sizes.back()));
  }
  FailureOr<SmallVector<Value>> updated = body(first, rows, blocks);
  if (failed(updated))
    return failure();
  b.setInsertionPointToEnd(loop.getTerminator().getBody());
  for (auto [block, shared, size] : llvm::zip_equal(*updated, loop.getRegionIterArgs(), sizes))
    insertParallel(b, loc, block, shared, {first, zero}, size);
  return loop;
}

namespace {

struct LowerSelect : OpRewritePattern<SelectOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(SelectOp op, PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto body = [&](Value first, OpFoldResult rows, ValueRange blocks) -> FailureOr<SmallVector<Value>> {
      OpFoldResult experts = rewriter.getIndexAttr(op.getLogits().getType().getDimSize(1));
      Value logits = slice(rewriter, loc, op.getLogits(), {first, rewriter.getIndexAttr(0)}, {rows, experts});
      auto routed = emitRoute(rewriter, loc, RouteSpec::of(op), logits, op.getBias(), blocks[0], blocks[1]);
      if (failed(routed))
        return failure();
      return SmallVector<Value>{routed->first, routed->second};
    };
    auto loop = overRowBlocks(rewriter, loc, op.getDpsInits(), body);
    if (failed(loop))
      return failure();
    rewriter.replaceOp(op, *loop);
    return success();
  }
};

struct LowerRouter : OpRewritePattern<RouterOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(RouterOp op, PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto body = [&](Value first, OpFoldResult rows, ValueRange blocks) -> FailureOr<SmallVector<Value>> {
      Value logits = project(rewriter, op, first, rows, blocks[0]);
      auto routed = emitRoute(rewriter, loc, RouteSpec::of(op), logits, op.getRankBias(), blocks[1], blocks[2]);
      if (failed(routed))
        return failure();
      return SmallVector<Value>{logits, routed->first, routed->second};
    };
    auto loop = overRowBlocks(rewriter, loc, op.getDpsInits(), body);
    if (failed(loop))
      return failure();
    rewriter.replaceOp(op, *loop);
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
    Value updated =
        tensor::InsertSliceOp::create(b, loc, part, loop.getRegionIterArg(0), offsets, sizes, ones);
    scf::YieldOp::create(b, loc, updated);
    return loop.getResult(0);
  }
};

} // namespace

void mlir::moe::populateRouterPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerRouter, LowerSelect>(patterns.getContext());
}
