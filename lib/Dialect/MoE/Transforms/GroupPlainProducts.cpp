// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- GroupPlainProducts.cpp - products of plain rows as one group ---------------------------------------===//

#include "Epilogue.h"
#include "ToGrouped.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::moe {
#define GEN_PASS_DEF_GROUPPLAINPRODUCTS
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

/// A matrix or a vector with a leading dimension for the one group.
static Value asGroup(OpBuilder &b, Location loc, Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<int64_t> shape(type.getShape());
  shape.insert(shape.begin(), 1);
  SmallVector<ReassociationIndices> groups{{0, 1}};
  for (int64_t i = 1; i < type.getRank(); ++i)
    groups.push_back({i + 1});
  return tensor::ExpandShapeOp::create(b, loc, type.clone(shape), value, groups);
}

/// The offsets of a group of all rows.
static Value allRows(OpBuilder &b, Location loc, Value rows) {
  Value zero = arith::ConstantIndexOp::create(b, loc, 0);
  return tensor::FromElementsOp::create(b, loc, ValueRange{zero, tensor::DimOp::create(b, loc, rows, zero)});
}

/// The one map that takes all results of `linear` and nothing else but vectors of the columns.
static MapOp epilogueOf(LinearOp linear) {
  auto map = linear->use_empty() ? MapOp() : dyn_cast<MapOp>(*linear->getUsers().begin());
  if (!map || !llvm::all_of(linear->getUsers(), [&](Operation *user) { return user == map; }))
    return {};
  for (Value input : map.getInputs())
    if (input.getDefiningOp() != linear && cast<RankedTensorType>(input.getType()).getRank() != 1)
      return {};
  return map;
}

namespace {

struct GroupPlainProducts : moe::impl::GroupPlainProductsBase<GroupPlainProducts> {
  void runOnOperation() override {
    SmallVector<LinearOp> products;
    getOperation()->walk([&](LinearOp linear) {
      if (!linear->getParentOfType<ExpertsOp>() && !linear->getParentOfType<GroupedBodyOp>())
        products.push_back(linear);
    });
    for (LinearOp linear : products)
      group(linear);
    SmallVector<ScoreAffineOp> scores;
    getOperation()->walk([&](ScoreAffineOp score) { scores.push_back(score); });
    for (ScoreAffineOp score : scores)
      group(score);
  }

private:
  /// The bias is added before the only rounding.
  static void group(ScoreAffineOp score) {
    Location loc = score.getLoc();
    OpBuilder b(score);
    Type rounded = score.getLogits().getType().getElementType();
    SmallVector<Value> columns;
    if (score.getBias())
      columns.push_back(asGroup(b, loc, score.getBias()));
    auto epilogue = [&](OpBuilder &nested, ValueRange arguments) {
      Value sum = arguments.front();
      for (Value bias : arguments.drop_front())
        sum = arith::AddFOp::create(nested, loc, sum, convertFloat(nested, loc, bias, nested.getF32Type()));
      return convertFloat(nested, loc, sum, rounded);
    };
    Value logits = createProduct(b, loc, score.getRows(), asGroup(b, loc, score.getWeight()),
                                 allRows(b, loc, score.getRows()), columns, {}, rounded, epilogue);
    if (logits.getType() != score.getLogits().getType())
      logits = tensor::CastOp::create(b, loc, score.getLogits().getType(), logits);
    score.getLogits().replaceAllUsesWith(logits);
    score.erase();
  }

  static void group(LinearOp linear) {
    Location loc = linear.getLoc();
    MapOp map = linear.getMatrices().size() > 1 ? epilogueOf(linear) : MapOp();
    OpBuilder b(map ? map.getOperation() : linear.getOperation());
    Value offsets = allRows(b, loc, linear.getRows());
    Type rounded = getElementTypeOrSelf(linear.getResults().front().getType());
    if (!map) {
      for (auto [matrix, result] : llvm::zip_equal(linear.getMatrices(), linear.getResults()))
        result.replaceAllUsesWith(createProduct(
            b, loc, linear.getRows(), asGroup(b, loc, matrix), offsets, {}, {}, rounded,
            [&](OpBuilder &nested, ValueRange acc) { return convertFloat(nested, loc, acc.front(), rounded); }));
      linear.erase();
      return;
    }
    SmallVector<Value> matrices, columns;
    for (Value matrix : linear.getMatrices())
      matrices.push_back(asGroup(b, loc, matrix));
    for (Value input : map.getInputs())
      if (input.getDefiningOp() != linear)
        columns.push_back(asGroup(b, loc, input));
    auto epilogue = [&](OpBuilder &nested, ValueRange arguments) {
      SmallVector<Value> inputs;
      size_t column = matrices.size();
      for (Value input : map.getInputs())
        inputs.push_back(input.getDefiningOp() == linear
                             ? convertFloat(nested, loc, arguments[cast<OpResult>(input).getResultNumber()], rounded)
                             : arguments[column++]);
      IRMapping mapping;
      return inlineScalars(nested, map.getBody().front(), inputs, mapping);
    };
    map.replaceAllUsesWith(createProduct(b, loc, linear.getRows(), matrices, offsets, columns, {},
                                         map.getResult().getType().getElementType(), epilogue));
    map.erase();
    linear.erase();
  }
};

} // namespace
