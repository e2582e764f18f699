// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- SerialToTasks.cpp - what a kernel does between its parallel loops becomes tasks --------------------===//
//
// The host runs nothing of a layer: it only starts kernels. So everything that touches memory must be in a parallel
// loop, if only in one of a single task.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "moe/Codegen/GPU/Passes.h"
#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace mlir::moe {
#define GEN_PASS_DEF_SERIALTOTASKS
#include "moe/Codegen/GPU/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

/// Tasks that loops cut by moe.threads should make: some for each multiprocessor of a large chip.
static constexpr int64_t kThreads = 256;

static bool hasTasks(Operation *op) {
  return op->walk([](scf::ForallOp) { return WalkResult::interrupt(); }).wasInterrupted();
}

/// Puts ops into one task, where the last of them is.
static LogicalResult makeTask(SmallVector<Operation *> &run) {
  if (run.empty())
    return success();
  OpBuilder b(run.back());
  OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
  auto task = scf::ForallOp::create(b, run.back()->getLoc(), ArrayRef<OpFoldResult>{zero}, ArrayRef<OpFoldResult>{one},
                                    ArrayRef<OpFoldResult>{one}, ValueRange(), std::nullopt);
  for (Operation *op : run) {
    if (!op->use_empty())
      return op->emitOpError("gives a value that is known on the device alone, but is needed to start kernels");
    op->moveBefore(task.getTerminator());
  }
  run.clear();
  return success();
}

static LogicalResult wrap(Block &block) {
  SmallVector<Operation *> run;
  for (Operation &op : llvm::make_early_inc_range(block)) {
    auto test = dyn_cast<scf::IfOp>(op);
    bool branches = test && hasTasks(test);
    if (branches || isa<scf::ForallOp>(op) || op.hasTrait<OpTrait::IsTerminator>()) {
      if (failed(makeTask(run)))
        return failure();
      if (branches && (failed(wrap(*test.thenBlock())) || (test.elseBlock() && failed(wrap(*test.elseBlock())))))
        return failure();
    } else if (!isa<memref::AllocOp, memref::DeallocOp>(op) && !isMemoryEffectFree(&op)) {
      run.push_back(&op);
    }
  }
  return success();
}

namespace {

struct SerialToTasks : moe::impl::SerialToTasksBase<SerialToTasks> {
  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (function.isExternal())
        continue;
      function.walk([](ThreadsOp op) {
        OpBuilder b(op);
        op.replaceAllUsesWith(arith::ConstantIndexOp::create(b, op.getLoc(), kThreads).getResult());
        op.erase();
      });
      if (failed(wrap(function.front())))
        return signalPassFailure();
    }
  }
};

} // namespace
