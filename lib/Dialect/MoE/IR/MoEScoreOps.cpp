// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- MoEScoreOps.cpp - verifiers of scores --------------------------------------------------------------===//

#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace mlir::moe;

static LogicalResult reifyLogits(Operation *op, OpBuilder &b, Value rows, Value logits,
                                 ReifiedRankedShapedTypeDims &shapes) {
  int64_t experts = cast<RankedTensorType>(logits.getType()).getDimSize(1);
  shapes.push_back({tensor::getMixedSize(b, op->getLoc(), rows, 0), b.getIndexAttr(experts)});
  return success();
}

static LogicalResult verifyScore(Operation *op, RankedTensorType rows, RankedTensorType experts,
                                 RankedTensorType logits) {
  if (rows.getDimSize(1) != experts.getDimSize(1)) // C1
    return op->emitOpError("expects one vector of ") << rows.getDimSize(1) << " for each expert, got " << experts;
  if (logits.getDimSize(1) != experts.getDimSize(0)) // C2
    return op->emitOpError("expects logits of ") << experts.getDimSize(0) << " columns, got " << logits;
  return success();
}

LogicalResult ScoreAffineOp::verify() {
  if (failed(verifyScore(*this, getRows().getType(), getWeight().getType(), getLogits().getType())))
    return failure();
  if (getBias() && getBias().getType().getDimSize(0) != getLogits().getType().getDimSize(1)) // C3
    return emitOpError("expects a bias for each expert, got ") << getBias().getType();
  return success();
}
Value ScoreAffineOp::getScoredRows() { return getRows(); }
int64_t ScoreAffineOp::getRankingFeatures() { return getRows().getType().getDimSize(1) + (getBias() ? 1 : 0); }
LogicalResult ScoreAffineOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  return reifyLogits(*this, b, getRows(), getLogits(), shapes);
}
void ScoreAffineOp::getAsmResultNames(OpAsmSetValueNameFn name) { name(getLogits(), "logits"); }

LogicalResult ScoreNegDistanceOp::verify() {
  if (failed(verifyScore(*this, getRows().getType(), getPrototypes().getType(), getLogits().getType())))
    return failure();
  if (getPower() != 1 && getPower() != 2) // C3
    return emitOpError("expects power 1 or 2, got ") << getPower();
  return success();
}
Value ScoreNegDistanceOp::getScoredRows() { return getRows(); }
/// -|x - p|^2 ranks like 2 p.x - |p|^2, and -|x - p| ranks the same.
int64_t ScoreNegDistanceOp::getRankingFeatures() { return getRows().getType().getDimSize(1) + 1; }
LogicalResult ScoreNegDistanceOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  return reifyLogits(*this, b, getRows(), getLogits(), shapes);
}
void ScoreNegDistanceOp::getAsmResultNames(OpAsmSetValueNameFn name) { name(getLogits(), "logits"); }

LogicalResult ScoreCosineOp::verify() {
  if (failed(verifyScore(*this, getRows().getType(), getVectors().getType(), getLogits().getType())))
    return failure();
  for (const APFloat &eps : {getRowEps(), getVectorEps()})
    if (!eps.isFinite() || eps.convertToDouble() < 0) // C3
      return emitOpError("expects eps to be finite and at least 0, got ") << eps.convertToDouble();
  if (!getScale().isFinite() || getScale().isZero()) // C4
    return emitOpError("expects a finite scale other than zero");
  return success();
}
Value ScoreCosineOp::getScoredRows() { return getRows(); }
/// The factor that depends on the row is the same for all experts.
int64_t ScoreCosineOp::getRankingFeatures() { return getRows().getType().getDimSize(1); }
LogicalResult ScoreCosineOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  return reifyLogits(*this, b, getRows(), getLogits(), shapes);
}
void ScoreCosineOp::getAsmResultNames(OpAsmSetValueNameFn name) { name(getLogits(), "logits"); }
