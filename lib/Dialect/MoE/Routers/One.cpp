// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- One.cpp - emission of #moe.one ---------------------------------------------------------------------===//

#include "Emit.h"
#include "Kinds.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

struct OneEmitter : ScoreFunctionEmitter::ExternalModel<OneEmitter, OneAttr> {
  SmallVector<Value> emitStatistics(Attribute, OpBuilder &, Location, ReduceFn) const { return {}; }

  Value emitScore(Attribute, OpBuilder &b, Location loc, Value logit, ValueRange) const {
    return emitFloat(b, loc, logit.getType(), 1.0);
  }
};

} // namespace

void mlir::moe::attachOne(MLIRContext *context) { OneAttr::attachInterface<OneEmitter>(*context); }
