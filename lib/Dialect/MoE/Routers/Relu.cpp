// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Relu.cpp - emission of #moe.relu -------------------------------------------------------------------===//

#include "Emit.h"
#include "Kinds.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

struct ReluEmitter : ScoreFunctionEmitter::ExternalModel<ReluEmitter, ReluAttr> {
  SmallVector<Value> emitStatistics(Attribute, OpBuilder &, Location, ReduceFn) const { return {}; }

  Value emitScore(Attribute, OpBuilder &b, Location loc, Value logit, ValueRange) const {
    // maximumf, not maxnumf: a NaN stays one.
    return arith::MaximumFOp::create(b, loc, logit, emitFloat(b, loc, logit.getType(), 0.0));
  }
};

} // namespace

void mlir::moe::attachRelu(MLIRContext *context) { ReluAttr::attachInterface<ReluEmitter>(*context); }
