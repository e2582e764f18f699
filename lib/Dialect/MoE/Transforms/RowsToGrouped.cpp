// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- RowsToGrouped.cpp - dispatched rows to sorted rows -------------------------------------------------===//

#include "Remarks.h"
#include "Routings.h"
#include "ToGrouped.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::moe;

/// The number of slots, T * K, of a tensor [T, K].
static Value slotCount(OpBuilder &b, Location loc, Value ids) {
  int64_t count = cast<RankedTensorType>(ids.getType()).getDimSize(1);
  return arith::MulIOp::create(b, loc, rowCount(b, loc, ids), arith::ConstantIndexOp::create(b, loc, count));
}

/// Whether slot k of every row goes to expert k.
static bool isInOrder(TypedValue<RoutingType> routing) {
  auto route = routing.getDefiningOp<RouteOp>();
  return route && route.getSelection().isInOrder();
}

namespace {

/// Every dispatch plans its routing anew; CSE makes one plan of those of one routing.
struct ConvertDispatch : OpConversionPattern<DispatchOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(DispatchOp op, OneToNOpAdaptor adaptor, ConversionPatternRewriter &b) const override {
    SmallVector<Type> types;
    if (failed(getTypeConverter()->convertType(op.getType(), types)))
      return failure();
    Location loc = op.getLoc();
    GroupedRouting routing(adaptor.getRouting());
    Value slots = slotCount(b, loc, routing.ids);
    Value offsetsInit = tensor::EmptyOp::create(b, loc, types[1], ValueRange());
    Value indicesInit = tensor::EmptyOp::create(b, loc, types[2], slots);
    auto create = [&](auto kind, Value of) -> Operation * {
      return decltype(kind)::create(b, loc, TypeRange{types[1], types[2], types[2]},
                                    ValueRange{of, offsetsInit, indicesInit, indicesInit});
    };
    Operation *plan = picksRows(op.getRouting().getType()) ? create(PlanRowsOp(), routing.ids)
                      : isInOrder(op.getRouting())         ? create(PlanAllOp(), rowCount(b, loc, routing.ids))
                                                           : create(PlanOp(), routing.ids);
    if (auto sorted = dyn_cast<PlanOp>(plan))
      if (int64_t capacity = capacityOf(op.getRouting()))
        sorted.setCapacity(capacity);
    Value offsets = plan->getResult(0), tokens = plan->getResult(1), sortedSlots = plan->getResult(2);
    Value rowsInit = createEmptyRows(b, loc, cast<RankedTensorType>(types[0]), slots);
    Value weights;
    if (op.getWeighted())
      weights = tensor::CollapseShapeOp::create(b, loc, routing.weights, SmallVector<ReassociationIndices>{{0, 1}});
    auto gather = GatherOp::create(b, loc, types[0], adaptor.getRows().front(), tokens,
                                   mayDrop(op.getRouting()) ? offsets : Value(), weights,
                                   weights ? sortedSlots : Value(), rowsInit);
    SmallVector<Value> parts = {gather.getResult(), offsets, sortedSlots};
    b.replaceOpWithMultiple(op, {ValueRange(parts)});
    return success();
  }
};

struct ConvertExperts : OpConversionPattern<ExpertsOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(ExpertsOp op, OneToNOpAdaptor adaptor, ConversionPatternRewriter &b) const override {
    SmallVector<Value> rows, weights;
    for (ValueRange parts : adaptor.getRows())
      rows.push_back(GroupedRagged(parts).rows);
    for (ValueRange parts : adaptor.getWeights())
      weights.push_back(parts.front());
    GroupedRagged first(adaptor.getRows().front());
    Value result = lowerExpertBody(b, op, rows, weights, first.offsets, [&](Value v) { return b.getRemappedValue(v); });
    SmallVector<Value> parts = {result, first.offsets, first.slots};
    b.replaceOpWithMultiple(op, {ValueRange(parts)});
    return success();
  }
};

struct ConvertCombine : OpConversionPattern<CombineOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(CombineOp op, OneToNOpAdaptor adaptor, ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    if (auto dispatch = getUnchangedRows(op)) {
      combineShared(op, b.getRemappedValue(dispatch.getRows()), GroupedRouting(adaptor.getRouting()), b);
      return success();
    }
    GroupedRagged ragged(adaptor.getRows());
    GroupedRouting routing(adaptor.getRouting());
    auto sorted = cast<RankedTensorType>(ragged.rows.getType());
    bool drops = mayDrop(op.getRouting());
    // Slots that get no row are not looked at, so they need no value.
    Value init = createEmptyRows(b, loc, sorted, slotCount(b, loc, routing.ids));
    auto scatter = ScatterOp::create(b, loc, sorted, ragged.rows, ragged.slots, drops ? ragged.offsets : Value(), init);
    auto result = op.getResult().getType();
    Value weights = usesWeights(op.getKind()) ? routing.weights : Value();
    bool rowsPicked = picksRows(op.getRouting().getType());
    Value like = rowsPicked ? adaptor.getLike().front() : routing.ids;
    Value output = createEmptyRows(b, loc, result, rowCount(b, loc, like));
    if (rowsPicked)
      b.replaceOpWithNewOp<CombineRowsOp>(op, result, scatter.getResult(), routing.ids, op.getKindAttr(), weights,
                                          output);
    else
      b.replaceOpWithNewOp<CombineSlotsOp>(op, result, scatter.getResult(), /*shared=*/UnitAttr(),
                                           b.getI64IntegerAttr(op.getRouting().getType().getCount()), op.getKindAttr(),
                                           weights, drops ? routing.ids : Value(), output);
    return success();
  }

private:
  /// The dispatch, where rows come back from it as they went in: each row is in all of its slots.
  static DispatchOp getUnchangedRows(CombineOp op) {
    auto dispatch = op.getRows().getDefiningOp<DispatchOp>();
    bool unchanged = dispatch && !dispatch.getWeighted() && dispatch.getRouting() == op.getRouting() &&
                     !picksRows(op.getRouting().getType());
    return unchanged ? dispatch : DispatchOp();
  }

  /// The rows need no order; the dispatch and its plan are left without a user.
  static void combineShared(CombineOp op, Value rows, GroupedRouting routing, ConversionPatternRewriter &b) {
    auto result = op.getResult().getType();
    Value output = createEmptyRows(b, op.getLoc(), result, rowCount(b, op.getLoc(), routing.ids));
    Value weights = usesWeights(op.getKind()) ? routing.weights : Value();
    Value ids = !weights || mayDrop(op.getRouting()) ? routing.ids : Value();
    folded(op, "moe-to-grouped") << "rows that come back unchanged are combined where they are";
    b.replaceOpWithNewOp<CombineSlotsOp>(op, result, rows, b.getUnitAttr(),
                                         b.getI64IntegerAttr(op.getRouting().getType().getCount()), op.getKindAttr(),
                                         weights, ids, output);
  }
};

} // namespace

void mlir::moe::populateRowsToGrouped(const TypeConverter &types, RewritePatternSet &patterns) {
  patterns.add<ConvertDispatch, ConvertExperts, ConvertCombine>(types, patterns.getContext());
}
