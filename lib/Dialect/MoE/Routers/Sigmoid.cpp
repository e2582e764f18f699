// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Sigmoid.cpp - emission of #moe.sigmoid -------------------------------------------------------------===//

#include "Emit.h"
#include "Kinds.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

struct SigmoidEmitter : ScoreFunctionEmitter::ExternalModel<SigmoidEmitter, SigmoidAttr> {
  SmallVector<Value> emitStatistics(Attribute, OpBuilder &, Location, ReduceFn) const { return {}; }

  Value emitScore(Attribute, OpBuilder &b, Location loc, Value logit, ValueRange) const {
    // exp(-x) is infinite for very negative x; the quotient is then 0, as it should be.
    Value one = emitFloat(b, loc, logit.getType(), 1.0);
    Value exp = math::ExpOp::create(b, loc, arith::NegFOp::create(b, loc, logit));
    return arith::DivFOp::create(b, loc, one, arith::AddFOp::create(b, loc, one, exp));
  }
};

} // namespace

void mlir::moe::attachSigmoid(MLIRContext *context) { SigmoidAttr::attachInterface<SigmoidEmitter>(*context); }
