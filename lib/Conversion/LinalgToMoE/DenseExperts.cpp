// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- DenseExperts.cpp - what computes all experts for all rows, as the body of one expert -----------------===//
//
// Loops over experts and over rows are parallel in each of these ops, so the op of one expert is the same op without
// the loop over experts. Which loop that is follows from the result's dimensions; the dimensions of operands follow
// from it.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "DenseExperts.h"
#include "Structured.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mlir::moe;

DenseExperts::DenseExperts(Value outputs, DenseLayout layout, llvm::SetVector<Operation *> consumers)
    : culprit(outputs.getDefiningOp() ? outputs.getDefiningOp() : consumers.front()) {
  if (addDense(outputs, layout) && checkUsers(consumers) && rows.empty())
    fail(culprit, "the experts take no rows");
}

bool DenseExperts::fail(Operation *op, const Twine &why) {
  reason = why.str();
  culprit = op;
  return false;
}

//===-- Finding ---------------------------------------------------------------------------------------------===//

bool DenseExperts::addDense(Value tensor, DenseLayout layout) {
  auto [known, isNew] = dense.try_emplace(tensor, layout);
  Operation *op = tensor.getDefiningOp();
  if (!isNew)
    return known->second == layout || fail(op, "rows or experts are two dimensions of it at once");
  if (!op || op->getBlock() != culprit->getBlock())
    return fail(culprit, "what all experts give for all rows comes from elsewhere");
  auto type = cast<RankedTensorType>(tensor.getType());
  for (unsigned i = 0; i != type.getRank(); ++i)
    if (i != layout.row && type.isDynamicDim(i))
      return fail(op, "a size other than the number of rows is known at run time only");
  if (op->getNumResults() != 1)
    return fail(op, "'" + op->getName().getStringRef() + "' has several results");
  if (getUniform(tensor))
    return true;
  if (auto structured = dyn_cast<linalg::LinalgOp>(op))
    return addStructured(structured, layout);
  if (!OpTrait::hasElementwiseMappableTraits(op))
    return fail(op, "'" + op->getName().getStringRef() + "' is not known to compute row by row");
  return llvm::all_of(op->getOperands(), [&](Value operand) {
    return !isa<TensorType>(operand.getType()) || addOperand(op, operand, layout.expert, layout.row);
  });
}

/// The position of dimension `dim` among the results of `map`.
static std::optional<unsigned> positionOf(AffineMap map, unsigned dim) {
  return map.getResultPosition(getAffineDimExpr(dim, map.getContext()));
}

bool DenseExperts::addStructured(linalg::LinalgOp op, DenseLayout layout) {
  for (AffineMap map : op.getIndexingMapsArray())
    if (!map.isProjectedPermutation())
      return fail(op, "an operand is not indexed by loops alone");
  AffineMap result = op.getIndexingMapMatchingResult(op->getResult(0));
  unsigned expert = result.getDimPosition(layout.expert), row = result.getDimPosition(layout.row);
  for (auto index : op.getBlock()->getOps<linalg::IndexOp>())
    if (index.getDim() == expert || index.getDim() == row)
      return fail(op, "it computes from the number of a row or an expert");
  return llvm::all_of(op->getOpOperands(), [&](OpOperand &operand) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    bool unused = op.isDpsInit(&operand) && !reads(op, operand);
    return unused || !isa<TensorType>(operand.get().getType()) ||
           addOperand(op, operand.get(), positionOf(map, expert), positionOf(map, row));
  });
}

bool DenseExperts::addOperand(Operation *user, Value operand, std::optional<unsigned> expert,
                              std::optional<unsigned> row) {
  if (expert && row)
    return addDense(operand, {*expert, *row});
  auto type = cast<RankedTensorType>(operand.getType());
  bool isFloat = isa<FloatType>(type.getElementType());
  if (row) {
    if (type.getRank() != 2 || *row != 0 || type.isDynamicDim(1) || !isFloat)
      return fail(user, "it takes rows in another form than floats [T, D], D known");
    rows.insert(operand);
    return true;
  }
  ArrayRef<int64_t> slice = type.getShape();
  if (expert) {
    if (*expert != 0 || type.getRank() < 2 || !isFloat)
      return fail(user, "it takes weights in another form than floats [E, N, K] or [E, N]");
    weights.insert(operand);
    slice = slice.drop_front();
  }
  if (ShapedType::isDynamicShape(slice))
    return fail(user, "a size of its weights is known at run time only");
  return true;
}

/// Whether `tensor` is numbers that are there already, in another shape: nothing is lost when they are made twice.
static bool isCopy(Value tensor) {
  auto op = tensor.getDefiningOp<linalg::LinalgOp>();
  return getUniform(tensor) || (op && isa<BlockArgument>(op.getBlock()->getTerminator()->getOperand(0)));
}

bool DenseExperts::checkUsers(const llvm::SetVector<Operation *> &consumers) {
  for (auto [tensor, layout] : dense)
    for (Operation *user : tensor.getUsers()) {
      bool inside = user->getNumResults() == 1 && dense.contains(user->getResult(0));
      if (!inside && !consumers.contains(user) && !isa<tensor::DimOp>(user) && !isCopy(tensor))
        return fail(tensor.getDefiningOp(), "what all experts give for all rows has another user");
    }
  return true;
}

//===-- Building --------------------------------------------------------------------------------------------===//

/// Positions of a dense tensor's dimensions in a tensor of one expert: the row first, the expert gone.
static SmallVector<unsigned> keptDims(unsigned rank, DenseLayout layout) {
  SmallVector<unsigned> kept = {layout.row};
  for (unsigned i = 0; i != rank; ++i)
    if (i != layout.row && i != layout.expert)
      kept.push_back(i);
  return kept;
}

static RankedTensorType typeOfOne(RankedTensorType type, DenseLayout layout) {
  SmallVector<int64_t> shape;
  for (unsigned dim : keptDims(type.getRank(), layout))
    shape.push_back(dim == layout.row ? ShapedType::kDynamic : type.getDimSize(dim));
  return RankedTensorType::get(shape, type.getElementType());
}

void DenseExperts::buildOp(OpBuilder &b, Operation *op, Value numRows, IRMapping &mapping) const {
  Location loc = op->getLoc();
  Value old = op->getResult(0);
  DenseLayout layout = dense.lookup(old);
  auto type = typeOfOne(cast<RankedTensorType>(old.getType()), layout);
  auto empty = [&] { return tensor::EmptyOp::create(b, loc, type, numRows).getResult(); };

  if (OpFoldResult uniform = getUniform(old)) {
    Value scalar = dyn_cast<Value>(uniform);
    if (!scalar)
      scalar = arith::ConstantOp::create(b, loc, cast<TypedAttr>(cast<Attribute>(uniform)));
    mapping.map(old, linalg::FillOp::create(b, loc, scalar, empty()).getResult(0));
    return;
  }
  auto structured = dyn_cast<linalg::LinalgOp>(op);
  if (!structured) {
    Operation *one = b.clone(*op, mapping);
    one->getResult(0).setType(type);
    return;
  }

  // Loops without that over experts, and the operands' dimensions without the experts'.
  unsigned expert = structured.getIndexingMapMatchingResult(cast<OpResult>(old)).getDimPosition(layout.expert);
  SmallVector<AffineExpr> loops;
  for (unsigned i = 0; i != structured.getNumLoops(); ++i)
    loops.push_back(b.getAffineDimExpr(i < expert ? i : std::max(i, 1u) - 1));
  SmallVector<utils::IteratorType> kinds = structured.getIteratorTypesArray();
  kinds.erase(kinds.begin() + expert);

  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  Value init;
  for (OpOperand &operand : op->getOpOperands()) {
    AffineMap map = structured.getMatchingIndexingMap(&operand);
    auto found = dense.find(operand.get());
    SmallVector<AffineExpr> dims;
    if (found != dense.end() || structured.isDpsInit(&operand))
      for (unsigned dim : keptDims(map.getNumResults(), found == dense.end() ? layout : found->second))
        dims.push_back(map.getResult(dim));
    else
      for (AffineExpr dim : map.getResults())
        if (!dim.isFunctionOfDim(expert))
          dims.push_back(dim);
    for (AffineExpr &dim : dims)
      dim = dim.replaceDims(loops);
    maps.push_back(AffineMap::get(loops.size() - 1, 0, dims, b.getContext()));
    if (!structured.isDpsInit(&operand))
      inputs.push_back(mapping.lookupOrDefault(operand.get()));
    else
      init = reads(structured, operand) ? mapping.lookup(operand.get()) : empty();
  }
  auto one = linalg::GenericOp::create(b, loc, TypeRange{type}, inputs, ValueRange{init}, maps, kinds);
  b.cloneRegionBefore(op->getRegion(0), one.getRegion(), one.getRegion().begin(), mapping);
  for (auto index : one.getBody()->getOps<linalg::IndexOp>())
    if (index.getDim() > expert)
      index.setDim(index.getDim() - 1);
  mapping.map(old, one.getResult(0));
}

void DenseExperts::buildBody(OpBuilder &b, ExpertsOp experts) const {
  OpBuilder::InsertionGuard guard(b);
  Block *block = b.createBlock(&experts.getBody());
  IRMapping mapping;
  for (Value value : rows) {
    auto type = cast<RankedTensorType>(value.getType());
    auto rowType = RankedTensorType::get({ShapedType::kDynamic, type.getDimSize(1)}, type.getElementType());
    mapping.map(value, block->addArgument(rowType, value.getLoc()));
  }
  for (Value value : weights) {
    auto type = cast<RankedTensorType>(value.getType());
    auto slice = RankedTensorType::get(type.getShape().drop_front(), type.getElementType());
    mapping.map(value, block->addArgument(slice, value.getLoc()));
  }
  Value numRows = tensor::DimOp::create(b, experts.getLoc(), block->getArgument(0), 0);
  SmallVector<Operation *> ops;
  for (auto [tensor, layout] : dense)
    ops.push_back(tensor.getDefiningOp());
  llvm::sort(ops, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  for (Operation *op : ops)
    buildOp(b, op, numRows, mapping);
  YieldOp::create(b, experts.getLoc(), mapping.lookup(dense.front().first));
}

void DenseExperts::replaceSizes(RewriterBase &b) const {
  for (auto [tensor, layout] : dense)
    for (Operation *user : llvm::to_vector(tensor.getUsers())) {
      auto dim = dyn_cast<tensor::DimOp>(user);
      std::optional<int64_t> index = dim ? dim.getConstantIndex() : std::nullopt;
      if (!index)
        continue;
      b.setInsertionPoint(dim);
      if (*index == layout.row)
        b.replaceOpWithNewOp<tensor::DimOp>(dim, rows.front(), 0);
      else
        b.replaceOpWithNewOp<arith::ConstantIndexOp>(dim, cast<RankedTensorType>(tensor.getType()).getDimSize(*index));
    }
}
