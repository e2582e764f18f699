// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- PlanAll.cpp - moe.plan_all to index arithmetic -----------------------------------------------------===//
//
// Nothing is counted or sorted: each task writes the part of one expert.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "Builders.h"
#include "PopulatePatterns.h"

#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

struct LowerPlanAll : OpRewritePattern<PlanAllOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(PlanAllOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Value offsets = emitOffsets(b, op);
    scf::ForallOp parts = emitParts(b, op);
    rewriter.replaceOp(op, {offsets, parts.getResult(0), parts.getResult(1)});
    return success();
  }

private:
  static int64_t countExperts(PlanAllOp op) { return op.getOffsets().getType().getDimSize(0) - 1; }

  /// offsets[e] = e * T.
  static Value emitOffsets(ImplicitLocOpBuilder &b, PlanAllOp op) {
    Value zero = arith::ConstantIndexOp::create(b, 0), one = arith::ConstantIndexOp::create(b, 1);
    Value end = arith::ConstantIndexOp::create(b, countExperts(op) + 1);
    auto loop = scf::ForOp::create(b, zero, end, one, ValueRange(op.getOffsetsInit()));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value expert = loop.getInductionVar();
    Value first = arith::MulIOp::create(b, expert, op.getRows());
    scf::YieldOp::create(b, ValueRange{tensor::InsertOp::create(b, first, loop.getRegionIterArg(0), expert)});
    return loop.getResult(0);
  }

  /// Rows e * T .. e * T + T - 1 of tokens and slots, one task for each expert e.
  static scf::ForallOp emitParts(ImplicitLocOpBuilder &b, PlanAllOp op) {
    Location loc = op.getLoc();
    OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1), experts = b.getIndexAttr(countExperts(op));
    auto loop = scf::ForallOp::create(b, loc, ArrayRef<OpFoldResult>{zero}, ArrayRef<OpFoldResult>{experts},
                                      ArrayRef<OpFoldResult>{one}, ValueRange{op.getTokensInit(), op.getSlotsInit()},
                                      std::nullopt);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(loop.getTerminator());
    Value expert = loop.getInductionVar(0);
    OpFoldResult first = arith::MulIOp::create(b, expert, op.getRows()).getResult(), rows = op.getRows();
    Value count = asValue(b, loc, experts);
    SmallVector<Value> parts;
    for (Value shared : loop.getRegionIterArgs())
      parts.push_back(slice(b, loc, shared, {first}, {rows}));
    auto fill = scf::ForOp::create(b, asValue(b, loc, zero), op.getRows(), asValue(b, loc, one), parts,
                                   [&](OpBuilder &nested, Location loc, Value row, ValueRange carried) {
                                     Value slot = arith::AddIOp::create(
                                         nested, loc, arith::MulIOp::create(nested, loc, row, count), expert);
                                     Value tokens = tensor::InsertOp::create(nested, loc, row, carried[0], row);
                                     Value slots = tensor::InsertOp::create(nested, loc, slot, carried[1], row);
                                     scf::YieldOp::create(nested, loc, ValueRange{tokens, slots});
                                   });
    b.setInsertionPointToEnd(loop.getTerminator().getBody());
    for (auto [part, shared] : llvm::zip_equal(fill.getResults(), loop.getRegionIterArgs()))
      insertParallel(b, loc, part, shared, {first}, {rows});
    return loop;
  }
};

} // namespace

void mlir::moe::populatePlanAllPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerPlanAll>(patterns.getContext());
}
