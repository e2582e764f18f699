// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- GroupedBody.cpp - moe.grouped_body to loops with the body inlined ----------------------------------===//
//
// One task is a block of sorted rows, whatever their experts: it walks the experts, and of each those rows that lie in
// its block. The body runs on one row at a time, so that what it needs between its ops is small and of fixed size.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "PopulatePatterns.h"
#include "RowBlocks.h"

#include "moe/Conversion/MoEToLinalg/Body.h"
#include "moe/Dialect/MoE/IR/MoE.h"

using namespace mlir;
using namespace mlir::moe;

static Value castTo(OpBuilder &b, Location loc, Value value, Type type) {
  return value.getType() == type ? value : tensor::CastOp::create(b, loc, type, value).getResult();
}

static Value emitRounding(OpBuilder &b, RoundRowsOp op, Value rows) {
  Location loc = op.getLoc();
  Value init = tensor::EmptyOp::create(b, loc, tensor::getMixedSizes(b, loc, rows), b.getF32Type());
  return castTo(b, loc, emitRoundRows(b, loc, rows, init), op.getResult().getType());
}

/// The body on row `row` of the operands and slice `expert` of the weights; gives one row of each result.
static SmallVector<Value> emitRow(OpBuilder &b, GroupedBodyOp op, Value row, Value expert) {
  Location loc = op.getLoc();
  OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
  Block &body = op.getBody().front();
  IRMapping map;
  auto arguments = body.getArguments();
  for (Value rows : op.getRows()) {
    OpFoldResult width = tensor::getMixedSize(b, loc, rows, 1);
    map.map(arguments.front(),
            castTo(b, loc, slice(b, loc, rows, {row, zero}, {one, width}), arguments.front().getType()));
    arguments = arguments.drop_front();
  }
  for (auto [argument, weight] : llvm::zip_equal(arguments, op.getWeights())) {
    SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, weight), offsets(sizes.size(), zero);
    offsets[0] = expert;
    sizes[0] = one;
    map.map(argument, slice(b, loc, weight, offsets, sizes, /*drop=*/{0}));
  }
  for (Operation &inner : body.without_terminator()) {
    auto lookUp = [&](ValueRange values) {
      return llvm::map_to_vector(values, [&](Value v) { return map.lookupOrDefault(v); });
    };
    if (auto linear = dyn_cast<LinearOp>(inner))
      map.map(linear.getResults(),
              emitLinear(b, linear, map.lookupOrDefault(linear.getRows()), lookUp(linear.getMatrices())));
    else if (auto rowMap = dyn_cast<MapOp>(inner))
      // Its region may take values of the body, so it is copied before it is read.
      map.map(rowMap.getResult(), [&] {
        auto copy = cast<MapOp>(b.clone(inner, map));
        Value result = emitMap(b, copy, copy.getInputs());
        copy.erase();
        return result;
      }());
    else if (auto rounding = dyn_cast<RoundRowsOp>(inner))
      map.map(rounding.getResult(), emitRounding(b, rounding, map.lookupOrDefault(rounding.getRows())));
    else
      b.clone(inner, map);
  }
  SmallVector<Value> results;
  for (Value value : cast<YieldOp>(body.getTerminator()).getValues()) {
    auto type = cast<RankedTensorType>(value.getType());
    results.push_back(castTo(b, loc, map.lookupOrDefault(value),
                             RankedTensorType::get({1, type.getDimSize(1)}, type.getElementType())));
  }
  return results;
}

namespace {

struct LowerGroupedBody : OpRewritePattern<GroupedBodyOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(GroupedBodyOp op, PatternRewriter &rewriter) const override {
    auto body = [&](Value first, OpFoldResult rows, ValueRange blocks) {
      return overExperts(rewriter, op, first, asValue(rewriter, op.getLoc(), rows), blocks);
    };
    rewriter.replaceOp(op, overRowBlocks(rewriter, op.getLoc(), op.getInits(), body));
    return success();
  }

private:
  /// The rows from `first` on, `count` of them, expert after expert.
  static SmallVector<Value> overExperts(OpBuilder &b, GroupedBodyOp op, Value first, Value count, ValueRange blocks) {
    Location loc = op.getLoc();
    Value zero = indexConstant(b, loc, 0), one = indexConstant(b, loc, 1);
    Value end = arith::AddIOp::create(b, loc, first, count);
    auto perRow = [&](Value expert) {
      return [&op, first, expert](OpBuilder &b, Location loc, Value row, ValueRange carried) {
        Value at = arith::SubIOp::create(b, loc, row, first);
        SmallVector<Value> updated;
        SmallVector<OpFoldResult> ones(2, b.getIndexAttr(1));
        for (auto [result, block] : llvm::zip_equal(emitRow(b, op, row, expert), carried))
          updated.push_back(tensor::InsertSliceOp::create(b, loc, result, block,
                                                          ArrayRef<OpFoldResult>{at, b.getIndexAttr(0)},
                                                          tensor::getMixedSizes(b, loc, result), ones));
        scf::YieldOp::create(b, loc, updated);
      };
    };
    auto loop = scf::ForOp::create(
        b, loc, zero, indexConstant(b, loc, op.getNumExperts()), one, blocks,
        [&](OpBuilder &b, Location loc, Value expert, ValueRange carried) {
          Value next = arith::AddIOp::create(b, loc, expert, one);
          Value begin =
              arith::MaxSIOp::create(b, loc, tensor::ExtractOp::create(b, loc, op.getOffsets(), expert), first);
          Value stop = arith::MinSIOp::create(b, loc, tensor::ExtractOp::create(b, loc, op.getOffsets(), next), end);
          auto rows = scf::ForOp::create(b, loc, begin, stop, one, carried, perRow(expert));
          scf::YieldOp::create(b, loc, rows.getResults());
        });
    return loop.getResults();
  }
};

} // namespace

void mlir::moe::populateGroupedBodyPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerGroupedBody>(patterns.getContext());
}
