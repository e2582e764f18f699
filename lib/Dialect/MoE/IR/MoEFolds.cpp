// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- MoEFolds.cpp - how ops of the dialect fold ---------------------------------------------------------===//

#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Interfaces/FoldInterfaces.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

/// Folding puts constants to the head of the function by default. In a scalar function or an expert body they stay
/// where they are used: such a region is then complete when it moves, and can be read alone.
struct KeepConstants : DialectFoldInterface {
  using DialectFoldInterface::DialectFoldInterface;
  bool shouldMaterializeInto(Region *region) const final {
    return isa<MapOp, GroupedMatmulOp, ExpertsOp>(region->getParentOp());
  }
};

/// Casts that hide static sizes go. The tensor dialect has a pattern for all ops in destination style, which takes
/// every region to have a block; an epilogue that is not there has none.
struct FoldCasts : OpRewritePattern<CombineSlotsOp> {
  // Before that of the tensor dialect.
  explicit FoldCasts(MLIRContext *context) : OpRewritePattern(context, /*benefit=*/2) {}

  LogicalResult matchAndRewrite(CombineSlotsOp op, PatternRewriter &b) const override {
    if (op.getEpilogueBlock() || llvm::none_of(op->getOperands(), isHidden))
      return failure();
    Value init = uncover(op.getInit());
    auto folded = CombineSlotsOp::create(b, op.getLoc(), init.getType(), uncover(op.getRows()), op.getSharedAttr(),
                                         op.getCountAttr(), op.getKindAttr(), uncover(op.getWeights()),
                                         uncover(op.getIds()), init);
    Value result = folded.getResult();
    if (result.getType() != op.getResult().getType())
      result = tensor::CastOp::create(b, op.getLoc(), op.getResult().getType(), result);
    b.replaceOp(op, result);
    return success();
  }

private:
  static bool isHidden(Value value) { return tensor::canFoldIntoConsumerOp(value.getDefiningOp<tensor::CastOp>()); }
  static Value uncover(Value value) {
    return value && isHidden(value) ? value.getDefiningOp<tensor::CastOp>().getSource() : value;
  }
};

} // namespace

void CombineSlotsOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<FoldCasts>(context);
}

void MoEDialect::registerFoldInterface() { addInterfaces<KeepConstants>(); }
