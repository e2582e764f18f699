// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- SqrtSoftplus.cpp - emission of #moe.sqrt_softplus ---------------------------------------------------===//

#include "Emit.h"
#include "Kinds.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

struct SqrtSoftplusEmitter : ScoreFunctionEmitter::ExternalModel<SqrtSoftplusEmitter, SqrtSoftplusAttr> {
  SmallVector<Value> emitStatistics(Attribute, OpBuilder &, Location, ReduceFn) const { return {}; }

  Value emitScore(Attribute, OpBuilder &b, Location loc, Value logit, ValueRange) const {
    // softplus(x) = max(x, 0) + log(1 + exp(-|x|)): exp cannot overflow, and small results keep their digits.
    Value zero = emitFloat(b, loc, logit.getType(), 0.0);
    Value size = math::AbsFOp::create(b, loc, logit);
    Value exp = math::ExpOp::create(b, loc, arith::NegFOp::create(b, loc, size));
    Value positive = arith::MaximumFOp::create(b, loc, logit, zero);
    Value softplus = arith::AddFOp::create(b, loc, positive, math::Log1pOp::create(b, loc, exp));
    return math::SqrtOp::create(b, loc, softplus);
  }
};

} // namespace

void mlir::moe::attachSqrtSoftplus(MLIRContext *context) {
  SqrtSoftplusAttr::attachInterface<SqrtSoftplusEmitter>(*context);
}
