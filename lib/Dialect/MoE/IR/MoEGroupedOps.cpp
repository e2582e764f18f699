// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- MoEGroupedOps.cpp - verifiers of the grouped form --------------------------------------------------===//

#include "ProductChecks.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace mlir::moe;

/// Results of a destination-style op have the shapes of its inits.
static LogicalResult reifyFromInits(DestinationStyleOpInterface op, OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  for (Value init : op.getDpsInits())
    shapes.push_back(tensor::getMixedSizes(b, op.getLoc(), init));
  return success();
}

/// Whether two shapes can be the same at run time in their second dimension and have one element type.
static bool sameColumns(RankedTensorType a, RankedTensorType b) {
  return a.getDimSize(1) == b.getDimSize(1) && a.getElementType() == b.getElementType();
}

/// The checks that selecting ops share: the attributes of a route, and the columns of ids and weights. A row selects
/// among `experts` for each of `nodes`.
template <typename OpTy>
static LogicalResult verifySelection(OpTy op, int64_t experts, Axis axis = Axis::Expert, int64_t nodes = 1) {
  auto select = dyn_cast<SelectAttrInterface>(op.getSelect());
  if (!select)
    return op.emitOpError("expects select to be a selection such as #moe.top_k<2>, got ") << op.getSelect();
  if (!isa<ScoreFunctionAttrInterface>(op.getWeigh()))
    return op.emitOpError("expects weigh to be a score function such as #moe.softmax, got ") << op.getWeigh();
  if (select.getSelectAxis() != axis)
    return op.emitOpError("expects a selection that picks ")
           << (axis == Axis::Expert ? "experts" : "rows") << ", got " << op.getSelect();
  if (failed(select.verifySelect([&] { return op.emitOpError(); }, experts)))
    return failure();
  int64_t count = select.getCount(experts) * nodes;
  if (op.getIds().getType().getDimSize(1) != count || op.getWeights().getType().getDimSize(1) != count)
    return op.emitOpError("expects ids and weights of ") << count << " columns";
  return success();
}

static LogicalResult verifyBias(Operation *op, Value bias, int64_t experts) {
  if (bias && cast<RankedTensorType>(bias.getType()).getDimSize(0) != experts)
    return op->emitOpError("expects a bias for each expert, got ") << bias.getType();
  return success();
}

//===-- moe.select ------------------------------------------------------------------------------------------===//

SelectAttrInterface SelectOp::getSelection() { return cast<SelectAttrInterface>(getSelect()); }
ScoreFunctionAttrInterface SelectOp::getScoreFunction() { return cast<ScoreFunctionAttrInterface>(getWeigh()); }

LogicalResult SelectOp::verify() {
  int64_t experts = getLogits().getType().getDimSize(1);
  if (failed(verifySelection(*this, experts))) // C1, C2
    return failure();
  return verifyBias(*this, getBias(), experts); // C3
}
MutableOperandRange SelectOp::getDpsInitsMutable() { return MutableOperandRange(*this, getNumOperands() - 2, 2); }
LogicalResult SelectOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  return reifyFromInits(*this, b, shapes);
}
void SelectOp::getAsmResultNames(OpAsmSetValueNameFn name) {
  name(getIds(), "experts");
  name(getWeights(), "weights");
}

//===-- moe.select_rows, moe.select_within ------------------------------------------------------------------===//

SelectAttrInterface SelectRowsOp::getSelection() { return cast<SelectAttrInterface>(getSelect()); }
ScoreFunctionAttrInterface SelectRowsOp::getScoreFunction() { return cast<ScoreFunctionAttrInterface>(getWeigh()); }

LogicalResult SelectRowsOp::verify() {
  int64_t experts = getLogits().getType().getDimSize(1);
  if (failed(verifySelection(*this, experts, Axis::Row))) // C1, C2
    return failure();
  return verifyBias(*this, getBias(), experts); // C3
}
MutableOperandRange SelectRowsOp::getDpsInitsMutable() { return MutableOperandRange(*this, getNumOperands() - 2, 2); }
LogicalResult SelectRowsOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  return reifyFromInits(*this, b, shapes);
}
void SelectRowsOp::getAsmResultNames(OpAsmSetValueNameFn name) {
  name(getIds(), "rows");
  name(getWeights(), "weights");
}

SelectAttrInterface SelectWithinOp::getSelection() { return cast<SelectAttrInterface>(getSelect()); }
ScoreFunctionAttrInterface SelectWithinOp::getScoreFunction() { return cast<ScoreFunctionAttrInterface>(getWeigh()); }

LogicalResult SelectWithinOp::verify() {
  int64_t experts = getLogits().getType().getDimSize(1);
  auto nodes = static_cast<int64_t>(getNodes());
  if (nodes < 1 || experts % nodes != 0) // C2
    return emitOpError("expects the number of nodes to divide the experts, got ")
           << nodes << " nodes and " << experts << " experts";
  int64_t parents = getParentIds().getType().getDimSize(1);
  if (failed(verifySelection(*this, experts / nodes, Axis::Expert, parents))) // C1, C3, C4
    return failure();
  if (getParentWeights().getType().getDimSize(1) != parents) // C5
    return emitOpError("expects weights of ")
           << parents << " columns for the nodes, got " << getParentWeights().getType();
  return success();
}
MutableOperandRange SelectWithinOp::getDpsInitsMutable() { return MutableOperandRange(*this, getNumOperands() - 2, 2); }
LogicalResult SelectWithinOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  return reifyFromInits(*this, b, shapes);
}
void SelectWithinOp::getAsmResultNames(OpAsmSetValueNameFn name) {
  name(getIds(), "experts");
  name(getWeights(), "weights");
}

//===-- moe.router ------------------------------------------------------------------------------------------===//

SelectAttrInterface RouterOp::getSelection() { return cast<SelectAttrInterface>(getSelect()); }
ScoreFunctionAttrInterface RouterOp::getScoreFunction() { return cast<ScoreFunctionAttrInterface>(getWeigh()); }

LogicalResult RouterOp::verify() {
  auto weight = getWeight().getType();
  if (weight.getDimSize(1) != getRows().getType().getDimSize(1)) // C1
    return emitOpError("expects one vector of ")
           << getRows().getType().getDimSize(1) << " for each expert, got " << weight;
  int64_t experts = weight.getDimSize(0);
  if (getLogits().getType().getDimSize(1) != experts) // C2
    return emitOpError("expects logits of ") << experts << " columns, got " << getLogits().getType();
  if (failed(verifySelection(*this, experts))) // C3, C5
    return failure();
  if (failed(verifyBias(*this, getBias(), experts))) // C4
    return failure();
  return verifyBias(*this, getRankBias(), experts); // C4
}
MutableOperandRange RouterOp::getDpsInitsMutable() { return MutableOperandRange(*this, getNumOperands() - 3, 3); }
LogicalResult RouterOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  return reifyFromInits(*this, b, shapes);
}
void RouterOp::getAsmResultNames(OpAsmSetValueNameFn name) {
  name(getLogits(), "logits");
  name(getIds(), "experts");
  name(getWeights(), "weights");
}

//===-- moe.plan --------------------------------------------------------------------------------------------===//

/// The checks of a plan, however it orders slots.
template <typename OpTy>
static LogicalResult verifyPlan(OpTy op) {
  auto offsets = op.getOffsets().getType();
  if (!offsets.hasStaticShape() || offsets.getDimSize(0) < 2) // C1
    return op.emitOpError("expects static offsets of at least two elements, got ") << offsets;
  if (op.getTokens().getType() != op.getSlots().getType()) // C2
    return op.emitOpError("expects tokens and slots of one type, got ")
           << op.getTokens().getType() << " and " << op.getSlots().getType();
  return success();
}

LogicalResult PlanOp::verify() {
  if (auto capacity = getCapacityAttr(); capacity && capacity.getInt() < 1) // C3
    return emitOpError("expects capacity >= 1, got ") << capacity.getInt();
  return verifyPlan(*this);
}
MutableOperandRange PlanOp::getDpsInitsMutable() { return MutableOperandRange(*this, getNumOperands() - 3, 3); }
LogicalResult PlanOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  return reifyFromInits(*this, b, shapes);
}
void PlanOp::getAsmResultNames(OpAsmSetValueNameFn name) {
  name(getOffsets(), "offsets");
  name(getTokens(), "tokens");
  name(getSlots(), "slots");
}

LogicalResult PlanRowsOp::verify() { return verifyPlan(*this); }
MutableOperandRange PlanRowsOp::getDpsInitsMutable() { return MutableOperandRange(*this, getNumOperands() - 3, 3); }
LogicalResult PlanRowsOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  return reifyFromInits(*this, b, shapes);
}
void PlanRowsOp::getAsmResultNames(OpAsmSetValueNameFn name) {
  name(getOffsets(), "offsets");
  name(getTokens(), "tokens");
  name(getSlots(), "slots");
}

LogicalResult PlanAllOp::verify() { return verifyPlan(*this); }
MutableOperandRange PlanAllOp::getDpsInitsMutable() { return MutableOperandRange(*this, getNumOperands() - 3, 3); }
LogicalResult PlanAllOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  return reifyFromInits(*this, b, shapes);
}
void PlanAllOp::getAsmResultNames(OpAsmSetValueNameFn name) {
  name(getOffsets(), "offsets");
  name(getTokens(), "tokens");
  name(getSlots(), "slots");
}

//===-- moe.gather, moe.scatter -----------------------------------------------------------------------------===//

LogicalResult GatherOp::verify() {
  if (!sameColumns(getRows().getType(), getResult().getType())) // C1
    return emitOpError("expects rows and result of one width and element type, got ")
           << getRows().getType() << " and " << getResult().getType();
  if (static_cast<bool>(getWeights()) != static_cast<bool>(getSlots())) // C2
    return emitOpError("expects weights and the slots to read them at together, got only one of them");
  return success();
}
MutableOperandRange GatherOp::getDpsInitsMutable() { return getInitMutable(); }
LogicalResult GatherOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  return reifyFromInits(*this, b, shapes);
}
void GatherOp::getAsmResultNames(OpAsmSetValueNameFn name) { name(getResult(), "rows"); }

LogicalResult ScatterOp::verify() {
  if (!sameColumns(getRows().getType(), getResult().getType())) // C1
    return emitOpError("expects rows and result of one width and element type, got ")
           << getRows().getType() << " and " << getResult().getType();
  return success();
}
MutableOperandRange ScatterOp::getDpsInitsMutable() { return getInitMutable(); }
LogicalResult ScatterOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  return reifyFromInits(*this, b, shapes);
}
void ScatterOp::getAsmResultNames(OpAsmSetValueNameFn name) { name(getResult(), "slot_rows"); }

//===-- moe.grouped_matmul ----------------------------------------------------------------------------------===//

int64_t GroupedMatmulOp::getNumExperts() { return matrixType(*this).getDimSize(0); }
int64_t GroupedMatmulOp::getOutputColumns() { return matrixType(*this).getDimSize(1); }
int64_t GroupedMatmulOp::getReductionSize() { return matrixType(*this).getDimSize(2); }

LogicalResult GroupedMatmulOp::verify() {
  if (failed(verifyMatrices(*this))) // C1, C2
    return failure();
  if (getOffsets().getType().getDimSize(0) != getNumExperts() + 1) // C3
    return emitOpError("expects ") << getNumExperts() + 1 << " offsets, got " << getOffsets().getType();
  return verifyColumns(*this); // C4, C5
}

LogicalResult GroupedMatmulOp::verifyRegions() { return verifyEpilogue(*this); } // C6, C7, C8

MutableOperandRange GroupedMatmulOp::getDpsInitsMutable() { return getInitMutable(); }
LogicalResult GroupedMatmulOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  return reifyFromInits(*this, b, shapes);
}
void GroupedMatmulOp::getAsmResultNames(OpAsmSetValueNameFn name) {
  name(getResult(), getSlots() ? "slot_rows" : "product");
}
void GroupedMatmulOp::getAsmBlockArgumentNames(Region &region, OpAsmSetValueNameFn name) {
  nameEpilogueArguments(*this, region, name);
}

//===-- moe.combine_slots, moe.combine_rows -----------------------------------------------------------------===//

/// Whether weights are there exactly where the kind needs them, with `count` columns.
template <typename OpTy>
static bool hasRightWeights(OpTy op, int64_t count) {
  bool needed = op.getKind() == CombineKind::WeightedSum || op.getKind() == CombineKind::LogSumExp;
  return needed == static_cast<bool>(op.getWeights()) && (!needed || op.getWeights().getType().getDimSize(1) == count);
}

LogicalResult CombineSlotsOp::verify() {
  if (getRows().getType().getDimSize(1) != getResult().getType().getDimSize(1)) // C1
    return emitOpError("expects rows and result of one width, got ")
           << getRows().getType() << " and " << getResult().getType();
  auto count = static_cast<int64_t>(getCount());
  if (count < 1) // C2
    return emitOpError("expects count >= 1, got ") << count;
  if (!hasRightWeights(*this, count)) // C3
    return emitOpError("expects weights [rows, ") << count << "] exactly for weighted_sum and log_sum_exp";
  if (getIds() && getIds().getType().getDimSize(1) != count) // C4
    return emitOpError("expects ids [rows, ") << count << "], got " << getIds().getType();
  if (getShared() && !getWeights() && !getIds()) // C9
    return emitOpError("expects weights or ids with shared rows");
  auto result = getResult().getType();
  for (Value other : getOthers()) {
    auto type = cast<RankedTensorType>(other.getType());
    if (type.getShape().back() != result.getDimSize(1) ||
        (type.getRank() == 2 && type.getDimSize(0) != result.getDimSize(0))) // C5
      return emitOpError("expects others of the result's shape, or vectors of its columns, got ")
             << type << " and a result " << result;
  }
  if (!getOthers().empty() && !getEpilogueBlock()) // C5
    return emitOpError("expects an epilogue where there are others");
  return success();
}

LogicalResult CombineSlotsOp::verifyRegions() {
  Block *block = getEpilogueBlock();
  if (!block)
    return success();
  SmallVector<Type> expected{Float32Type::get(getContext())};
  for (Value other : getOthers())
    expected.push_back(getElementTypeOrSelf(other.getType()));
  if (block->getArgumentTypes() != TypeRange(expected)) // C6
    return emitOpError("expects block arguments of types ") << expected;
  Type element = getResult().getType().getElementType();
  auto yield = dyn_cast<YieldOp>(block->getTerminator());
  if (!yield || yield.getValues().getTypes() != TypeRange(element)) // C7
    return emitOpError("expects to yield one ") << element;
  for (Operation &op : block->without_terminator())
    if (!isMemoryEffectFree(&op)) // C8
      return op.emitOpError("has side effects, but is in an epilogue");
  return success();
}
MutableOperandRange CombineSlotsOp::getDpsInitsMutable() { return getInitMutable(); }
LogicalResult CombineSlotsOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  return reifyFromInits(*this, b, shapes);
}
void CombineSlotsOp::getAsmResultNames(OpAsmSetValueNameFn name) { name(getResult(), "output"); }

LogicalResult CombineRowsOp::verify() {
  if (getRows().getType().getDimSize(1) != getResult().getType().getDimSize(1)) // C1
    return emitOpError("expects rows and result of one width, got ")
           << getRows().getType() << " and " << getResult().getType();
  if (!hasRightWeights(*this, getIds().getType().getDimSize(1))) // C2
    return emitOpError("expects weights of ")
           << getIds().getType().getDimSize(1) << " columns exactly for weighted_sum and log_sum_exp";
  return success();
}
MutableOperandRange CombineRowsOp::getDpsInitsMutable() { return getInitMutable(); }
LogicalResult CombineRowsOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  return reifyFromInits(*this, b, shapes);
}
void CombineRowsOp::getAsmResultNames(OpAsmSetValueNameFn name) { name(getResult(), "output"); }
