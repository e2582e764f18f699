// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- MoEGroupedBodyOp.cpp - the verifier of moe.grouped_body --------------------------------------------===//

#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace mlir::moe;

LogicalResult GroupedBodyOp::verify() {
  if (getRows().empty()) // C1
    return emitOpError("expects at least one operand of rows");
  if (!getOffsets().getType().hasStaticShape() || getNumExperts() < 1) // C2
    return emitOpError("expects static offsets of at least two elements, got ") << getOffsets().getType();
  for (Value weight : getWeights()) {
    auto type = cast<RankedTensorType>(weight.getType());
    if (type.getRank() < 2 || type.getDimSize(0) != getNumExperts()) // C2
      return emitOpError("expects weights of ") << getNumExperts() << " slices of rank 1 or more, got " << type;
  }
  return success();
}

static RankedTensorType anyRows(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  return RankedTensorType::get({ShapedType::kDynamic, tensor.getDimSize(1)}, tensor.getElementType());
}

LogicalResult GroupedBodyOp::verifyRegions() {
  Block &block = getBody().front();
  SmallVector<Type> expected, yielded;
  for (Value rows : getRows())
    expected.push_back(anyRows(rows.getType()));
  for (Value weight : getWeights()) {
    auto type = cast<RankedTensorType>(weight.getType());
    expected.push_back(RankedTensorType::get(type.getShape().drop_front(), type.getElementType()));
  }
  if (block.getArgumentTypes() != TypeRange(expected)) // C3
    return emitOpError("expects block arguments of types ") << expected;
  for (Value result : getResults())
    yielded.push_back(anyRows(result.getType()));
  auto yield = dyn_cast<YieldOp>(block.getTerminator());
  if (!yield || yield.getValues().getTypes() != TypeRange(yielded)) // C4
    return emitOpError("expects to yield ") << yielded;
  return verifyRowwise(block, block.getArguments().take_front(getRows().size())); // C5
}

MutableOperandRange GroupedBodyOp::getDpsInitsMutable() { return getInitsMutable(); }

LogicalResult GroupedBodyOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  for (Value init : getInits())
    shapes.push_back(tensor::getMixedSizes(b, getLoc(), init));
  return success();
}

void GroupedBodyOp::getAsmResultNames(OpAsmSetValueNameFn name) {
  for (Value result : getResults())
    name(result, "outputs");
}

void GroupedBodyOp::getAsmBlockArgumentNames(Region &region, OpAsmSetValueNameFn name) {
  for (BlockArgument argument : region.getArguments())
    name(argument, argument.getArgNumber() < getRows().size() ? "r" : "w");
}
