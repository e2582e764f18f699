// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- All.cpp - emission of #moe.all: ids 0 .. E - 1, whatever the logits are ----------------------------===//

#include "Emit.h"
#include "Kinds.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

Value emitCount(OpBuilder &b, Location loc, int64_t experts, Value ids) {
  return emitLoop(b, loc, experts, ids, [](OpBuilder &b, Location loc, Value e, ValueRange carried) {
    Value id = arith::IndexCastOp::create(b, loc, b.getI32Type(), e);
    return SmallVector<Value>{tensor::InsertOp::create(b, loc, id, carried[0], e)};
  })[0];
}

struct AllEmitter : SelectEmitter::ExternalModel<AllEmitter, AllAttr> {
  Value emitReference(Attribute, OpBuilder &b, Location loc, Value rank) const {
    int64_t experts = cast<RankedTensorType>(rank.getType()).getDimSize(0);
    return emitCount(b, loc, experts, tensor::EmptyOp::create(b, loc, {experts}, b.getI32Type()));
  }

  SmallVector<RankedTensorType> getScratchTypes(Attribute, int64_t) const { return {}; }

  Value emitSelection(Attribute, OpBuilder &b, Location loc, int64_t experts, RankAtFn, Value idsInit,
                      MutableArrayRef<Value>) const {
    return emitCount(b, loc, experts, idsInit);
  }
};

} // namespace

void mlir::moe::attachAll(MLIRContext *context) { AllAttr::attachInterface<AllEmitter>(*context); }
