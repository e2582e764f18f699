// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- FoldSingleSlot.cpp - a row with one expert needs no combination ------------------------------------===//

#include "Epilogue.h"
#include "Remarks.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::moe {
#define GEN_PASS_DEF_FOLDSINGLESLOT
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

namespace {

struct FoldSingleSlot : moe::impl::FoldSingleSlotBase<FoldSingleSlot> {
  void runOnOperation() override {
    SmallVector<CombineSlotsOp> combines;
    getOperation()->walk([&](CombineSlotsOp combine) {
      if (combine.getCount() == 1 && !combine.getShared())
        combines.push_back(combine);
    });
    for (CombineSlotsOp combine : combines)
      if (std::optional<StringRef> reason = reasonAgainst(combine))
        notFolded(combine, getArgument()) << remark::reason("{0}", *reason);
      else
        fold(combine);
  }

private:
  std::optional<StringRef> reasonAgainst(CombineSlotsOp combine) {
    if (combine.getWeights())
      return "the combination has weights of its own";
    if (combine.getEpilogueBlock())
      return "the combination has an epilogue, which takes a pass over the rows anyway";
    if (combine.getIds())
      return "slots may be dropped, and their rows would have to be filled before";
    Operation *product = combine.getRows().getDefiningOp();
    if (!product || !givesRowsOfSlots(product))
      return "the rows are not those of a product that scatters";
    if (!product->hasOneUse())
      return "the product has other users";
    if (product->getBlock() != combine->getBlock())
      return "the product is in another block";
    if (!cast<DestinationStyleOpInterface>(product).getDpsInits()[0].getDefiningOp<tensor::EmptyOp>())
      return "slots that get no row keep a value that would have to be converted, too";
    return std::nullopt;
  }

  static bool givesRowsOfSlots(Operation *op) {
    auto product = dyn_cast<GroupedMatmulOp>(op);
    return isa<SlotMatmulOp>(op) || (product && product.getSlots());
  }

  /// The slot of a row is the row, so the product stores to the rows of the result and rounds as the combination did.
  void fold(CombineSlotsOp combine) {
    IRRewriter rewriter(combine);
    Operation *product = combine.getRows().getDefiningOp();
    auto type = combine.getResult().getType();
    rewriter.moveOpBefore(product, combine);
    rewriter.modifyOpInPlace(product, [&] {
      product->setLoc(rewriter.getFusedLoc({product->getLoc(), combine.getLoc()}));
      cast<DestinationStyleOpInterface>(product).getDpsInitsMutable()[0].assign(combine.getInit());
      product->getResult(0).setType(type);
    });
    auto yield = cast<YieldOp>(product->getRegion(0).front().getTerminator());
    rewriter.setInsertionPoint(yield);
    // Through f32, in which a combination computes.
    Location loc = product->getLoc();
    Value value = convertFloat(rewriter, loc, yield.getValues().front(), rewriter.getF32Type());
    value = convertFloat(rewriter, loc, value, type.getElementType());
    rewriter.modifyOpInPlace(yield, [&] { yield->setOperands(value); });
    folded(combine, getArgument()) << "the combination of one slot into the stores of the product";
    rewriter.replaceOp(combine, product->getResult(0));
  }
};

} // namespace
