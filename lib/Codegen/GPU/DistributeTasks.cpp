// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- DistributeTasks.cpp - the code of a task over the threads of a block -------------------------------===//
//
// All threads run the task's scalar code and its control flow alike; they share the iterations of parallel loops, and
// the first of them does what else writes memory. A barrier lies between a write and the next access by another thread.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "../Common/Iterations.h"
#include "moe/Codegen/GPU/Passes.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace mlir::moe {
#define GEN_PASS_DEF_DISTRIBUTETASKS
#include "moe/Codegen/GPU/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

namespace {

enum class Access { None, Read, Write };

Access accessOf(Operation *op) {
  if (isMemoryEffectFree(op))
    return Access::None;
  std::optional<SmallVector<MemoryEffects::EffectInstance>> effects = getEffectsRecursively(op);
  if (!effects)
    return Access::Write;
  for (const MemoryEffects::EffectInstance &effect : *effects)
    if (!isa<MemoryEffects::Read>(effect.getEffect()))
      return Access::Write;
  return effects->empty() ? Access::None : Access::Read;
}

bool hasParallelLoop(Operation *op) {
  return op
      ->walk([](Operation *nested) {
        return isa<scf::ParallelOp, scf::ForallOp>(nested) ? WalkResult::interrupt() : WalkResult::advance();
      })
      .wasInterrupted();
}

class TaskDistributor {
public:
  explicit TaskDistributor(gpu::GPUFuncOp kernel) : kernel(kernel) {}

  LogicalResult run() {
    OpBuilder b = OpBuilder::atBlockBegin(&kernel.getBody().front());
    Location loc = kernel.getLoc();
    thread = gpu::ThreadIdOp::create(b, loc, gpu::Dimension::x);
    ArrayRef<int32_t> known = *kernel.getKnownBlockSize();
    count = arith::ConstantIndexOp::create(b, loc, known[0]);
    Value zero = arith::ConstantIndexOp::create(b, loc, 0);
    first = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, thread, zero);
    return distribute(kernel.getBody().front());
  }

private:
  LogicalResult distribute(Block &block) {
    SmallVector<Operation *> ops;
    for (Operation &op : block.without_terminator())
      ops.push_back(&op);
    // The chain of ops of one thread that are next to each other.
    SmallVector<Operation *> serial;
    for (Operation *op : ops) {
      Access access = accessOf(op);
      bool parallel = isa<scf::ParallelOp, scf::ForallOp>(op), nested = !parallel && hasParallelLoop(op);
      if (access == Access::Write && !parallel && !nested) {
        serial.push_back(op);
        continue;
      }
      // What reads between two writes of one thread has to see the first.
      if (access != Access::None && failed(flush(serial)))
        return failure();
      if (access == Access::None && llvm::any_of(op->getOperands(), [&](Value operand) {
            return llvm::is_contained(serial, operand.getDefiningOp());
          }))
        if (failed(flush(serial)))
          return failure();
      if (parallel) {
        before(op, Access::Write);
        if (auto loop = dyn_cast<scf::ForallOp>(op))
          share(loop);
        else if (failed(share(cast<scf::ParallelOp>(op))))
          return failure();
        written = true;
      } else if (nested) {
        if (failed(enter(op)))
          return failure();
      } else if (access == Access::Read) {
        before(op, Access::Read);
        read = true;
      }
    }
    return flush(serial);
  }

  /// A region that all threads enter: what it leaves behind is not known before it has been entered again.
  LogicalResult enter(Operation *op) {
    for (Region &region : op->getRegions()) {
      for (Block &block : region) {
        written = read = false;
        if (failed(distribute(block)))
          return failure();
        if (!block.without_terminator().empty())
          barrier(&block.front());
      }
    }
    written = read = true;
    return success();
  }

  void barrier(Operation *op) {
    OpBuilder b(op);
    gpu::BarrierOp::create(b, op->getLoc());
  }

  /// A barrier, if what other threads did before would be in the way.
  void before(Operation *op, Access access) {
    if (written || (read && access == Access::Write)) {
      barrier(op);
      written = read = false;
    }
  }

  /// Ops that write memory, but share no work: the first thread runs them.
  LogicalResult flush(SmallVector<Operation *> &serial) {
    if (serial.empty())
      return success();
    Operation *last = serial.back();
    OpBuilder b(last);
    before(serial.front(), Access::Write);
    auto alone = scf::IfOp::create(b, last->getLoc(), first, /*withElseRegion=*/false);
    for (Operation *op : serial)
      op->moveBefore(alone.thenBlock()->getTerminator());
    for (Operation *op : serial)
      for (OpResult result : op->getResults())
        if (llvm::any_of(result.getUsers(), [&](Operation *user) { return !alone->isAncestor(user); }) &&
            failed(broadcast(result, alone)))
          return failure();
    serial.clear();
    written = true;
    return success();
  }

  /// A value that one thread computed, to all, through shared memory.
  LogicalResult broadcast(OpResult result, scf::IfOp alone) {
    Type type = result.getType();
    if (!type.isIntOrIndexOrFloat())
      return result.getOwner()->emitOpError("gives all threads a value of a type that cannot be shared: ") << type;
    Location loc = result.getLoc();
    OpBuilder b = OpBuilder::atBlockTerminator(alone.thenBlock());
    auto space = gpu::AddressSpaceAttr::get(b.getContext(), gpu::AddressSpace::Workgroup);
    Value place =
        kernel.addWorkgroupAttribution(MemRefType::get({1}, type, MemRefLayoutAttrInterface(), Attribute(space)), loc);
    Value zero = arith::ConstantIndexOp::create(b, loc, 0);
    memref::StoreOp::create(b, loc, result, place, ValueRange(zero));
    b.setInsertionPointAfter(alone);
    gpu::BarrierOp::create(b, loc);
    Value index = arith::ConstantIndexOp::create(b, loc, 0);
    Value shared = memref::LoadOp::create(b, loc, place, ValueRange(index));
    result.replaceUsesWithIf(shared, [&](OpOperand &use) { return !alone->isAncestor(use.getOwner()); });
    read = true;
    return success();
  }

  /// Every count-th iteration.
  scf::ForOp strided(OpBuilder &b, Location loc, Value total) {
    return scf::ForOp::create(b, loc, thread, total, count);
  }

  void share(scf::ForallOp loop) {
    OpBuilder b(loop);
    SmallVector<Value> counts = iterations(b, loop);
    scf::ForOp own = strided(b, loop.getLoc(), totalIterations(b, loop.getLoc(), counts));
    b.setInsertionPointToStart(own.getBody());
    IRMapping map;
    mapInductionVars(b, loop, own.getInductionVar(), counts, map);
    for (Operation &op : loop.getBody()->without_terminator())
      b.clone(op, map);
    loop.erase();
  }

  LogicalResult share(scf::ParallelOp loop) {
    if (loop.getNumReductions() != 0)
      return loop.emitOpError("has a reduction, which would be of all threads");
    OpBuilder b(loop);
    Location loc = loop.getLoc();
    SmallVector<Value> counts;
    for (auto [lower, upper, step] : llvm::zip_equal(loop.getLowerBound(), loop.getUpperBound(), loop.getStep()))
      counts.push_back(arith::CeilDivUIOp::create(b, loc, arith::SubIOp::create(b, loc, upper, lower), step));
    scf::ForOp own = strided(b, loc, totalIterations(b, loc, counts));
    b.setInsertionPointToStart(own.getBody());
    IRMapping map;
    Value rest = own.getInductionVar();
    for (size_t i = counts.size(); i-- != 0;) {
      Value place = rest;
      if (i != 0) {
        place = arith::RemUIOp::create(b, loc, rest, counts[i]);
        rest = arith::DivUIOp::create(b, loc, rest, counts[i]);
      }
      Value scaled = arith::MulIOp::create(b, loc, place, loop.getStep()[i]);
      map.map(loop.getInductionVars()[i], arith::AddIOp::create(b, loc, scaled, loop.getLowerBound()[i]));
    }
    for (Operation &op : loop.getBody()->without_terminator())
      b.clone(op, map);
    loop.erase();
    return success();
  }

  gpu::GPUFuncOp kernel;
  Value thread, count, first;
  bool written = false, read = false; ///< since the last barrier
};

struct DistributeTasks : moe::impl::DistributeTasksBase<DistributeTasks> {
  void runOnOperation() override {
    getOperation()->walk([&](gpu::GPUFuncOp kernel) {
      if (!kernel->hasAttr(kTaskCodeAttr))
        return;
      kernel->removeAttr(kTaskCodeAttr);
      if (failed(TaskDistributor(kernel).run()))
        signalPassFailure();
    });
  }
};

} // namespace
