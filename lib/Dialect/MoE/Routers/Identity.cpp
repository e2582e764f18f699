// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Identity.cpp - emission of #moe.identity -----------------------------------------------------------===//

#include "Emit.h"
#include "Kinds.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

struct IdentityEmitter : ScoreFunctionEmitter::ExternalModel<IdentityEmitter, IdentityAttr> {
  SmallVector<Value> emitStatistics(Attribute, OpBuilder &, Location, ReduceFn) const { return {}; }

  Value emitScore(Attribute, OpBuilder &b, Location loc, Value logit, ValueRange) const { return logit; }
};

} // namespace

void mlir::moe::attachIdentity(MLIRContext *context) { IdentityAttr::attachInterface<IdentityEmitter>(*context); }
