// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- BufferEffects.cpp - which buffers an op reads and writes -------------------------------------------===//

#include "BufferEffects.h"

#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;
using namespace mlir::moe;

/// What a view is a view of, or null where that cannot be told.
static Value bufferOf(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (auto view = dyn_cast<ViewLikeOpInterface>(op)) {
      value = view.getViewSource();
      continue;
    }
    bool starts = isa<FromAddressOp>(op) || hasEffect<MemoryEffects::Allocate>(op, value);
    return starts ? value : Value();
  }
  auto owner = cast<BlockArgument>(value).getOwner()->getParentOp();
  return isa<FunctionOpInterface>(owner) ? value : Value();
}

void BufferEffects::add(Operation *op) {
  op->walk([&](Operation *inner) {
    auto interface = dyn_cast<MemoryEffectOpInterface>(inner);
    if (!interface) {
      if (!inner->hasTrait<OpTrait::HasRecursiveMemoryEffects>() && !isMemoryEffectFree(inner))
        unknown = inner;
      return;
    }
    SmallVector<MemoryEffects::EffectInstance> effects;
    interface.getEffects(effects);
    for (const MemoryEffects::EffectInstance &effect : effects) {
      if (isa<MemoryEffects::Allocate, MemoryEffects::Free>(effect.getEffect()))
        continue;
      Value buffer = effect.getValue() ? bufferOf(effect.getValue()) : Value();
      if (!buffer) {
        unknown = inner;
        continue;
      }
      if (op->isProperAncestor(buffer.getParentBlock()->getParentOp()) || buffer.getParentBlock()->getParentOp() == op)
        continue;
      (isa<MemoryEffects::Write>(effect.getEffect()) ? writes : reads).insert(buffer);
    }
  });
}

bool BufferEffects::isIndependentOf(const BufferEffects &other) const {
  auto meet = [](const llvm::DenseSet<Value> &a, const llvm::DenseSet<Value> &b) {
    return llvm::any_of(a, [&](Value value) { return b.contains(value); });
  };
  return !unknown && !other.unknown && !meet(writes, other.writes) && !meet(writes, other.reads) &&
         !meet(reads, other.writes);
}
