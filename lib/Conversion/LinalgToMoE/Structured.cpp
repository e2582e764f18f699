// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Structured.cpp - reading linalg ops: what they add up, multiply, fill --------------------------------===//

#include "Structured.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::moe;

OpFoldResult mlir::moe::getUniform(Value tensor) {
  Operation *op = tensor.getDefiningOp();
  if (auto fill = dyn_cast_or_null<linalg::FillOp>(op))
    return fill.getInputs().front();
  if (auto splat = dyn_cast_or_null<tensor::SplatOp>(op))
    return splat.getInput();
  SplatElementsAttr elements;
  if (matchPattern(tensor, m_Constant(&elements)))
    return elements.getSplatValue<Attribute>();
  return {};
}

bool mlir::moe::isConstant(Value value, double number) {
  OpFoldResult single = isa<TensorType>(value.getType()) ? getUniform(value) : OpFoldResult(value);
  if (auto scalar = dyn_cast_if_present<Value>(single)) {
    Attribute attribute;
    if (!matchPattern(scalar, m_Constant(&attribute)))
      return false;
    single = attribute;
  }
  auto constant = dyn_cast_if_present<FloatAttr>(dyn_cast_if_present<Attribute>(single));
  return constant && constant.getValueAsDouble() == number;
}

bool mlir::moe::isZeros(Value tensor) { return isConstant(tensor, 0.0); }

bool mlir::moe::reads(linalg::LinalgOp op, OpOperand &operand) { return op.payloadUsesValueFromOperand(&operand); }

Value mlir::moe::getSummand(linalg::LinalgOp op) {
  if (op.getNumDpsInits() != 1)
    return {};
  BlockArgument acc = op.getMatchingBlockArgument(op.getDpsInitOperand(0));
  auto add = op.getBlock()->getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>();
  if (!add || add->getBlock() != op.getBlock() || !acc.hasOneUse())
    return {};
  if (add.getLhs() == acc)
    return add.getRhs();
  return add.getRhs() == acc ? add.getLhs() : Value();
}

Value mlir::moe::stripExtension(Value value) {
  auto extension = value.getDefiningOp<arith::ExtFOp>();
  return extension ? extension.getIn() : value;
}

Value mlir::moe::inlinePayload(OpBuilder &b, linalg::LinalgOp op, ValueRange arguments) {
  IRMapping mapping;
  for (auto [operand, argument] : llvm::zip_equal(op->getOpOperands(), arguments))
    if (argument)
      mapping.map(op.getMatchingBlockArgument(&operand), argument);
  for (Operation &inner : op.getBlock()->without_terminator())
    b.clone(inner, mapping);
  return mapping.lookupOrDefault(op.getBlock()->getTerminator()->getOperand(0));
}

Value mlir::moe::createScalar(OpBuilder &b, Operation *op, ValueRange operands) {
  OperationState state(op->getLoc(), op->getName(), operands, getElementTypeOrSelf(op->getResult(0).getType()),
                       op->getAttrs());
  return b.create(state)->getResult(0);
}
