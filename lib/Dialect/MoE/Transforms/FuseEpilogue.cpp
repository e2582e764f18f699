// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- FuseEpilogue.cpp - element-wise consumers run on the accumulators ----------------------------------===//

#include "Epilogue.h"
#include "Remarks.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::moe {
#define GEN_PASS_DEF_FUSEEPILOGUE
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

namespace {

struct FuseEpilogue : moe::impl::FuseEpilogueBase<FuseEpilogue> {
  void runOnOperation() override {
    SmallVector<GroupedMatmulOp> products;
    getOperation()->walk([&](GroupedMatmulOp product) { products.push_back(product); });
    // Consumers of consumers follow, until one stays.
    for (GroupedMatmulOp product : products)
      while (Operation *consumer = getConsumer(product)) {
        if (std::optional<StringRef> reason = reasonAgainst(product, consumer)) {
          notFused(consumer, getArgument()) << remark::reason("{0}", *reason);
          break;
        }
        product = fuse(product, consumer);
      }
  }

private:
  static bool isVector(Value operand) {
    auto type = dyn_cast<RankedTensorType>(operand.getType());
    return type && type.getRank() == 1;
  }

  static bool isElementwise(Operation *op) {
    return op->getNumResults() == 1 && OpTrait::hasElementwiseMappableTraits(op) && op->getNumRegions() == 0;
  }

  /// The op that computes from the product's elements, if there is one.
  Operation *getConsumer(GroupedMatmulOp product) {
    for (Operation *user : product.getResult().getUsers())
      if (isa<MapOp>(user) || isElementwise(user))
        return user;
    return nullptr;
  }

  std::optional<StringRef> reasonAgainst(GroupedMatmulOp product, Operation *consumer) {
    Value result = product.getResult();
    if (!llvm::all_of(result.getUsers(), [&](Operation *user) { return user == consumer; }))
      return "the product has other users";
    if (consumer->getBlock() != product->getBlock())
      return "the product is in another block";
    if (product.getSlots())
      return "the product scatters its rows, and rows that it leaves alone would miss the function";
    for (Value operand : consumer->getOperands()) {
      if (operand == result)
        continue;
      if (isVector(operand)) {
        if (product.getNumExperts() != 1)
          return "a vector is the same for every expert, and an epilogue takes one for each";
      } else if (!operand.getDefiningOp<tensor::SplatOp>()) {
        return "it also takes rows that are not of this product";
      }
    }
    return std::nullopt;
  }

  /// The value of one element of what `consumer` computes, where `element` is one of the product and `columns` are
  /// those of its vectors.
  static Value scalarOf(OpBuilder &b, Operation *consumer, Value product, Value element, ArrayRef<Value> columns) {
    SmallVector<Value> scalars;
    for (Value operand : consumer->getOperands()) {
      if (operand == product) {
        scalars.push_back(element);
      } else if (isVector(operand)) {
        scalars.push_back(columns.front());
        columns = columns.drop_front();
      } else {
        scalars.push_back(operand.getDefiningOp<tensor::SplatOp>().getInput());
      }
    }
    if (auto map = dyn_cast<MapOp>(consumer)) {
      IRMapping mapping;
      return inlineScalars(b, map.getBody().front(), scalars, mapping);
    }
    OperationState state(consumer->getLoc(), consumer->getName(), scalars,
                         getElementTypeOrSelf(consumer->getResult(0).getType()), consumer->getAttrs());
    return b.create(state)->getResult(0);
  }

  /// Rebuilds the product in the place of its consumer, with the consumer's type and at the end of its epilogue the
  /// consumer's function.
  GroupedMatmulOp fuse(GroupedMatmulOp product, Operation *consumer) {
    IRRewriter rewriter(consumer);
    Location loc = rewriter.getFusedLoc({product.getLoc(), consumer->getLoc()});
    auto type = cast<RankedTensorType>(consumer->getResult(0).getType());
    SmallVector<Value> sizes;
    if (type.isDynamicDim(0))
      sizes.push_back(tensor::DimOp::create(rewriter, loc, product.getInit(), 0));
    Value init = tensor::EmptyOp::create(rewriter, loc, type, sizes);
    // The vectors of a product of one expert are its columns.
    auto columns = llvm::to_vector(product.getColumns());
    SmallVector<Value> arguments;
    Block &body = product.getBody().front();
    for (Value operand : llvm::make_filter_range(consumer->getOperands(), isVector)) {
      auto vector = cast<RankedTensorType>(operand.getType());
      auto column = RankedTensorType::get({1, vector.getDimSize(0)}, vector.getElementType());
      unsigned index = product.getWeights().size() + columns.size();
      columns.push_back(
          tensor::ExpandShapeOp::create(rewriter, loc, column, operand, SmallVector<ReassociationIndices>{{0, 1}}));
      arguments.push_back(body.insertArgument(index, vector.getElementType(), operand.getLoc()));
    }
    auto result = GroupedMatmulOp::create(rewriter, loc, type, product.getRows(), product.getTokens(),
                                          product.getWeights(), product.getOffsets(), columns, product.getScalars(),
                                          product.getSlots(), init, product.getConfigAttr());
    auto yield = cast<YieldOp>(body.getTerminator());
    rewriter.setInsertionPoint(yield);
    Value value = scalarOf(rewriter, consumer, product.getResult(), yield.getValues().front(), arguments);
    rewriter.modifyOpInPlace(yield, [&] { yield->setOperands(value); });
    rewriter.inlineRegionBefore(product.getBody(), result.getBody(), result.getBody().end());
    fused(consumer, getArgument()) << "in the epilogue of the product";
    rewriter.replaceOp(consumer, result.getResult());
    rewriter.eraseOp(product);
    return result;
  }
};

} // namespace
