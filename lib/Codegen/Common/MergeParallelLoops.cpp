// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- MergeParallelLoops.cpp - independent parallel loops become one list of tasks -----------------------===//
//
// Between two parallel loops every thread waits for the slowest. Where the second needs nothing of the first, nor of
// what happens in between, it moves up, and the iterations of both are counted in one number: one fork, one join.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "BufferEffects.h"
#include "Iterations.h"
#include "moe/Codegen/Common/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Transforms/RegionUtils.h"

namespace mlir::moe {
#define GEN_PASS_DEF_MERGEPARALLELLOOPS
#include "moe/Codegen/Common/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

/// How often an inner loop runs when that is not known.
static constexpr double kUnknownTrips = 8;

/// A measure of what one iteration does: its ops, each as often as the loops round it run.
static double workOf(Block &block) {
  double work = 0;
  for (Operation &op : block) {
    double trips = 1;
    if (auto loop = dyn_cast<scf::ForOp>(op)) {
      std::optional<APInt> known = loop.getStaticTripCount();
      trips = known ? double(known->getZExtValue()) : kUnknownTrips;
    }
    work += 1;
    for (Region &region : op.getRegions())
      for (Block &nested : region)
        work += trips * workOf(nested);
  }
  return work;
}

namespace {

/// Two parallel loops of one block, `first` before `second`.
struct Pair {
  scf::ForallOp first, second;
  SmallVector<Operation *> needed; ///< ops in between that `second` takes values of, in order

  /// Why they cannot be one, or nothing; fills in `needed`.
  std::optional<StringRef> reasonAgainst() {
    if (first.getNumResults() != 0 || second.getNumResults() != 0)
      return "the loops still work on tensors";
    if (!findNeeded())
      return "the second loop needs a value that is computed after the first";
    BufferEffects mine, others;
    mine.add(second);
    llvm::SmallPtrSet<Operation *, 16> moved(needed.begin(), needed.end());
    for (Operation *op = first; op != second; op = op->getNextNode())
      if (!moved.contains(op))
        others.add(op);
    if (mine.unknown || others.unknown)
      return "it cannot be told which buffers are read and written";
    if (!mine.isIndependentOf(others))
      return "the second loop needs what the first, or an op in between, reads or writes";
    return std::nullopt;
  }

private:
  /// Sizes, views and allocations may move up with the loop.
  bool findNeeded() {
    llvm::SetVector<Value> values;
    getUsedValuesDefinedAbove(second.getRegion(), values);
    values.insert(second.getOperands().begin(), second.getOperands().end());
    llvm::SmallPtrSet<Operation *, 16> found;
    for (size_t i = 0; i != values.size(); ++i) {
      Operation *op = values[i].getDefiningOp();
      if (!op || op->getBlock() != second->getBlock() || op->isBeforeInBlock(first) || !found.insert(op).second)
        continue;
      if (op->getNumRegions() != 0 || !(isMemoryEffectFree(op) || isa<memref::AllocOp>(op)))
        return false;
      values.insert(op->getOperands().begin(), op->getOperands().end());
    }
    needed.assign(found.begin(), found.end());
    llvm::sort(needed, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
    return true;
  }
};

struct MergeParallelLoops : moe::impl::MergeParallelLoopsBase<MergeParallelLoops> {
  void runOnOperation() override {
    SmallVector<Block *> blocks;
    getOperation().walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (isa<scf::ForallOp>(op))
        return WalkResult::skip(); // A loop inside a task is serial.
      for (Region &region : op->getRegions())
        for (Block &block : region)
          blocks.push_back(&block);
      return WalkResult::advance();
    });
    for (Block *block : blocks)
      mergeIn(*block);
  }

private:
  void mergeIn(Block &block) {
    SmallVector<scf::ForallOp> loops(block.getOps<scf::ForallOp>());
    for (size_t second = 1; second < loops.size(); ++second) {
      StringRef reason;
      bool merged = false;
      for (size_t first = 0; first != second && !merged; ++first) {
        Pair pair{loops[first], loops[second], {}};
        std::optional<StringRef> against = pair.reasonAgainst();
        if (against) {
          reason = *against;
          continue;
        }
        loops[first] = merge(pair);
        loops.erase(loops.begin() + second--);
        merged = true;
      }
      if (!merged)
        remark::missed(loops[second].getLoc(), about(loops[second], "not merged")) << remark::reason("{0}", reason);
    }
  }

  remark::RemarkOpts about(Operation *op, StringRef name) {
    auto function = op->getParentOfType<func::FuncOp>();
    return remark::RemarkOpts::name(name).category(getArgument()).function(function ? function.getName() : "");
  }

  scf::ForallOp merge(Pair &pair) {
    for (Operation *op : pair.needed)
      op->moveBefore(pair.first);
    OpBuilder b(pair.first);
    Location loc = b.getFusedLoc({pair.first.getLoc(), pair.second.getLoc()});
    remark::passed(loc, about(pair.first, "merged")) << "two parallel loops into one list of tasks";
    // Large tasks first: a small one at the end keeps few threads waiting.
    scf::ForallOp large = pair.first, small = pair.second;
    if (workOf(*small.getBody()) > workOf(*large.getBody()))
      std::swap(large, small);
    SmallVector<Value> largeCounts = iterations(b, large), smallCounts = iterations(b, small);
    Value split = totalIterations(b, loc, largeCounts);
    Value total = arith::AddIOp::create(b, loc, split, totalIterations(b, loc, smallCounts));
    auto loop = scf::ForallOp::create(b, loc, ArrayRef<OpFoldResult>{total}, ValueRange(), std::nullopt);
    b.setInsertionPoint(loop.getTerminator());
    Value number = loop.getInductionVar(0);
    Value isLarge = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, number, split);
    auto choice = scf::IfOp::create(b, loc, isLarge, /*withElseRegion=*/true);
    b.setInsertionPointToStart(choice.thenBlock());
    inlineIteration(b, large, number, largeCounts);
    b.setInsertionPointToStart(choice.elseBlock());
    inlineIteration(b, small, arith::SubIOp::create(b, loc, number, split), smallCounts);
    pair.first.erase();
    pair.second.erase();
    return loop;
  }

  static void inlineIteration(OpBuilder &b, scf::ForallOp loop, Value number, ArrayRef<Value> counts) {
    IRMapping map;
    mapInductionVars(b, loop, number, counts, map);
    for (Operation &op : loop.getBody()->without_terminator())
      b.clone(op, map);
  }
};

} // namespace
