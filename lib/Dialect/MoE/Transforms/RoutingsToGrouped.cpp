// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- RoutingsToGrouped.cpp - routings to ids and weights ------------------------------------------------===//

#include "Routings.h"
#include "ToGrouped.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::moe;

static Value castTo(OpBuilder &b, Location loc, Value value, Type type) {
  return value.getType() == type ? value : tensor::CastOp::create(b, loc, type, value).getResult();
}

/// The number of rows of a routing's ids: T, or E * windows for a selection of rows.
static Value countIdRows(OpBuilder &b, Location loc, RouteOp op, Value logits) {
  Value rows = rowCount(b, loc, logits);
  SelectAttrInterface select = op.getSelection();
  if (select.getSelectAxis() == Axis::Expert)
    return rows;
  Value experts = arith::ConstantIndexOp::create(b, loc, op.getType().getExperts());
  if (select.getWindow() == 0)
    return experts;
  Value windows = arith::CeilDivUIOp::create(b, loc, rows, arith::ConstantIndexOp::create(b, loc, select.getWindow()));
  return arith::MulIOp::create(b, loc, experts, windows);
}

namespace {

struct ConvertRoute : OpConversionPattern<RouteOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(RouteOp op, OneToNOpAdaptor adaptor, ConversionPatternRewriter &b) const override {
    SmallVector<Type> types;
    if (failed(getTypeConverter()->convertType(op.getType(), types)))
      return failure();
    Location loc = op.getLoc();
    Value rows = countIdRows(b, loc, op, adaptor.getLogits().front());
    SmallVector<Value> inits;
    for (Type type : types)
      inits.push_back(createEmptyRows(b, loc, cast<RankedTensorType>(type), rows));
    Value bias = op.getBias() ? adaptor.getBias().front() : Value();
    auto create = [&](auto kind) -> Operation * {
      return decltype(kind)::create(b, loc, types[0], types[1], adaptor.getLogits().front(), bias, op.getSelect(),
                                    op.getRankAttr(), op.getWeigh(), op.getOverAttr(), op.getRenormalizeAttr(),
                                    op.getScaleAttr(), inits[0], inits[1]);
    };
    Operation *select = picksRows(op.getType()) ? create(SelectRowsOp()) : create(SelectOp());
    b.replaceOpWithMultiple(op, {select->getResults()});
    return success();
  }
};

struct ConvertRouteWithin : OpConversionPattern<RouteWithinOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(RouteWithinOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    SmallVector<Type> types;
    if (failed(getTypeConverter()->convertType(op.getType(), types)))
      return failure();
    Location loc = op.getLoc();
    GroupedRouting parent(adaptor.getParent());
    Value rows = rowCount(b, loc, parent.ids);
    SmallVector<Value> inits;
    for (Type type : types)
      inits.push_back(createEmptyRows(b, loc, cast<RankedTensorType>(type), rows));
    auto select =
        SelectWithinOp::create(b, loc, types[0], types[1], parent.ids, parent.weights, adaptor.getLogits().front(),
                               b.getI64IntegerAttr(op.getParent().getType().getExperts()), op.getSelect(),
                               op.getWeigh(), op.getOverAttr(), inits[0], inits[1]);
    b.replaceOpWithMultiple(op, {select.getResults()});
    return success();
  }
};

struct ConvertMakeRouting : OpConversionPattern<MakeRoutingOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(MakeRoutingOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    SmallVector<Type> types;
    if (failed(getTypeConverter()->convertType(op.getType(), types)))
      return failure();
    SmallVector<Value> parts = {castTo(b, op.getLoc(), adaptor.getIds().front(), types[0]),
                                castTo(b, op.getLoc(), adaptor.getWeights().front(), types[1])};
    b.replaceOpWithMultiple(op, {ValueRange(parts)});
    return success();
  }
};

/// Ids count from the first expert of the part on; weights stay.
struct ConvertNarrowRouting : OpConversionPattern<NarrowRoutingOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(NarrowRoutingOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    GroupedRouting whole(adaptor.getWhole());
    auto type = cast<RankedTensorType>(whole.ids.getType());
    Value init = createEmptyRows(b, loc, type, rowCount(b, loc, whole.ids));
    auto narrow = [&](OpBuilder &nested, Location loc, ValueRange id) {
      auto constant = [&](int64_t value) {
        return arith::ConstantIntOp::create(nested, loc, nested.getI32Type(), value);
      };
      // As an unsigned number whatever comes before the first expert is larger than any expert.
      Value own = arith::SubIOp::create(nested, loc, id.front(), constant(op.getBegin()));
      Value isPart = arith::CmpIOp::create(nested, loc, arith::CmpIPredicate::ult, own,
                                           constant(op.getRouting().getType().getExperts()));
      linalg::YieldOp::create(nested, loc, Value(arith::SelectOp::create(nested, loc, isPart, own, constant(-1))));
    };
    auto ids = linalg::MapOp::create(b, loc, whole.ids, init, narrow);
    SmallVector<Value> parts = {ids.getResult()[0], whole.weights};
    b.replaceOpWithMultiple(op, {ValueRange(parts)});
    return success();
  }
};

struct ConvertUnpackRouting : OpConversionPattern<UnpackRoutingOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(UnpackRoutingOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    GroupedRouting routing(adaptor.getRouting());
    b.replaceOp(op, {castTo(b, op.getLoc(), routing.ids, op.getIds().getType()),
                     castTo(b, op.getLoc(), routing.weights, op.getWeights().getType())});
    return success();
  }
};

} // namespace

void mlir::moe::populateRoutingsToGrouped(const TypeConverter &types, RewritePatternSet &patterns) {
  patterns.add<ConvertRoute, ConvertRouteWithin, ConvertMakeRouting, ConvertNarrowRouting, ConvertUnpackRouting>(
      types, patterns.getContext());
}
