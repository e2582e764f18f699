// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Experts.cpp - moe.experts to a loop over slots -----------------------------------------------------===//

#include "PopulatePatterns.h"
#include "RowBuilders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace mlir::moe;

/// Slice `at` of the first dimension, as a tensor of `type`: of one rank less (a weight) or of one row.
static Value sliceFirst(OpBuilder &b, Location loc, Value source, Value at, RankedTensorType type) {
  auto sourceType = cast<RankedTensorType>(source.getType());
  SmallVector<OpFoldResult> offsets(sourceType.getRank(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(sourceType.getRank(), b.getIndexAttr(1));
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, source);
  offsets[0] = at;
  sizes[0] = b.getIndexAttr(1);
  return tensor::ExtractSliceOp::create(b, loc, type, source, offsets, sizes, strides);
}

static RankedTensorType withRows(RankedTensorType type, int64_t rows) {
  return RankedTensorType::get({rows, type.getDimSize(1)}, type.getElementType());
}

static Value insertRow(OpBuilder &b, Location loc, Value row, Value rows, Value at) {
  SmallVector<OpFoldResult> offsets{at, b.getIndexAttr(0)}, strides(2, b.getIndexAttr(1));
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, row);
  return tensor::InsertSliceOp::create(b, loc, row, rows, offsets, sizes, strides);
}

namespace {

struct LowerExperts : OpConversionPattern<ExpertsOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(ExpertsOp op, OneToNOpAdaptor adaptor, ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    RankedTensorType type = getSlotRowsType(op.getResult().getType());
    Value ids = adaptor.getRows().front()[1];
    Value slots = tensor::DimOp::create(b, loc, ids, 0);
    Value init = emptyRows(b, loc, type, ids);
    Value zero = arith::ConstantIndexOp::create(b, loc, 0), one = arith::ConstantIndexOp::create(b, loc, 1);
    auto loop = scf::ForOp::create(b, loc, zero, slots, one, init);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      Value slot = loop.getInductionVar(), out = loop.getRegionIterArg(0);
      Value id = tensor::ExtractOp::create(b, loc, ids, slot);
      Value none = arith::ConstantIntOp::create(b, loc, b.getI32Type(), 0);
      Value goesSomewhere = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, id, none);
      // Both branches give the whole result with one row written, so that it stays one buffer.
      auto branch = scf::IfOp::create(b, loc, type, goesSomewhere, /*withElseRegion=*/true);
      b.setInsertionPointToStart(branch.thenBlock());
      Value expert = arith::IndexCastOp::create(b, loc, b.getIndexType(), id);
      scf::YieldOp::create(b, loc, insertRow(b, loc, emitBody(b, op, adaptor, slot, expert), out, slot));
      b.setInsertionPointToStart(branch.elseBlock());
      Value zeroElement = arith::ConstantOp::create(b, loc, b.getFloatAttr(type.getElementType(), 0.0));
      Value row = sliceFirst(b, loc, out, slot, withRows(type, 1));
      Value zeros = linalg::FillOp::create(b, loc, zeroElement, row).getResult(0);
      scf::YieldOp::create(b, loc, insertRow(b, loc, zeros, out, slot));

      b.setInsertionPointToEnd(loop.getBody());
      scf::YieldOp::create(b, loc, branch.getResults());
    }
    b.replaceOpWithMultiple(op, {ValueRange{loop.getResult(0), ids}});
    return success();
  }

private:
  /// The region on the one row of `slot`, with the weights of `expert`; the copies are converted in their turn.
  static Value emitBody(ConversionPatternRewriter &b, ExpertsOp op, OneToNOpAdaptor adaptor, Value slot, Value expert) {
    Location loc = op.getLoc();
    Block *body = &op.getBody().front();
    IRMapping mapping;
    auto arguments = body->getArguments();
    for (ValueRange ragged : adaptor.getRows()) {
      BlockArgument argument = arguments.front();
      auto type = cast<RankedTensorType>(argument.getType());
      Value row = sliceFirst(b, loc, ragged[0], slot, withRows(type, 1));
      mapping.map(argument, castTensor(b, loc, row, type));
      arguments = arguments.drop_front();
    }
    for (auto [argument, weight] : llvm::zip_equal(arguments, adaptor.getWeights()))
      mapping.map(argument, sliceFirst(b, loc, weight.front(), expert, cast<RankedTensorType>(argument.getType())));
    for (Operation &inner : body->without_terminator())
      b.clone(inner, mapping);
    Value row = mapping.lookupOrDefault(body->getTerminator()->getOperand(0));
    return castTensor(b, loc, row, withRows(cast<RankedTensorType>(row.getType()), 1));
  }
};

} // namespace

void mlir::moe::populateExpertsPatterns(const TypeConverter &types, RewritePatternSet &patterns) {
  patterns.add<LowerExperts>(types, patterns.getContext());
}
