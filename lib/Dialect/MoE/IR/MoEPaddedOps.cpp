// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- MoEPaddedOps.cpp - verifiers of the order padded to a capacity, and of the product over it ---------===//

#include "ProductChecks.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::moe;

static LogicalResult verifyCapacity(Operation *op, int64_t capacity, int64_t experts) {
  if (capacity < 1 || capacity > kMaxPaddedPlaces / experts)
    return op->emitOpError("expects capacity >= 1 and at most ")
           << kMaxPaddedPlaces << " places, got " << experts << " experts of capacity " << capacity;
  return success();
}

//===-- moe.plan_padded -------------------------------------------------------------------------------------===//

LogicalResult PlanPaddedOp::verify() {
  auto counts = getCounts().getType();
  if (!counts.hasStaticShape() || counts.getDimSize(0) < 1) // C1
    return emitOpError("expects static counts of at least one element, got ") << counts;
  auto capacity = static_cast<int64_t>(getCapacity());
  if (failed(verifyCapacity(*this, capacity, counts.getDimSize(0)))) // C2
    return failure();
  int64_t places = counts.getDimSize(0) * capacity;
  for (Value indices : {getTokens(), getSlots()})
    if (cast<RankedTensorType>(indices.getType()).getDimSize(0) != places) // C3
      return emitOpError("expects tokens and slots of ") << places << " elements, got " << indices.getType();
  return success();
}
MutableOperandRange PlanPaddedOp::getDpsInitsMutable() { return MutableOperandRange(*this, getNumOperands() - 3, 3); }
LogicalResult PlanPaddedOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  for (Value init : {getCountsInit(), getTokensInit(), getSlotsInit()})
    shapes.push_back(tensor::getMixedSizes(b, getLoc(), init));
  return success();
}
void PlanPaddedOp::getAsmResultNames(OpAsmSetValueNameFn name) {
  name(getCounts(), "counts");
  name(getTokens(), "tokens");
  name(getSlots(), "slots");
}

//===-- moe.padded_matmul -----------------------------------------------------------------------------------===//

int64_t PaddedMatmulOp::getNumExperts() { return matrixType(*this).getDimSize(0); }
int64_t PaddedMatmulOp::getOutputColumns() { return matrixType(*this).getDimSize(1); }
int64_t PaddedMatmulOp::getReductionSize() { return matrixType(*this).getDimSize(2); }

LogicalResult PaddedMatmulOp::verify() {
  if (failed(verifyMatrices(*this)) || failed(verifyColumns(*this))) // C1, C2; C3, C4
    return failure();
  if (getCounts().getType().getDimSize(0) != getNumExperts()) // C8
    return emitOpError("expects ") << getNumExperts() << " counts, got " << getCounts().getType();
  return verifyCapacity(*this, static_cast<int64_t>(getCapacity()), getNumExperts()); // C9
}

LogicalResult PaddedMatmulOp::verifyRegions() { return verifyEpilogue(*this); } // C5, C6, C7

MutableOperandRange PaddedMatmulOp::getDpsInitsMutable() { return getInitMutable(); }
LogicalResult PaddedMatmulOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(tensor::getMixedSizes(b, getLoc(), getInit()));
  return success();
}
void PaddedMatmulOp::getAsmResultNames(OpAsmSetValueNameFn name) {
  name(getResult(), getSlots() ? "slot_rows" : "product");
}
void PaddedMatmulOp::getAsmBlockArgumentNames(Region &region, OpAsmSetValueNameFn name) {
  nameEpilogueArguments(*this, region, name);
}
