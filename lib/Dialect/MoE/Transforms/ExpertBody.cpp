// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- ExpertBody.cpp - the body of moe.experts for all experts at once -----------------------------------===//
//
// A body is row-wise, so what it computes from rows alone can run over the sorted rows of all experts together. Where
// it uses an expert's slice of a weight, the op must become a grouped product: a moe.linear by slices is one, and a
// moe.map that takes slices is the epilogue of one.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "Epilogue.h"
#include "ToGrouped.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

/// The ops of one expert body and which of them are products.
class ExpertBody {
public:
  explicit ExpertBody(ExpertsOp experts) : experts(experts), block(experts.getBody().front()) {}

  LogicalResult check();
  Value lower(OpBuilder &b, ValueRange weights, Value offsets, function_ref<Value(Value)> remap, IRMapping &mapping);

private:
  /// Whether `value` is an expert's slice of a weight.
  bool isSlice(Value value) {
    auto argument = dyn_cast<BlockArgument>(value);
    return argument && argument.getOwner() == &block && argument.getArgNumber() >= experts.getRows().size();
  }
  /// The whole weight that `slice` is cut from.
  Value wholeOf(Value slice, ValueRange weights) {
    return weights[cast<BlockArgument>(slice).getArgNumber() - experts.getRows().size()];
  }
  bool takesSlice(Operation &op);
  bool isProduct(LinearOp linear) {
    return !isSlice(linear.getRows()) && llvm::all_of(linear.getMatrices(), [&](Value m) { return isSlice(m); });
  }

  static bool isVector(Value input) { return cast<RankedTensorType>(input.getType()).getRank() == 1; }
  static bool isScalar(Value input) { return cast<RankedTensorType>(input.getType()).getShape().back() == 1; }

  LinearOp getProductUnder(MapOp map);
  MapOp getEpilogueOf(LinearOp linear);

  ExpertsOp experts;
  Block &block;
};

} // namespace

bool ExpertBody::takesSlice(Operation &op) {
  bool found = false;
  op.walk(
      [&](Operation *nested) { found |= llvm::any_of(nested->getOperands(), [&](Value v) { return isSlice(v); }); });
  return found;
}

/// The product whose results are the rows that `map` takes, when `map` is their only user and its vectors are slices:
/// then `map` can be the epilogue. Other rows of one element are scalars of it.
LinearOp ExpertBody::getProductUnder(MapOp map) {
  auto linear = map.getInputs().front().getDefiningOp<LinearOp>();
  if (!linear || linear->getBlock() != &block || !isProduct(linear))
    return {};
  for (Value input : map.getInputs())
    if (isVector(input) ? !isSlice(input) : input.getDefiningOp() != linear && !isScalar(input))
      return {};
  return llvm::all_of(linear->getUsers(), [&](Operation *user) { return user == map; }) ? linear : LinearOp();
}

/// The map that has to become the epilogue of `linear`, because it takes slices or several products at once. A map of
/// one product's rows alone is left to moe-fuse-epilogue.
MapOp ExpertBody::getEpilogueOf(LinearOp linear) {
  auto map = linear->use_empty() ? MapOp() : dyn_cast<MapOp>(*linear->getUsers().begin());
  if (!map || getProductUnder(map) != linear)
    return {};
  return linear.getMatrices().size() > 1 || takesSlice(*map) ? map : MapOp();
}

LogicalResult ExpertBody::check() {
  for (Operation &op : block) {
    if (!takesSlice(op))
      continue;
    if (auto linear = dyn_cast<LinearOp>(op); linear && isProduct(linear))
      continue;
    auto map = dyn_cast<MapOp>(op);
    if (map && getProductUnder(map))
      continue;
    if (map)
      return map.emitOpError(
          "is not lowered to the grouped form yet: it takes a vector of each expert, so its rows must "
          "be results of one moe.linear that nothing else uses, or of one element");
    return op.emitOpError("is not lowered to the grouped form yet: only moe.linear and moe.map may take an expert's "
                          "slice of a weight");
  }
  return success();
}

Value ExpertBody::lower(OpBuilder &b, ValueRange weights, Value offsets, function_ref<Value(Value)> remap,
                        IRMapping &mapping) {
  auto whole = [&](ValueRange slices) {
    return llvm::map_to_vector(slices, [&](Value slice) { return wholeOf(slice, weights); });
  };
  auto lowerLinear = [&](LinearOp linear) {
    Location loc = linear.getLoc();
    Type type = getElementTypeOrSelf(linear.getResults().front().getType());
    for (auto [matrix, result] : llvm::zip_equal(linear.getMatrices(), linear.getResults()))
      mapping.map(result, createProduct(b, loc, mapping.lookupOrDefault(linear.getRows()), whole(matrix), offsets, {},
                                        {}, type, [&](OpBuilder &nested, ValueRange acc) {
                                          return convertFloat(nested, loc, acc.front(), type);
                                        }));
  };
  auto lowerEpilogue = [&](LinearOp linear, MapOp map) {
    Location loc = map.getLoc();
    SmallVector<Value> columns, scalars;
    for (Value input : map.getInputs())
      if (isVector(input))
        columns.push_back(wholeOf(input, weights));
      else if (input.getDefiningOp() != linear)
        scalars.push_back(tensor::CollapseShapeOp::create(b, loc, mapping.lookupOrDefault(input),
                                                          SmallVector<ReassociationIndices>{{0, 1}}));
    auto epilogue = [&](OpBuilder &nested, ValueRange arguments) {
      // Each accumulator is rounded to what the linear gave before the map sees it.
      Type rounded = getElementTypeOrSelf(linear.getResults().front().getType());
      SmallVector<Value> accumulators, inputs;
      for (Value acc : arguments.take_front(linear.getMatrices().size()))
        accumulators.push_back(convertFloat(nested, loc, acc, rounded));
      size_t column = accumulators.size(), scalar = column + columns.size();
      for (Value input : map.getInputs())
        inputs.push_back(isVector(input)                   ? arguments[column++]
                         : input.getDefiningOp() != linear ? arguments[scalar++]
                                                           : accumulators[cast<OpResult>(input).getResultNumber()]);
      return inlineScalars(nested, map.getBody().front(), inputs, mapping);
    };
    mapping.map(map.getResult(),
                createProduct(b, loc, mapping.lookupOrDefault(linear.getRows()), whole(linear.getMatrices()), offsets,
                              columns, scalars, map.getResult().getType().getElementType(), epilogue));
  };

  for (Operation &op : block.without_terminator()) {
    // Values from outside may have been replaced already; a replaced argument is in no region any more.
    op.walk([&](Operation *nested) {
      for (Value operand : nested->getOperands()) {
        Region *region = operand.getParentRegion();
        if (!mapping.contains(operand) && (!region || !experts.getBody().isAncestor(region)))
          mapping.map(operand, remap(operand));
      }
    });
    if (auto linear = dyn_cast<LinearOp>(op); linear && isProduct(linear)) {
      if (!getEpilogueOf(linear))
        lowerLinear(linear);
      continue;
    }
    auto map = dyn_cast<MapOp>(op);
    LinearOp linear = map ? getProductUnder(map) : LinearOp();
    if (linear && getEpilogueOf(linear) == map)
      lowerEpilogue(linear, map);
    else
      b.clone(op, mapping);
  }
  Value yielded = cast<YieldOp>(block.getTerminator()).getValues().front();
  return mapping.contains(yielded) ? mapping.lookup(yielded) : remap(yielded);
}

LogicalResult mlir::moe::checkExpertBody(ExpertsOp experts) { return ExpertBody(experts).check(); }

Value mlir::moe::lowerExpertBody(OpBuilder &b, ExpertsOp experts, ArrayRef<Value> rows, ValueRange weights,
                                 Value offsets, function_ref<Value(Value)> remap) {
  IRMapping mapping;
  mapping.map(experts.getBody().getArguments().take_front(rows.size()), rows);
  return ExpertBody(experts).lower(b, weights, offsets, remap, mapping);
}
