// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- MoETypes.cpp - constraints of !moe.routing and !moe.ragged -----------------------------------------===//

#include "moe/Dialect/MoE/IR/MoE.h"

using namespace mlir;
using namespace mlir::moe;

static LogicalResult verifyExperts(function_ref<InFlightDiagnostic()> emitError, int64_t experts) {
  if (experts < 1 || experts > kMaxExperts)
    return emitError() << "expects 1 to " << kMaxExperts << " experts, got " << experts;
  return success();
}

LogicalResult RoutingType::verify(function_ref<InFlightDiagnostic()> emitError, int64_t experts, int64_t count,
                                  Type weightType, Axis) {
  if (failed(verifyExperts(emitError, experts))) // C1
    return failure();
  if (count < 1) // C2
    return emitError() << "expects at least one pair, got count = " << count;
  if (!isa<FloatType>(weightType)) // C3
    return emitError() << "expects a float weight type, got " << weightType;
  return success();
}

LogicalResult RaggedType::verify(function_ref<InFlightDiagnostic()> emitError, int64_t experts, int64_t width,
                                 Type elementType) {
  if (failed(verifyExperts(emitError, experts))) // C1
    return failure();
  if (width < 1) // C2
    return emitError() << "expects width >= 1, got " << width;
  if (!isa<FloatType>(elementType)) // C3
    return emitError() << "expects a float element type, got " << elementType;
  return success();
}
