// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- MoveAsIntegers.cpp - bf16 goes through memory as i16 -----------------------------------------------===//

#include "moe/Target/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

#include "llvm/ADT/TypeSwitch.h"

namespace mlir::moe {
#define GEN_PASS_DEF_MOVEASINTEGERS
#include "moe/Target/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;

/// i16, or the vector of as many, for bf16; otherwise null.
static Type asIntegers(Type type) {
  if (!getElementTypeOrSelf(type).isBF16())
    return nullptr;
  Type integer = IntegerType::get(type.getContext(), 16);
  auto vector = dyn_cast<VectorType>(type);
  return vector ? Type(vector.cloneWith(std::nullopt, integer)) : integer;
}

static void castOperand(OpBuilder &builder, OpOperand &operand) {
  if (Type integers = asIntegers(operand.get().getType()))
    operand.set(LLVM::BitcastOp::create(builder, operand.getOwner()->getLoc(), integers, operand.get()));
}

static void castResult(OpBuilder &builder, Value result) {
  Type was = result.getType();
  Type integers = asIntegers(was);
  if (!integers)
    return;
  builder.setInsertionPointAfterValue(result);
  result.setType(integers);
  auto loaded = LLVM::BitcastOp::create(builder, result.getLoc(), was, result);
  result.replaceAllUsesExcept(loaded, loaded);
}

namespace {
struct MoveAsIntegers : mlir::moe::impl::MoveAsIntegersBase<MoveAsIntegers> {
  void runOnOperation() override {
    OpBuilder builder(&getContext());
    getOperation()->walk([&](Operation *op) {
      builder.setInsertionPoint(op);
      TypeSwitch<Operation *>(op)
          .Case([&](LLVM::LoadOp load) { castResult(builder, load.getRes()); })
          .Case([&](LLVM::StoreOp store) { castOperand(builder, store.getValueMutable()); })
          .Case([&](LLVM::MaskedStoreOp store) { castOperand(builder, store.getValueMutable()); })
          .Case([&](LLVM::MaskedLoadOp load) {
            for (OpOperand &passThrough : load.getPassThruMutable())
              castOperand(builder, passThrough);
            castResult(builder, load.getRes());
          });
    });
  }
};
} // namespace
