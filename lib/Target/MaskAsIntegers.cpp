// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- MaskAsIntegers.cpp - masked bf16 goes through memory as i16 ----------------------------------------===//

#include "moe/Target/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace mlir::moe {
#define GEN_PASS_DEF_MASKASINTEGERS
#include "moe/Target/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;

/// The vector of as many i16, for a vector of bf16; otherwise null.
static VectorType asIntegers(Type type) {
  auto vector = dyn_cast<VectorType>(type);
  if (!vector || !vector.getElementType().isBF16())
    return nullptr;
  return vector.cloneWith(std::nullopt, IntegerType::get(type.getContext(), 16));
}

static void rewrite(OpBuilder &builder, LLVM::MaskedStoreOp op) {
  VectorType integers = asIntegers(op.getValue().getType());
  if (!integers)
    return;
  builder.setInsertionPoint(op);
  op.getValueMutable().assign(LLVM::BitcastOp::create(builder, op.getLoc(), integers, op.getValue()));
}

static void rewrite(OpBuilder &builder, LLVM::MaskedLoadOp op) {
  VectorType integers = asIntegers(op.getType());
  if (!integers)
    return;
  builder.setInsertionPoint(op);
  for (OpOperand &passThrough : op.getPassThruMutable())
    passThrough.set(LLVM::BitcastOp::create(builder, op.getLoc(), integers, passThrough.get()));
  Type was = op.getType();
  op.getRes().setType(integers);
  builder.setInsertionPointAfter(op);
  auto loaded = LLVM::BitcastOp::create(builder, op.getLoc(), was, op.getRes());
  op.getRes().replaceAllUsesExcept(loaded, loaded);
}

namespace {
struct MaskAsIntegers : mlir::moe::impl::MaskAsIntegersBase<MaskAsIntegers> {
  void runOnOperation() override {
    OpBuilder builder(&getContext());
    getOperation()->walk([&](Operation *op) {
      if (auto store = dyn_cast<LLVM::MaskedStoreOp>(op))
        rewrite(builder, store);
      else if (auto load = dyn_cast<LLVM::MaskedLoadOp>(op))
        rewrite(builder, load);
    });
  }
};
} // namespace
