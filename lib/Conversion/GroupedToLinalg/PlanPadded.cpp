// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- PlanPadded.cpp - moe.plan_padded to one pass over the slots ----------------------------------------===//
//
// The counts are the cursors of the experts: what is left of a counting sort where groups begin at known places.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "Builders.h"
#include "PopulatePatterns.h"

#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

struct LowerPlanPadded : OpRewritePattern<PlanPaddedOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(PlanPaddedOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Value zero = arith::ConstantIndexOp::create(b, 0), one = arith::ConstantIndexOp::create(b, 1);
    Value counts = linalg::FillOp::create(b, zero, op.getCountsInit()).getResult(0);
    Value rows = asValue(b, op.getLoc(), tensor::getMixedSize(b, op.getLoc(), op.getIds(), 0));
    Value choices = arith::ConstantIndexOp::create(b, op.getIds().getType().getDimSize(1));
    SmallVector<Value> carried{counts, op.getTokensInit(), op.getSlotsInit()};
    auto outer = scf::ForOp::create(b, zero, rows, one, carried);
    b.setInsertionPointToStart(outer.getBody());
    auto inner = scf::ForOp::create(b, zero, choices, one, outer.getRegionIterArgs());
    scf::YieldOp::create(b, inner.getResults());
    b.setInsertionPointToStart(inner.getBody());
    Value token = outer.getInductionVar(), choice = inner.getInductionVar();
    Value slot = arith::AddIOp::create(b, arith::MulIOp::create(b, token, choices), choice);
    scf::YieldOp::create(b, place(b, op, token, choice, slot, inner.getRegionIterArgs()));
    rewriter.replaceOp(op, outer.getResults());
    return success();
  }

private:
  /// Puts a slot at the next place of its expert, where it has one and there is room.
  static ValueRange place(ImplicitLocOpBuilder &b, PlanPaddedOp op, Value token, Value choice, Value slot,
                          ValueRange carried) {
    Value none = arith::ConstantOp::create(b, b.getI32IntegerAttr(0));
    Value id = tensor::ExtractOp::create(b, op.getIds(), ValueRange{token, choice});
    Value used = arith::CmpIOp::create(b, arith::CmpIPredicate::sge, id, none);
    // Without an expert the count is that of expert 0, and nothing comes of it.
    Value expert = arith::IndexCastOp::create(b, b.getIndexType(), arith::MaxSIOp::create(b, id, none));
    Value capacity = arith::ConstantIndexOp::create(b, static_cast<int64_t>(op.getCapacity()));
    Value taken = tensor::ExtractOp::create(b, carried[0], ValueRange(expert));
    Value room = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, taken, capacity);
    Value fits = arith::AndIOp::create(b, used, room);
    auto guarded = scf::IfOp::create(b, carried.getTypes(), fits, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(guarded.elseBlock());
    scf::YieldOp::create(b, carried);
    b.setInsertionPointToStart(guarded.thenBlock());
    Value at = arith::AddIOp::create(b, arith::MulIOp::create(b, expert, capacity), taken);
    Value more = arith::AddIOp::create(b, taken, arith::ConstantIndexOp::create(b, 1));
    SmallVector<Value> placed{tensor::InsertOp::create(b, more, carried[0], ValueRange(expert)),
                              tensor::InsertOp::create(b, token, carried[1], ValueRange(at)),
                              tensor::InsertOp::create(b, slot, carried[2], ValueRange(at))};
    scf::YieldOp::create(b, placed);
    return guarded.getResults();
  }
};

} // namespace

void mlir::moe::populatePlanPaddedPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerPlanPadded>(patterns.getContext());
}
