// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Softmax.cpp - emission of #moe.softmax -------------------------------------------------------------===//

#include "Emit.h"
#include "Kinds.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

/// exp(x - max): the largest is 1, so that the sum cannot overflow. A NaN or an infinite maximum makes all scores NaN.
Value emitShiftedExp(OpBuilder &b, Location loc, Value logit, Value max) {
  Value shifted = arith::SubFOp::create(b, loc, logit, emitBroadcast(b, loc, max, logit.getType()));
  return math::ExpOp::create(b, loc, shifted);
}

struct SoftmaxEmitter : ScoreFunctionEmitter::ExternalModel<SoftmaxEmitter, SoftmaxAttr> {
  SmallVector<Value> emitStatistics(Attribute, OpBuilder &, Location, ReduceFn reduce) const {
    Value max =
        reduce(arith::AtomicRMWKind::maximumf, [](OpBuilder &, Location, Value logit) -> Value { return logit; });
    Value sum = reduce(arith::AtomicRMWKind::addf, [&](OpBuilder &b, Location loc, Value logit) -> Value {
      return emitShiftedExp(b, loc, logit, max);
    });
    return {max, sum};
  }

  Value emitScore(Attribute, OpBuilder &b, Location loc, Value logit, ValueRange statistics) const {
    Value exp = emitShiftedExp(b, loc, logit, statistics[0]);
    return arith::DivFOp::create(b, loc, exp, emitBroadcast(b, loc, statistics[1], logit.getType()));
  }
};

} // namespace

void mlir::moe::attachSoftmax(MLIRContext *context) { SoftmaxAttr::attachInterface<SoftmaxEmitter>(*context); }
