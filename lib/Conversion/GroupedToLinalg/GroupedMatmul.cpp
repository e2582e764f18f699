// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- GroupedMatmul.cpp - moe.grouped_matmul to loops over tiles -----------------------------------------===//
//
// One task is one panel of output columns, over all experts: every task reads each active expert's panel once and does
// the same work whatever the routing, so tasks are balanced without a look at the counts, and each element of the
// result is written by one task.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "Builders.h"
#include "PopulatePatterns.h"

#include "moe/Conversion/GroupedToLinalg/TileProduct.h"

using namespace mlir;
using namespace mlir::moe;

/// Columns of a panel when no kernel configuration says so.
static constexpr int64_t kDefaultColumns = 32;

namespace {

struct LowerGroupedMatmul : OpRewritePattern<GroupedMatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(GroupedMatmulOp op, PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    KernelConfigAttr config = op.getConfigAttr();
    int64_t panel = config ? config.getColumns() : kDefaultColumns;
    OpFoldResult outputs = rewriter.getIndexAttr(op.getOutputColumns());
    OpFoldResult zero = rewriter.getIndexAttr(0);
    OpFoldResult rows = tensor::getMixedSize(rewriter, loc, op.getInit(), 0);

    auto loop = scf::ForallOp::create(rewriter, loc, ArrayRef<OpFoldResult>{zero}, ArrayRef<OpFoldResult>{outputs},
                                      ArrayRef<OpFoldResult>{rewriter.getIndexAttr(panel)}, ValueRange(op.getInit()),
                                      std::nullopt);
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPoint(loop.getTerminator());
    Value column = loop.getInductionVar(0);
    OpFoldResult columns = blockSize(rewriter, loc, outputs, column, panel);
    SmallVector<OpFoldResult> offsets{zero, column}, sizes{rows, columns};
    Value part = slice(rewriter, loc, loop.getRegionIterArgs()[0], offsets, sizes);
    part = overExperts(rewriter, op, part, column, columns);
    rewriter.setInsertionPointToEnd(loop.getTerminator().getBody());
    insertParallel(rewriter, loc, part, loop.getRegionIterArgs()[0], offsets, sizes);
    rewriter.replaceOp(op, loop);
    return success();
  }

private:
  /// The panel `column` of every expert, one after the other: experts are data, so the IR has one size for any number.
  static Value overExperts(OpBuilder &b, GroupedMatmulOp op, Value part, Value column, OpFoldResult columns) {
    Location loc = op.getLoc();
    Value zero = indexConstant(b, loc, 0), one = indexConstant(b, loc, 1);
    auto loop = scf::ForOp::create(b, loc, zero, indexConstant(b, loc, op.getNumExperts()), one, ValueRange(part));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value expert = loop.getInductionVar();
    Value next = arith::AddIOp::create(b, loc, expert, one);
    Value first = tensor::ExtractOp::create(b, loc, op.getOffsets(), ValueRange(expert));
    Value end = tensor::ExtractOp::create(b, loc, op.getOffsets(), ValueRange(next));

    TileProduct tile;
    tile.rows = op.getRows();
    tile.firstRow = first;
    tile.numRows = arith::SubIOp::create(b, loc, end, first);
    tile.tokens = op.getTokens();
    tile.tileColumns = columns;
    OpFoldResult single = b.getIndexAttr(1), start = b.getIndexAttr(0);
    OpFoldResult reduction = b.getIndexAttr(op.getReductionSize());
    for (Value weight : op.getWeights())
      tile.matrices.push_back(
          slice(b, loc, weight, {expert, column, start}, {single, columns, reduction}, /*drop=*/{0}));
    for (Value vector : op.getColumns())
      tile.columns.push_back(slice(b, loc, vector, {expert, column}, {single, columns}, /*drop=*/{0}));
    tile.scalars = op.getScalars();
    tile.init = loop.getRegionIterArg(0);
    tile.slots = op.getSlots();
    tile.outRow = first;
    tile.config = op.getConfigAttr() ? Attribute(op.getConfigAttr()) : b.getUnitAttr();

    Block &body = op.getBody().front();
    Value updated = buildTileProduct(b, loc, tile, op.getResult().getType().getElementType(),
                                     [&](OpBuilder &nested, Location, ValueRange values) {
                                       IRMapping map;
                                       map.map(body.getArguments(), values);
                                       for (Operation &inner : body.without_terminator())
                                         nested.clone(inner, map);
                                       return map.lookupOrDefault(body.getTerminator()->getOperand(0));
                                     });
    scf::YieldOp::create(b, loc, updated);
    return loop.getResult(0);
  }
};

} // namespace

void mlir::moe::populateGroupedMatmulPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerGroupedMatmul>(patterns.getContext());
}
