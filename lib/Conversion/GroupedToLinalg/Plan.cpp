// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Plan.cpp - moe.plan to a counting sort -------------------------------------------------------------===//
//
// Count, prefix sum, place: three serial loops over T * K small integers, a few microseconds where the products take
// milliseconds. All index arithmetic is in `index`, 64 bits wide, so T * K may pass 2^31.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "Builders.h"
#include "PopulatePatterns.h"

#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

class PlanBuilder {
public:
  PlanBuilder(PlanOp op, ImplicitLocOpBuilder &b) : op(op) {
    zero = arith::ConstantIndexOp::create(b, 0);
    one = arith::ConstantIndexOp::create(b, 1);
    count = arith::ConstantIndexOp::create(b, op.getIds().getType().getDimSize(1));
    rows = asValue(b, op.getLoc(), tensor::getMixedSize(b, op.getLoc(), op.getIds(), 0));
  }

  /// Offsets, tokens and slots.
  SmallVector<Value> build(ImplicitLocOpBuilder &b) {
    Value counts = linalg::FillOp::create(b, zero, op.getOffsetsInit()).getResult(0);
    counts = countSlots(b, op.getIds(), counts);
    auto [offsets, cursors] = prefixSums(b, counts, op.getOffsets().getType());
    SmallVector<Value> placed = place(b, cursors);
    return {offsets, placed[0], placed[1]};
  }

private:
  /// Loops over all slots, calls `body` with the row, the choice and the expert of each slot that has one; `carried`
  /// are the tensors that the loops update.
  SmallVector<Value>
  forEachSlot(ImplicitLocOpBuilder &b, Value ids, ValueRange carried,
              function_ref<SmallVector<Value>(ImplicitLocOpBuilder &, Value row, Value choice, Value expert, ValueRange)>
                  body) {
    auto outer = scf::ForOp::create(b, zero, rows, one, carried);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(outer.getBody());
    auto inner = scf::ForOp::create(b, zero, count, one, outer.getRegionIterArgs());
    scf::YieldOp::create(b, inner.getResults());
    b.setInsertionPointToStart(inner.getBody());
    Value row = outer.getInductionVar(), choice = inner.getInductionVar();
    Value id = tensor::ExtractOp::create(b, ids, ValueRange{row, choice});
    Value minusOne = arith::ConstantOp::create(b, b.getI32IntegerAttr(-1));
    Value used = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, id, minusOne);
    auto guarded = scf::IfOp::create(b, carried.getTypes(), used, /*withElseRegion=*/true);
    scf::YieldOp::create(b, guarded.getResults());
    b.setInsertionPointToStart(guarded.elseBlock());
    scf::YieldOp::create(b, inner.getRegionIterArgs());
    b.setInsertionPointToStart(guarded.thenBlock());
    Value expert = arith::IndexCastOp::create(b, b.getIndexType(), id);
    scf::YieldOp::create(b, body(b, row, choice, expert, inner.getRegionIterArgs()));
    return SmallVector<Value>(outer.getResults());
  }

  /// counts[e + 1] = number of slots of expert e.
  Value countSlots(ImplicitLocOpBuilder &b, Value ids, Value counts) {
    return forEachSlot(b, ids, counts,
                       [&](ImplicitLocOpBuilder &b, Value, Value, Value expert, ValueRange carried) -> SmallVector<Value> {
                         Value next = arith::AddIOp::create(b, expert, one);
                         Value old = tensor::ExtractOp::create(b, carried[0], ValueRange(next));
                         Value sum = arith::AddIOp::create(b, old, one);
                         return {tensor::InsertOp::create(b, sum, carried[0], ValueRange(next))};
                       })[0];
  }

  /// offsets[e] = number of slots of experts before e; the cursors start as a copy of them.
  std::pair<Value, Value> prefixSums(ImplicitLocOpBuilder &b, Value counts, RankedTensorType type) {
    Value cursors = tensor::EmptyOp::create(b, type.getShape(), type.getElementType());
    Value size = arith::ConstantIndexOp::create(b, type.getDimSize(0));
    auto loop = scf::ForOp::create(b, zero, size, one, ValueRange{counts, cursors, zero});
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value e = loop.getInductionVar();
    Value own = tensor::ExtractOp::create(b, loop.getRegionIterArg(0), ValueRange(e));
    Value sum = arith::AddIOp::create(b, loop.getRegionIterArg(2), own);
    Value offsets = tensor::InsertOp::create(b, sum, loop.getRegionIterArg(0), ValueRange(e));
    Value copied = tensor::InsertOp::create(b, sum, loop.getRegionIterArg(1), ValueRange(e));
    scf::YieldOp::create(b, ValueRange{offsets, copied, sum});
    return {loop.getResult(0), loop.getResult(1)};
  }

  /// Slots in ascending order take the next place of their expert, so the sort is stable.
  SmallVector<Value> place(ImplicitLocOpBuilder &b, Value cursors) {
    SmallVector<Value> carried{op.getTokensInit(), op.getSlotsInit(), cursors};
    return forEachSlot(b, op.getIds(), carried,
                       [&](ImplicitLocOpBuilder &b, Value row, Value choice, Value expert,
                           ValueRange carried) -> SmallVector<Value> {
                         Value at = tensor::ExtractOp::create(b, carried[2], ValueRange(expert));
                         Value first = arith::MulIOp::create(b, row, count);
                         Value slot = arith::AddIOp::create(b, first, choice);
                         Value tokens = tensor::InsertOp::create(b, row, carried[0], ValueRange(at));
                         Value slots = tensor::InsertOp::create(b, slot, carried[1], ValueRange(at));
                         Value next = arith::AddIOp::create(b, at, one);
                         return {tokens, slots, tensor::InsertOp::create(b, next, carried[2], ValueRange(expert))};
                       });
  }

  PlanOp op;
  Value zero, one, count, rows;
};

struct LowerPlan : OpRewritePattern<PlanOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(PlanOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    rewriter.replaceOp(op, PlanBuilder(op, b).build(b));
    return success();
  }
};

} // namespace

void mlir::moe::populatePlanPatterns(RewritePatternSet &patterns) { patterns.add<LowerPlan>(patterns.getContext()); }
