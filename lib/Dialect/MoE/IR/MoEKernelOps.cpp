// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- MoEKernelOps.cpp - verifiers of the kernel stage ---------------------------------------------------===//

#include "moe/Dialect/MoE/IR/MoE.h"

using namespace mlir;
using namespace mlir::moe;

LogicalResult FromAddressOp::verify() {
  auto type = dyn_cast<MemRefType>(getMemory().getType());
  if (!type || !type.hasStaticShape() || !type.getLayout().isIdentity()) // C1
    return emitOpError("expects a static shape and an identity layout, got ") << getMemory().getType();
  return success();
}

LogicalResult PrefetchOp::verify() {
  if (getMatrices().empty()) // C1
    return emitOpError("expects at least one matrix");
  if (!llvm::all_equal(getMatrices().getTypes())) // C2
    return emitOpError("expects matrices of one type, got ") << getMatrices().getTypes();
  return success();
}

LogicalResult DotBytesOp::verify() {
  if (getCodes().getType().getNumElements() != 4 * getSums().getType().getNumElements()) // C1
    return emitOpError("expects four bytes for each lane, got ")
           << getCodes().getType() << " for " << getSums().getType();
  return success();
}

LogicalResult LookUpBytesOp::verify() {
  if (getTable().size() != 16) // C1
    return emitOpError("expects a table of 16 bytes, got ") << getTable().size();
  return success();
}
