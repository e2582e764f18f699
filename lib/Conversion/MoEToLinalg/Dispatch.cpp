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
    bool picksRows = op.getRouting().getType().getAxis() == Axis::Row;
    SmallVector<Value> parts = picksRows ? pickRows(b, op, adaptor) : copyRows(b, op, adaptor);
    b.replaceOpWithMultiple(op, {ValueRange(parts)});
    return success();
  }

private:
  /// The row's element, or times the weight in f32 and rounded once.
  static Value sent(OpBuilder &b, Location loc, DispatchOp op, Value element, Value weight) {
    if (!op.getWeighted())
      return element;
    Value product = arith::MulFOp::create(b, loc, toF32(b, loc, element), toF32(b, loc, weight));
    return fromF32(b, loc, product, element.getType());
  }

  static SmallVector<Value> copyRows(OpBuilder &b, DispatchOp op, OneToNOpAdaptor adaptor) {
    Location loc = op.getLoc();
    RaggedType ragged = op.getDispatched().getType();
    Value rows = adaptor.getRows().front(), ids = adaptor.getRouting()[0], weights = adaptor.getRouting()[1];
    int64_t count = op.getRouting().getType().getCount();

    // copies[t, k, d] = rows[t, d], or times weights[t, k].
    auto type = RankedTensorType::get({ShapedType::kDynamic, count, ragged.getWidth()}, ragged.getElementType());
    AffineExpr t = b.getAffineDimExpr(0), k = b.getAffineDimExpr(1), d = b.getAffineDimExpr(2);
    auto map = [&](ArrayRef<AffineExpr> exprs) { return AffineMap::get(3, 0, exprs, b.getContext()); };
    SmallVector<IteratorType> loops(3, IteratorType::parallel);
    auto copies = linalg::GenericOp::create(
        b, loc, type, ValueRange{rows, weights}, emptyRows(b, loc, type, ids),
        {map({t, d}), map({t, k}), map({t, k, d})}, loops, [&](OpBuilder &b, Location loc, ValueRange elements) {
          linalg::YieldOp::create(b, loc, sent(b, loc, op, elements[0], elements[1]));
        });

    // Slot t * K + k.
    SmallVector<ReassociationIndices> slots{{0, 1}, {2}}, flat{{0, 1}};
    Value slotRows = tensor::CollapseShapeOp::create(b, loc, copies.getResult(0), slots);
    return {slotRows, tensor::CollapseShapeOp::create(b, loc, ids, flat)};
  }

  /// Slot s holds row ids[s] and belongs to expert s / slots of an expert; an empty slot holds row 0 for nobody.
  static SmallVector<Value> pickRows(OpBuilder &b, DispatchOp op, OneToNOpAdaptor adaptor) {
    Location loc = op.getLoc();
    RaggedType ragged = op.getDispatched().getType();
    SmallVector<ReassociationIndices> flat{{0, 1}};
    Value rows = adaptor.getRows().front();
    Value ids = tensor::CollapseShapeOp::create(b, loc, adaptor.getRouting()[0], flat);
    Value weights = tensor::CollapseShapeOp::create(b, loc, adaptor.getRouting()[1], flat);
    Value experts = arith::ConstantIndexOp::create(b, loc, ragged.getExperts());
    Value slots = tensor::DimOp::create(b, loc, ids, 0);
    Value slotsOfExpert = arith::DivUIOp::create(b, loc, slots, experts);
    Value zero = arith::ConstantIntOp::create(b, loc, b.getI32Type(), 0);
    auto isPicked = [&](OpBuilder &b, Location loc, Value id) -> Value {
      return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, id, zero);
    };

    AffineExpr s = b.getAffineDimExpr(0), d = b.getAffineDimExpr(1);
    auto map = [&](unsigned dims, ArrayRef<AffineExpr> exprs) {
      return AffineMap::get(dims, 0, exprs, b.getContext());
    };
    SmallVector<IteratorType> loops(2, IteratorType::parallel), loop(1, IteratorType::parallel);
    RankedTensorType rowsType = getSlotRowsType(ragged), idsType = getSlotIdsType(ragged);
    auto picked = linalg::GenericOp::create(
        b, loc, rowsType, ValueRange{ids, weights}, emptyRows(b, loc, rowsType, ids),
        {map(2, {s}), map(2, {s}), map(2, {s, d})}, loops, [&](OpBuilder &b, Location loc, ValueRange elements) {
          Value id = arith::SelectOp::create(b, loc, isPicked(b, loc, elements[0]), elements[0], zero);
          Value row = arith::IndexCastOp::create(b, loc, b.getIndexType(), id);
          Value column = linalg::IndexOp::create(b, loc, 1);
          Value element = tensor::ExtractOp::create(b, loc, rows, ValueRange{row, column});
          linalg::YieldOp::create(b, loc, sent(b, loc, op, element, elements[1]));
        });
    auto owners = linalg::GenericOp::create(
        b, loc, idsType, ids, emptyRows(b, loc, idsType, ids), {map(1, {s}), map(1, {s})}, loop,
        [&](OpBuilder &b, Location loc, ValueRange elements) {
          Value expert = arith::DivUIOp::create(b, loc, linalg::IndexOp::create(b, loc, 0), slotsOfExpert);
          Value owner = arith::IndexCastOp::create(b, loc, b.getI32Type(), expert);
          Value nobody = arith::ConstantIntOp::create(b, loc, b.getI32Type(), -1);
          Value id = arith::SelectOp::create(b, loc, isPicked(b, loc, elements[0]), owner, nobody);
          linalg::YieldOp::create(b, loc, id);
        });
    return {picked.getResult(0), owners.getResult(0)};
  }
};

} // namespace

void mlir::moe::populateDispatchPatterns(const TypeConverter &types, RewritePatternSet &patterns) {
  patterns.add<LowerDispatch>(types, patterns.getContext());
}
