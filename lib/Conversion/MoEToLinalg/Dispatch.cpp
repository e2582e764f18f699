// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Dispatch.cpp - moe.dispatch to a copy of each row for each of its slots ----------------------------===//

#include "PopulatePatterns.h"
#include "RowBuilders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::moe;
using utils::IteratorType;

RankedTensorType mlir::moe::getSlotRowsType(RaggedType type) {
  return RankedTensorType::get({ShapedType::kDynamic, type.getWidth()}, type.getElementType());
}

RankedTensorType mlir::moe::getSlotIdsType(RaggedType type) {
  return RankedTensorType::get({ShapedType::kDynamic}, IntegerType::get(type.getContext(), 32));
}

namespace {

struct LowerDispatch : OpConversionPattern<DispatchOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(DispatchOp op, OneToNOpAdaptor adaptor, ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    RaggedType ragged = op.getDispatched().getType();
    Value rows = adaptor.getRows().front(), ids = adaptor.getRouting()[0], weights = adaptor.getRouting()[1];
    int64_t count = op.getRouting().getType().getCount();

    // copies[t, k, d] = rows[t, d], or times weights[t, k] in f32 and rounded once.
    auto type = RankedTensorType::get({ShapedType::kDynamic, count, ragged.getWidth()}, ragged.getElementType());
    AffineExpr t = b.getAffineDimExpr(0), k = b.getAffineDimExpr(1), d = b.getAffineDimExpr(2);
    auto map = [&](ArrayRef<AffineExpr> exprs) { return AffineMap::get(3, 0, exprs, b.getContext()); };
    SmallVector<IteratorType> loops(3, IteratorType::parallel);
    auto copies = linalg::GenericOp::create(
        b, loc, type, ValueRange{rows, weights}, emptyRows(b, loc, type, ids),
        {map({t, d}), map({t, k}), map({t, k, d})}, loops, [&](OpBuilder &b, Location loc, ValueRange elements) {
          Value element = elements[0];
          if (op.getWeighted()) {
            Value product = arith::MulFOp::create(b, loc, toF32(b, loc, element), toF32(b, loc, elements[1]));
            element = fromF32(b, loc, product, element.getType());
          }
          linalg::YieldOp::create(b, loc, element);
        });

    // Slot t * K + k.
    SmallVector<ReassociationIndices> slots{{0, 1}, {2}}, flat{{0, 1}};
    Value slotRows = tensor::CollapseShapeOp::create(b, loc, copies.getResult(0), slots);
    Value slotIds = tensor::CollapseShapeOp::create(b, loc, ids, flat);
    b.replaceOpWithMultiple(op, {ValueRange{slotRows, slotIds}});
    return success();
  }
};

} // namespace

void mlir::moe::populateDispatchPatterns(const TypeConverter &types, RewritePatternSet &patterns) {
  patterns.add<LowerDispatch>(types, patterns.getContext());
}
