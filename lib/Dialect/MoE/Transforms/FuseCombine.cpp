// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- FuseCombine.cpp - products write their rows to slots, weighted -------------------------------------===//
//
// Two steps: a scatter of a product becomes the product's own way to store rows; then, where the combination is a
// weighted sum, the weight of a slot multiplies the accumulators of its row. What is left is a sum of K rows.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "Epilogue.h"
#include "Remarks.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::moe {
#define GEN_PASS_DEF_FUSECOMBINE
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

namespace {

struct FuseCombine : moe::impl::FuseCombineBase<FuseCombine> {
  void runOnOperation() override {
    SmallVector<ScatterOp> scatters;
    getOperation()->walk([&](ScatterOp scatter) { scatters.push_back(scatter); });
    for (ScatterOp scatter : scatters)
      if (std::optional<StringRef> reason = reasonAgainst(scatter))
        notFused(scatter, getArgument()) << remark::reason("{0}", *reason);
      else
        fuseScatter(scatter);

    SmallVector<CombineSlotsOp> combines;
    getOperation()->walk([&](CombineSlotsOp combine) { combines.push_back(combine); });
    for (CombineSlotsOp combine : combines)
      if (!combine.getWeights())
        continue;
      else if (std::optional<StringRef> reason = reasonAgainst(combine))
        notFused(combine, getArgument()) << remark::reason("{0}", *reason);
      else
        fuseWeights(combine);
  }

private:
  std::optional<StringRef> reasonAgainst(ScatterOp scatter) {
    auto product = scatter.getRows().getDefiningOp<GroupedMatmulOp>();
    if (!product)
      return "the rows are not those of a product";
    if (!product.getResult().hasOneUse())
      return "the product has other users";
    if (product->getBlock() != scatter->getBlock())
      return "the product is in another block";
    if (product.getSlots())
      return "the product scatters already";
    if (!product.getScalars().empty())
      return "the product has scalars in the order of the sorted rows";
    return std::nullopt;
  }

  static bool isZero(Value init) {
    auto splat = init.getDefiningOp<tensor::SplatOp>();
    return splat && matchPattern(splat.getInput(), m_AnyZeroFloat());
  }

  std::optional<StringRef> reasonAgainst(CombineSlotsOp combine) {
    if (combine.getKind() != CombineKind::WeightedSum)
      return "the weights of this kind of combination are not factors of the rows";
    auto product = combine.getRows().getDefiningOp<GroupedMatmulOp>();
    if (!product || !product.getSlots())
      return "the rows are not those of a product that scatters";
    if (!product.getResult().hasOneUse())
      return "the product has other users";
    if (product->getBlock() != combine->getBlock())
      return "the product is in another block";
    if (!product.getInit().getDefiningOp<tensor::EmptyOp>() && !isZero(product.getInit()))
      return "slots that get no row keep a value that would have to be weighted, too";
    return std::nullopt;
  }

  /// The same product in the place of `user`, whose epilogue is taken over.
  static GroupedMatmulOp rebuild(RewriterBase &rewriter, GroupedMatmulOp product, Operation *user, ValueRange scalars,
                                 Value slots, Value init) {
    rewriter.setInsertionPoint(user);
    Location loc = rewriter.getFusedLoc({product.getLoc(), user->getLoc()});
    auto result = GroupedMatmulOp::create(rewriter, loc, init.getType(), product.getRows(), product.getTokens(),
                                          product.getWeights(), product.getOffsets(), product.getColumns(), scalars,
                                          slots, init, product.getConfigAttr());
    rewriter.inlineRegionBefore(product.getBody(), result.getBody(), result.getBody().end());
    return result;
  }

  void fuseScatter(ScatterOp scatter) {
    IRRewriter rewriter(scatter.getContext());
    auto product = scatter.getRows().getDefiningOp<GroupedMatmulOp>();
    auto result = rebuild(rewriter, product, scatter, {}, scatter.getSlots(), scatter.getInit());
    fused(scatter, getArgument()) << "the scatter into the stores of the product";
    rewriter.replaceOp(scatter, result.getResult());
    rewriter.eraseOp(product);
  }

  /// The weight multiplies in f32, as it would have in the combination, so the rows stay f32.
  void fuseWeights(CombineSlotsOp combine) {
    IRRewriter rewriter(combine);
    auto product = combine.getRows().getDefiningOp<GroupedMatmulOp>();
    Location loc = combine.getLoc();
    auto weightType = combine.getWeights().getType();
    Value slotWeights =
        tensor::CollapseShapeOp::create(rewriter, loc, combine.getWeights(), SmallVector<ReassociationIndices>{{0, 1}});
    auto rowsType = RankedTensorType::get(product.getResult().getType().getShape(), rewriter.getF32Type());
    SmallVector<Value> sizes;
    if (rowsType.isDynamicDim(0))
      sizes.push_back(tensor::DimOp::create(rewriter, loc, product.getInit(), 0));
    Value init;
    if (isZero(product.getInit())) {
      Value zero = arith::ConstantOp::create(rewriter, loc, rewriter.getF32FloatAttr(0.0));
      init = tensor::SplatOp::create(rewriter, loc, rowsType, zero, sizes);
    } else {
      init = tensor::EmptyOp::create(rewriter, loc, rowsType, sizes);
    }
    auto scalars = llvm::to_vector(product.getScalars());
    scalars.push_back(slotWeights);
    auto result = rebuild(rewriter, product, combine, scalars, product.getSlots(), init);

    Block &body = result.getBody().front();
    Value weight = body.addArgument(weightType.getElementType(), loc);
    auto yield = cast<YieldOp>(body.getTerminator());
    rewriter.setInsertionPoint(yield);
    Value value = convertFloat(rewriter, loc, yield.getValues().front(), rewriter.getF32Type());
    Value factor = convertFloat(rewriter, loc, weight, rewriter.getF32Type());
    Value weighted = arith::MulFOp::create(rewriter, loc, value, factor);
    rewriter.modifyOpInPlace(yield, [&] { yield->setOperands(weighted); });

    fused(combine, getArgument()) << "the weights into the epilogue of the product";
    rewriter.modifyOpInPlace(combine, [&] {
      combine.getRowsMutable().assign(result.getResult());
      combine.getWeightsMutable().clear();
      combine.setKind(CombineKind::Sum);
    });
    rewriter.eraseOp(product);
  }
};

} // namespace
