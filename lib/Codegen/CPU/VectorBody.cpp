// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- VectorBody.cpp - a scalar body, run on vectors -----------------------------------------------------===//

#include "VectorBody.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/OpDefinition.h"

using namespace mlir;

static Value toVector(OpBuilder &b, Location loc, Value value, int64_t lanes) {
  if (isa<VectorType>(value.getType()))
    return value;
  return vector::BroadcastOp::create(b, loc, VectorType::get({lanes}, value.getType()), value);
}

FailureOr<SmallVector<Value>> mlir::moe::inlineVectorBody(OpBuilder &b, Location loc, Block &body, ValueRange arguments,
                                                          int64_t lanes) {
  IRMapping map;
  map.map(body.getArguments(), arguments);
  for (Operation &op : body.without_terminator()) {
    SmallVector<Value> operands;
    for (Value operand : op.getOperands())
      operands.push_back(map.lookupOrDefault(operand));
    bool scalar = llvm::none_of(operands, [](Value v) { return isa<VectorType>(v.getType()); });
    if (scalar) {
      b.clone(op, map);
      continue;
    }
    if (!OpTrait::hasElementwiseMappableTraits(&op))
      return failure();
    for (Value &operand : operands)
      operand = toVector(b, loc, operand, lanes);
    SmallVector<Type> types;
    for (Type type : op.getResultTypes())
      types.push_back(VectorType::get({lanes}, type));
    OperationState state(loc, op.getName(), operands, types, op.getAttrs());
    map.map(op.getResults(), b.create(state)->getResults());
  }
  SmallVector<Value> results;
  for (Value value : body.getTerminator()->getOperands())
    results.push_back(toVector(b, loc, map.lookupOrDefault(value), lanes));
  return results;
}
