// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- BodyParts.cpp - what the ops of an expert body become in the grouped form --------------------------===//

#include "BodyParts.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::moe;

static void forEachOperand(Operation *op, function_ref<void(Value)> visit) {
  op->walk([&](Operation *nested) { llvm::for_each(nested->getOperands(), visit); });
}

BodyParts::BodyParts(ExpertsOp experts) : block(experts.getBody().front()), numRows(experts.getRows().size()) {
  rowValues.insert_range(block.getArguments().take_front(numRows));
  for (Operation &op : block.without_terminator()) {
    BodyOpKind kind = classify(&op);
    kinds[&op] = kind;
    if (kind != BodyOpKind::Free) {
      rowValues.insert_range(op.getResults());
      continue;
    }
    forEachOperand(&op, [&](Value operand) {
      if (isFromSlices(operand))
        sliceValues.insert_range(op.getResults());
    });
  }
  // Rows that depend on the expert alone: the same for each row of it.
  Value yielded = cast<YieldOp>(block.getTerminator()).getValues().front();
  if (sliceValues.contains(yielded)) {
    kinds[yielded.getDefiningOp()] = BodyOpKind::Rest;
    rowValues.insert_range(yielded.getDefiningOp()->getResults());
  }
}

BodyOpKind BodyParts::classify(Operation *op) {
  SmallVector<Value> rows = rowOperandsOf(op);
  if (rows.empty())
    return BodyOpKind::Free;
  if (auto linear = dyn_cast<LinearOp>(op)) {
    if (isProduct(linear))
      return BodyOpKind::Product;
    return llvm::none_of(linear.getMatrices(), [&](Value m) { return isFromSlices(m); }) && isRows(linear.getRows())
               ? BodyOpKind::Plain
               : BodyOpKind::Rest;
  }
  auto map = dyn_cast<MapOp>(op);
  if (!map && !isa<RoundRowsOp>(op))
    return BodyOpKind::Rest;
  if (LinearOp linear = map ? getProductUnder(map) : LinearOp(); linear && getEpilogueOf(linear) == map)
    return BodyOpKind::Epilogue;
  // What maps or rounds the rows of a part is best done in that part.
  bool plain = !takesFromSlices(op) && llvm::none_of(rows, [&](Value v) {
    return v.getDefiningOp() && kindOf(v.getDefiningOp()) == BodyOpKind::Rest;
  });
  return plain ? BodyOpKind::Plain : BodyOpKind::Rest;
}

bool BodyParts::isOutside(Value value) const {
  Region *region = value.getParentRegion();
  return !region || !block.getParent()->isAncestor(region);
}

bool BodyParts::isSlice(Value value) const {
  auto argument = dyn_cast<BlockArgument>(value);
  return argument && argument.getOwner() == &block && argument.getArgNumber() >= numRows;
}

bool BodyParts::takesFromSlices(Operation *op) const {
  bool found = false;
  forEachOperand(op, [&](Value operand) { found |= isFromSlices(operand); });
  return found;
}

unsigned BodyParts::weightOf(Value slice) const { return cast<BlockArgument>(slice).getArgNumber() - numRows; }

SmallVector<Value> BodyParts::rowOperandsOf(Operation *op) const {
  llvm::SetVector<Value> rows;
  if (isa<tensor::DimOp>(op))
    return {};
  forEachOperand(op, [&](Value operand) {
    if (isRows(operand))
      rows.insert(operand);
  });
  return rows.takeVector();
}

Value BodyParts::getSizeSource(const IRMapping &map) const {
  for (Value rows : rowValues)
    if (map.contains(rows))
      return rows;
  return {};
}

bool BodyParts::isProduct(LinearOp linear) const {
  return isRows(linear.getRows()) && llvm::all_of(linear.getMatrices(), [&](Value m) { return isSlice(m); });
}

LinearOp BodyParts::getProductUnder(MapOp map) const {
  auto linear = map.getInputs().front().getDefiningOp<LinearOp>();
  if (!linear || linear->getBlock() != &block || !isProduct(linear))
    return {};
  // An epilogue sees elements of slices, not what is computed from them.
  if (llvm::any_of(map.getBody().getOps(), [&](Operation &nested) { return takesFromSlices(&nested); }))
    return {};
  auto isScalar = [&](Value v) { return isRows(v) && cast<RankedTensorType>(v.getType()).getDimSize(1) == 1; };
  for (Value input : map.getInputs())
    if (isVector(input) ? !isSlice(input) : input.getDefiningOp() != linear && !isScalar(input))
      return {};
  return llvm::all_of(linear->getUsers(), [&](Operation *user) { return user == map; }) ? linear : LinearOp();
}

MapOp BodyParts::getEpilogueOf(LinearOp linear) const {
  auto map = linear->use_empty() ? MapOp() : dyn_cast<MapOp>(*linear->getUsers().begin());
  if (!map || getProductUnder(map) != linear)
    return {};
  bool needed = linear.getMatrices().size() > 1 || llvm::any_of(map.getInputs(), [&](Value v) { return isSlice(v); });
  return needed ? map : MapOp();
}

StringRef BodyParts::reasonAgainst(Operation *op) const {
  if (isa<LinearOp>(op))
    return "a matrix is not a weight's slice as it is, so it runs row by row";
  if (isa<MapOp>(op))
    return "the rows are not those of one moe.linear that nothing else takes, so it runs row by row";
  return "neither moe.linear nor moe.map, so it runs row by row";
}

/// Whether a moe.grouped_body can take and give `value`.
static bool canCross(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.getRank() == 2 && type.isDynamicDim(0) && !type.isDynamicDim(1) &&
         isa<FloatType>(type.getElementType());
}

void BodyParts::complete(BodyPart &part) const {
  llvm::SetVector<Value> rows;
  llvm::SetVector<Operation *> ordered;
  DenseSet<Operation *> own(part.ops.begin(), part.ops.end());
  auto add = [&](auto &self, Operation *op) -> void {
    if (ordered.contains(op))
      return;
    forEachOperand(op, [&](Value operand) {
      Operation *def = operand.getDefiningOp();
      if (isSlice(operand))
        part.slices.insert(operand);
      else if (isRows(operand) && !isa<tensor::DimOp>(op) && !own.contains(def) && canCross(operand))
        rows.insert(operand);
      else if (def && def->getBlock() == &block && (!isa<tensor::DimOp>(op) || !isRows(operand)))
        self(self, def);
    });
    // Free ops are copied on the way; they are visited for the slices they take.
    if (kindOf(op) != BodyOpKind::Free)
      ordered.insert(op);
  };
  for (Operation *op : own.empty() ? ArrayRef<Operation *>() : part.ops.getArrayRef())
    add(add, op);
  for (Operation *op : part.ops)
    for (Value result : op->getResults())
      if (llvm::any_of(result.getUsers(),
                       [&](Operation *user) {
                         Operation *inBlock = block.findAncestorOpInBlock(*user);
                         return !own.contains(inBlock) && !isa<tensor::DimOp>(inBlock);
                       }) &&
          canCross(result))
        part.results.push_back(result);
  if (rows.empty())
    rows.insert(block.getArgument(0));
  part.rows = rows.takeVector();
  part.ops = std::move(ordered);
}
