// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- MoEModelOps.cpp - verifiers of the model form ------------------------------------------------------===//

#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/IR/Builders.h"

#include <cmath>

using namespace mlir;
using namespace mlir::moe;

//===-- Routings --------------------------------------------------------------------------------------------===//

SelectAttrInterface RouteOp::getSelection() { return cast<SelectAttrInterface>(getSelect()); }
ScoreFunctionAttrInterface RouteOp::getScoreFunction() { return cast<ScoreFunctionAttrInterface>(getWeigh()); }

LogicalResult RouteOp::verify() {
  auto select = dyn_cast<SelectAttrInterface>(getSelect());
  if (!select) // C1
    return emitOpError("expects select to be a selection such as #moe.top_k<2>, got ") << getSelect();
  auto score = dyn_cast<ScoreFunctionAttrInterface>(getWeigh());
  if (!score) // C2
    return emitOpError("expects weigh to be a score function such as #moe.softmax, got ") << getWeigh();
  RoutingType routing = getRouting().getType();
  int64_t experts = getLogits().getType().getDimSize(1);
  if (routing.getExperts() != experts) // C3
    return emitOpError("expects a routing of ") << experts << " experts, got " << routing;
  if (failed(select.verifySelect([&] { return emitOpError(); }, experts)))
    return failure();
  if (routing.getCount() != select.getCount(experts)) // C4
    return emitOpError("expects a routing of count ") << select.getCount(experts) << ", got " << routing;
  if (routing.getAxis() != select.getSelectAxis()) // C5
    return emitOpError("expects a routing along ") << stringifyAxis(select.getSelectAxis()) << ", got " << routing;
  if (getBias() && getBias().getType().getDimSize(0) != experts) // C6
    return emitOpError("expects a bias for each expert, got ") << getBias().getType();
  if (score.isNormalizing() == (getOver() == Over::Each)) // C7
    return emitOpError(score.isNormalizing() ? "expects over all, selected or group for " : "expects over each for ")
           << getWeigh() << ", got over " << stringifyOver(getOver());
  if (getOver() == Over::Group && select.getNumGroups() == 1) // C8
    return emitOpError("expects a selection with groups for over group, got ") << getSelect();
  if (getScale() && (!std::isfinite(getScale()->convertToDouble()) || getScale()->isZero())) // C9
    return emitOpError("expects a finite scale other than zero");
  if (getRank() == Rank::Scores && getOver() == Over::Selected) // C10
    return emitOpError("cannot rank by scores that are normalised over the selected experts: rank logits, or "
                       "normalise over all");
  return success();
}
void RouteOp::getAsmResultNames(OpAsmSetValueNameFn name) { name(getRouting(), "routing"); }

SelectAttrInterface RouteWithinOp::getSelection() { return cast<SelectAttrInterface>(getSelect()); }
ScoreFunctionAttrInterface RouteWithinOp::getScoreFunction() { return cast<ScoreFunctionAttrInterface>(getWeigh()); }

LogicalResult RouteWithinOp::verify() {
  auto select = dyn_cast<SelectAttrInterface>(getSelect());
  if (!select) // C1
    return emitOpError("expects select to be a selection such as #moe.top_k<2>, got ") << getSelect();
  auto score = dyn_cast<ScoreFunctionAttrInterface>(getWeigh());
  if (!score) // C2
    return emitOpError("expects weigh to be a score function such as #moe.softmax, got ") << getWeigh();
  RoutingType parent = getParent().getType(), routing = getRouting().getType();
  int64_t experts = getLogits().getType().getDimSize(1);
  if (routing.getExperts() != experts || experts % parent.getExperts() != 0) // C3
    return emitOpError("expects the number of nodes to divide the experts, got ")
           << parent.getExperts() << " nodes, " << experts << " logits and " << routing;
  int64_t children = experts / parent.getExperts();
  if (parent.getAxis() != Axis::Expert || select.getSelectAxis() != Axis::Expert ||
      routing.getAxis() != Axis::Expert) // C5
    return emitOpError("expects parent, selection and result to pick experts, not rows");
  if (failed(select.verifySelect([&] { return emitOpError(); }, children))) // C6
    return failure();
  if (routing.getCount() != parent.getCount() * select.getCount(children)) // C4
    return emitOpError("expects a routing of count ")
           << parent.getCount() * select.getCount(children) << ", got " << routing;
  if (score.isNormalizing() == (getOver() == Over::Each) || getOver() == Over::Group) // C7
    return emitOpError(score.isNormalizing() ? "expects over all or selected for " : "expects over each for ")
           << getWeigh() << ", got over " << stringifyOver(getOver());
  return success();
}
void RouteWithinOp::getAsmResultNames(OpAsmSetValueNameFn name) { name(getRouting(), "routing"); }

LogicalResult MakeRoutingOp::verify() {
  RoutingType routing = getRouting().getType();
  if (getIds().getType().getDimSize(1) != routing.getCount() ||
      getWeights().getType().getDimSize(1) != routing.getCount()) // C1
    return emitOpError("expects ids and weights of ") << routing.getCount() << " columns";
  if (getWeights().getType().getElementType() != routing.getWeightType()) // C2
    return emitOpError("expects weights of type ") << routing.getWeightType() << ", got " << getWeights().getType();
  if (routing.getAxis() != Axis::Expert) // C3
    return emitOpError("expects a routing that picks experts, got ") << routing;
  return success();
}
void MakeRoutingOp::getAsmResultNames(OpAsmSetValueNameFn name) { name(getRouting(), "routing"); }

LogicalResult NarrowRoutingOp::verify() {
  RoutingType whole = getWhole().getType(), routing = getRouting().getType();
  if (whole.getAxis() != Axis::Expert || routing.getAxis() != Axis::Expert) // C1
    return emitOpError("expects routings that pick experts, got ") << whole << " and " << routing;
  auto begin = static_cast<int64_t>(getBegin()), end = static_cast<int64_t>(getEnd());
  if (begin < 0 || begin >= end || end > whole.getExperts()) // C2
    return emitOpError("expects a range of the ")
           << whole.getExperts() << " experts that is not empty, got from " << begin << " to " << end;
  if (routing != RoutingType::get(getContext(), end - begin, whole.getCount(), whole.getWeightType(),
                                  whole.getAxis())) // C3
    return emitOpError("expects a routing of ")
           << end - begin << " experts that is like " << whole << " otherwise, got " << routing;
  return success();
}
OpFoldResult NarrowRoutingOp::fold(FoldAdaptor) {
  return getWhole().getType() == getType() ? OpFoldResult(getWhole()) : OpFoldResult();
}
void NarrowRoutingOp::getAsmResultNames(OpAsmSetValueNameFn name) { name(getRouting(), "part"); }

LogicalResult UnpackRoutingOp::verify() {
  RoutingType routing = getRouting().getType();
  if (getIds().getType().getDimSize(1) != routing.getCount() ||
      getWeights().getType().getDimSize(1) != routing.getCount()) // C1
    return emitOpError("expects ids and weights of ") << routing.getCount() << " columns";
  if (getWeights().getType().getElementType() != routing.getWeightType()) // C2
    return emitOpError("expects weights of type ") << routing.getWeightType() << ", got " << getWeights().getType();
  return success();
}
void UnpackRoutingOp::getAsmResultNames(OpAsmSetValueNameFn name) {
  name(getIds(), "experts");
  name(getWeights(), "weights");
}

//===-- Dispatch, experts, combine --------------------------------------------------------------------------===//

LogicalResult DispatchOp::verify() {
  RaggedType ragged = getDispatched().getType();
  if (ragged.getExperts() != getRouting().getType().getExperts()) // C1
    return emitOpError("expects the routing's ") << getRouting().getType().getExperts() << " experts, got " << ragged;
  if (ragged.getWidth() != getRows().getType().getDimSize(1)) // C2
    return emitOpError("expects rows of width ") << getRows().getType().getDimSize(1) << ", got " << ragged;
  if (ragged.getElementType() != getRows().getType().getElementType()) // C3
    return emitOpError("expects elements of type ") << getRows().getType().getElementType() << ", got " << ragged;
  return success();
}
OpOperand &DispatchOp::getRoutingOperand() { return getRoutingMutable(); }
void DispatchOp::getAsmResultNames(OpAsmSetValueNameFn name) { name(getDispatched(), "rows"); }

LogicalResult ExpertsOp::verify() {
  if (getRows().empty()) // C1
    return emitOpError("expects at least one ragged operand");
  int64_t experts = getResult().getType().getExperts();
  for (Value rows : getRows())
    if (cast<RaggedType>(rows.getType()).getExperts() != experts) // C2
      return emitOpError("expects all ragged operands to have ") << experts << " experts, got " << rows.getType();
  for (Value weight : getWeights()) {
    auto type = cast<RankedTensorType>(weight.getType());
    if (type.getRank() < 2 || type.getDimSize(0) != experts) // C3
      return emitOpError("expects weights of ") << experts << " slices of rank 1 or more, got " << type;
  }
  return success();
}

LogicalResult ExpertsOp::verifyRegions() {
  Block &block = getBody().front();
  SmallVector<Type> expected;
  for (Value rows : getRows()) {
    auto ragged = cast<RaggedType>(rows.getType());
    expected.push_back(RankedTensorType::get({ShapedType::kDynamic, ragged.getWidth()}, ragged.getElementType()));
  }
  for (Value weight : getWeights()) {
    auto type = cast<RankedTensorType>(weight.getType());
    expected.push_back(RankedTensorType::get(type.getShape().drop_front(), type.getElementType()));
  }
  if (block.getArgumentTypes() != TypeRange(expected)) // C4
    return emitOpError("expects block arguments of types ") << expected;
  RaggedType ragged = getResult().getType();
  Type yielded = RankedTensorType::get({ShapedType::kDynamic, ragged.getWidth()}, ragged.getElementType());
  auto yield = dyn_cast<YieldOp>(block.getTerminator());
  if (!yield || yield.getValues().getTypes() != TypeRange(yielded)) // C5
    return emitOpError("expects to yield one ") << yielded;
  return verifyRowwise(block, block.getArguments().take_front(getRows().size())); // C6
}
void ExpertsOp::getAsmResultNames(OpAsmSetValueNameFn name) { name(getResult(), "outputs"); }
void ExpertsOp::getAsmBlockArgumentNames(Region &region, OpAsmSetValueNameFn name) {
  for (BlockArgument argument : region.getArguments())
    name(argument, argument.getArgNumber() < getRows().size() ? "r" : "w");
}

// `%rows, ... weights %w, ... : ragged types, weight types -> ragged type { region }`
ParseResult ExpertsOp::parse(OpAsmParser &parser, OperationState &result) {
  SmallVector<OpAsmParser::UnresolvedOperand> rows, weights;
  SmallVector<Type> types;
  Type resultType;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseOperandList(rows))
    return failure();
  if (succeeded(parser.parseOptionalKeyword("weights")) && parser.parseOperandList(weights))
    return failure();
  if (parser.parseOptionalAttrDictWithKeyword(result.attributes) || parser.parseColonTypeList(types) ||
      parser.parseArrow() || parser.parseType(resultType) || parser.parseRegion(*result.addRegion()))
    return failure();
  if (types.size() != rows.size() + weights.size())
    return parser.emitError(loc, "expects a type for each operand");
  result.addAttribute(getOperandSegmentSizesAttrName(result.name),
                      parser.getBuilder().getDenseI32ArrayAttr(
                          {static_cast<int32_t>(rows.size()), static_cast<int32_t>(weights.size())}));
  result.addTypes(resultType);
  ArrayRef<Type> all = types;
  return failure(parser.resolveOperands(rows, all.take_front(rows.size()), loc, result.operands) ||
                 parser.resolveOperands(weights, all.drop_front(rows.size()), loc, result.operands));
}

void ExpertsOp::print(OpAsmPrinter &printer) {
  printer << " ";
  printer.printOperands(getRows());
  if (!getWeights().empty()) {
    printer << " weights ";
    printer.printOperands(getWeights());
  }
  printer.printOptionalAttrDictWithKeyword((*this)->getAttrs(), {getOperandSegmentSizesAttrName()});
  printer << " : " << getOperandTypes() << " -> " << getResult().getType() << " ";
  printer.printRegion(getBody());
}

LogicalResult CombineOp::verify() {
  if (getRows().getType().getExperts() != getRouting().getType().getExperts()) // C1
    return emitOpError("expects the routing's experts, got ")
           << getRows().getType() << " and " << getRouting().getType();
  if (getResult().getType().getDimSize(1) != getRows().getType().getWidth()) // C2
    return emitOpError("expects a result of width ")
           << getRows().getType().getWidth() << ", got " << getResult().getType();
  if ((getRouting().getType().getAxis() == Axis::Row) != static_cast<bool>(getLike())) // C3
    return emitOpError("expects `like` exactly when the routing picks rows");
  return success();
}
OpOperand &CombineOp::getRoutingOperand() { return getRoutingMutable(); }
