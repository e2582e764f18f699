// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- BodyMaps.cpp - moe.map out of elementwise tensor code ------------------------------------------------===//

#include "BodyMaps.h"
#include "Structured.h"

#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace mlir::moe;

/// [rows, columns], the number of rows known at run time only: what a body has of rows.
static bool hasShapeOfRows(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.getRank() == 2 && type.isDynamicDim(0) && !type.isDynamicDim(1);
}

bool BodyMaps::isElementwise(Operation *op) {
  if (op->getNumResults() != 1 || !hasShapeOfRows(op->getResult(0)))
    return false;
  auto structured = dyn_cast<linalg::LinalgOp>(op);
  if (!structured)
    return OpTrait::hasElementwiseMappableTraits(op) &&
           llvm::all_of(op->getOperands(), [](Value v) { return hasShapeOfRows(v); });
  AffineMap result = structured.getIndexingMapMatchingResult(op->getResult(0));
  if (!structured.isAllParallelLoops() || structured.getNumLoops() != 2 || !result.isPermutation() ||
      structured.hasIndexSemantics())
    return false;
  return llvm::all_of(structured.getDpsInputOperands(), [&](OpOperand *operand) {
    AffineMap map = structured.getMatchingIndexingMap(operand);
    return !isa<RankedTensorType>(operand->get().getType()) || map == result ||
           (map.getNumResults() == 1 && map.getResult(0) == result.getResult(1));
  });
}

SmallVector<Value> BodyMaps::operandsOf(Operation *op) {
  auto structured = dyn_cast<linalg::LinalgOp>(op);
  SmallVector<Value> operands(op->getOperands());
  if (structured)
    for (auto [index, operand] : llvm::enumerate(op->getOpOperands()))
      if (!reads(structured, operand))
        operands[index] = nullptr;
  return operands;
}

Value BodyMaps::behindBroadcast(Value tensor) {
  auto op = tensor.getDefiningOp<linalg::LinalgOp>();
  if (!op || !isElementwise(op))
    return tensor;
  auto yielded = dyn_cast<BlockArgument>(op.getBlock()->getTerminator()->getOperand(0));
  if (!yielded || yielded.getOwner() != op.getBlock())
    return tensor;
  Value source = op.getMatchingOpOperand(yielded)->get();
  auto type = dyn_cast<RankedTensorType>(source.getType());
  return type && type.getRank() == 1 ? source : tensor;
}

Operation *BodyMaps::getJoined(Value tensor) const {
  Operation *op = tensor.getDefiningOp();
  if (!op)
    return nullptr;
  if (made.contains(op))
    return tensor.hasOneUse() ? op : nullptr;
  // Truth values and integers are no rows of a map.
  return isElementwise(op) && !isa<FloatType>(getElementTypeOrSelf(tensor.getType())) ? op : nullptr;
}

std::optional<StringRef> BodyMaps::collect(Value operand, Inputs &inputs) const {
  if (!operand || !isa<RankedTensorType>(operand.getType()) || getUniform(operand))
    return std::nullopt;
  if (Operation *op = getJoined(operand)) {
    for (Value joined : operandsOf(op))
      if (auto reason = collect(joined, inputs))
        return reason;
    return std::nullopt;
  }
  operand = behindBroadcast(operand);
  auto type = cast<RankedTensorType>(operand.getType());
  if (!isa<FloatType>(type.getElementType()))
    return "it takes rows of numbers that are no floats";
  (type.getRank() == 1 ? inputs.vectors : inputs.rows).insert(operand);
  return std::nullopt;
}

std::optional<StringRef> BodyMaps::reasonAgainst(Operation *op) {
  if (!isElementwise(op))
    return "it is neither a product of rows nor elementwise";
  if (!isa<FloatType>(getElementTypeOrSelf(op->getResult(0).getType())))
    return "it gives rows of numbers that are no floats";
  Inputs inputs;
  for (Value operand : operandsOf(op))
    if (auto reason = collect(operand, inputs))
      return reason;
  if (inputs.rows.empty())
    return "it takes no rows";
  return std::nullopt;
}

Value BodyMaps::emit(OpBuilder &b, Value operand, IRMapping &arguments) const {
  if (!operand || !isa<RankedTensorType>(operand.getType()))
    return operand;
  if (OpFoldResult uniform = getUniform(operand)) {
    if (auto scalar = dyn_cast<Value>(uniform))
      return scalar;
    return arith::ConstantOp::create(b, operand.getLoc(), cast<TypedAttr>(cast<Attribute>(uniform)));
  }
  if (arguments.contains(operand))
    return arguments.lookup(operand);
  if (Operation *op = getJoined(operand)) {
    Value element = emitOp(b, op, arguments);
    arguments.map(operand, element);
    return element;
  }
  return arguments.lookup(behindBroadcast(operand));
}

Value BodyMaps::emitOp(OpBuilder &b, Operation *op, IRMapping &arguments) const {
  SmallVector<Value> elements;
  for (Value operand : operandsOf(op))
    elements.push_back(emit(b, operand, arguments));
  if (auto structured = dyn_cast<linalg::LinalgOp>(op))
    return inlinePayload(b, structured, elements);
  auto map = dyn_cast<MapOp>(op);
  if (!map)
    return createScalar(b, op, elements);
  IRMapping inside;
  inside.map(map.getBody().getArguments(), elements);
  for (Operation &inner : map.getBody().front().without_terminator())
    b.clone(inner, inside);
  return inside.lookupOrDefault(map.getBody().front().getTerminator()->getOperand(0));
}

void BodyMaps::convert(RewriterBase &b, Operation *op) {
  Inputs inputs;
  for (Value operand : operandsOf(op))
    collect(operand, inputs);
  SmallVector<Value> all(inputs.rows.begin(), inputs.rows.end());
  all.append(inputs.vectors.begin(), inputs.vectors.end());

  b.setInsertionPoint(op);
  auto map = MapOp::create(b, op->getLoc(), cast<RankedTensorType>(op->getResult(0).getType()), all);
  Block *block = b.createBlock(&map.getBody());
  IRMapping arguments;
  for (Value input : all)
    arguments.map(input, block->addArgument(getElementTypeOrSelf(input.getType()), input.getLoc()));
  Value element = emitOp(b, op, arguments);
  YieldOp::create(b, op->getLoc(), element);

  SmallVector<Operation *> joined;
  for (Value operand : op->getOperands())
    if (made.contains(operand.getDefiningOp()))
      joined.push_back(operand.getDefiningOp());
  // A copy of rows is those rows.
  auto argument = dyn_cast<BlockArgument>(element);
  if (argument && argument.getOwner() == block && all[argument.getArgNumber()].getType() == map.getType()) {
    b.replaceOp(op, all[argument.getArgNumber()]);
    b.eraseOp(map);
  } else {
    b.replaceOp(op, map.getResult());
    made.insert(map);
  }
  for (Operation *old : llvm::SetVector<Operation *>(joined.begin(), joined.end()))
    if (old->use_empty()) {
      made.erase(old);
      b.eraseOp(old);
    }
}
