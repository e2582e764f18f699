// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- SinkParallelLoops.cpp - parallel loops move into the branches that have loops to join ------------------===//
//
// A test of the number of rows parts a kernel in branches, and a loop before the test is in no block with those in
// them. What is computed before the test and needed in the branches alone, a shared expert, moves to a loop in each of
// them.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "BufferEffects.h"
#include "moe/Codegen/Common/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Remarks.h"

namespace mlir::moe {
#define GEN_PASS_DEF_SINKPARALLELLOOPS
#include "moe/Codegen/Common/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

namespace {

/// The search for loops that one loop can run beside.
class Partners {
public:
  explicit Partners(scf::ForallOp loop) { effects.add(loop); }

  bool isIndependentOf(Operation *op) const {
    BufferEffects others;
    others.add(op);
    return effects.isIndependentOf(others);
  }

  /// Finds a loop in every branch of `test`; false where one has none.
  bool findIn(scf::IfOp test) {
    size_t before = found.size();
    if (!test.getElseRegion().empty() && findIn(*test.thenBlock()) && findIn(*test.elseBlock()))
      return true;
    found.truncate(before);
    return false;
  }

  ArrayRef<scf::ForallOp> get() const { return found; }

private:
  /// The last loop of the block before anything that needs ours, so that others can still move to those before it.
  bool findIn(Block &block) {
    Operation *last = nullptr;
    for (Operation &op : block) {
      bool branches =
          isa<scf::IfOp>(op) && op.walk([](scf::ForallOp) { return WalkResult::interrupt(); }).wasInterrupted();
      if (branches && Partners(*this).findIn(cast<scf::IfOp>(op)))
        last = &op;
      if (!isIndependentOf(&op))
        break;
      if (isa<scf::ForallOp>(op))
        last = &op;
    }
    if (auto loop = dyn_cast_or_null<scf::ForallOp>(last))
      found.push_back(loop);
    return last && (isa<scf::ForallOp>(last) || findIn(cast<scf::IfOp>(last)));
  }

  BufferEffects effects;
  SmallVector<scf::ForallOp> found;
};

struct SinkParallelLoops : moe::impl::SinkParallelLoopsBase<SinkParallelLoops> {
  void runOnOperation() override {
    SmallVector<scf::ForallOp> loops;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (!function.isExternal())
        llvm::append_range(loops, function.front().getOps<scf::ForallOp>());
    // The last one first: those before it may be what it needs, and have to stay before it.
    for (scf::ForallOp loop : llvm::reverse(loops))
      if (loop.getNumResults() == 0)
        sink(loop);
  }

private:
  void sink(scf::ForallOp loop) {
    Partners partners(loop);
    for (Operation *op = loop->getNextNode(); op; op = op->getNextNode()) {
      if (auto test = dyn_cast<scf::IfOp>(op); test && partners.findIn(test))
        return moveTo(loop, partners.get());
      if (!partners.isIndependentOf(op))
        return;
    }
  }

  void moveTo(scf::ForallOp loop, ArrayRef<scf::ForallOp> partners) {
    auto function = loop->getParentOfType<func::FuncOp>();
    remark::passed(loop.getLoc(), remark::RemarkOpts::name("sunk").category(getArgument()).function(function.getName()))
        << "a parallel loop to those of " + std::to_string(partners.size()) + " branches";
    for (scf::ForallOp partner : partners)
      OpBuilder(partner).clone(*loop);
    loop.erase();
  }
};

} // namespace
