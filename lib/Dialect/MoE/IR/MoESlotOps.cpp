// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- MoESlotOps.cpp - verifier of the product over single slots -----------------------------------------===//

#include "ProductChecks.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::moe;

int64_t SlotMatmulOp::getNumExperts() { return matrixType(*this).getDimSize(0); }
int64_t SlotMatmulOp::getOutputColumns() { return matrixType(*this).getDimSize(1); }
int64_t SlotMatmulOp::getReductionSize() { return matrixType(*this).getDimSize(2); }

LogicalResult SlotMatmulOp::verify() {
  if (failed(verifyMatrices(*this))) // C1, C2
    return failure();
  return verifyColumns(*this); // C3, C4
}

LogicalResult SlotMatmulOp::verifyRegions() { return verifyEpilogue(*this); } // C5, C6, C7

MutableOperandRange SlotMatmulOp::getDpsInitsMutable() { return getInitMutable(); }
LogicalResult SlotMatmulOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(tensor::getMixedSizes(b, getLoc(), getInit()));
  return success();
}
void SlotMatmulOp::getAsmResultNames(OpAsmSetValueNameFn name) { name(getResult(), "slot_rows"); }
void SlotMatmulOp::getAsmBlockArgumentNames(Region &region, OpAsmSetValueNameFn name) {
  nameEpilogueArguments(*this, region, name);
}
