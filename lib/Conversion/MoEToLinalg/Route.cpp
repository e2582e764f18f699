// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Route.cpp - routings to ids and weights ------------------------------------------------------------===//

#include "PopulatePatterns.h"
#include "RowBuilders.h"
#include "moe/Dialect/MoE/Routers/EmitRoute.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::moe;

RankedTensorType mlir::moe::getIdsType(RoutingType type) {
  return RankedTensorType::get({ShapedType::kDynamic, type.getCount()}, IntegerType::get(type.getContext(), 32));
}

RankedTensorType mlir::moe::getWeightsType(RoutingType type) {
  return RankedTensorType::get({ShapedType::kDynamic, type.getCount()}, type.getWeightType());
}

namespace {

struct LowerRoute : OpConversionPattern<RouteOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(RouteOp op, OpAdaptor adaptor, ConversionPatternRewriter &b) const override {
    bool picksRows = op.getSelection().getSelectAxis() == Axis::Row;
    EmittedRoute routed = picksRows ? routeRows(b, op, adaptor) : routeExperts(b, op, adaptor);
    b.replaceOpWithMultiple(op, {ValueRange{routed.first, routed.second}});
    return success();
  }

private:
  static EmittedRoute routeExperts(OpBuilder &b, RouteOp op, OpAdaptor adaptor) {
    Location loc = op.getLoc();
    RoutingType type = op.getRouting().getType();
    Value ids = emptyRows(b, loc, getIdsType(type), adaptor.getLogits());
    Value weights = emptyRows(b, loc, getWeightsType(type), adaptor.getLogits());
    EmittedRoute routed =
        emitRouteReference(b, loc, RouteSpec::of(op), adaptor.getLogits(), adaptor.getBias(), ids, weights);
    routed.first = emitCapacity(b, loc, op.getSelection(), type.getExperts(), routed.first);
    return routed;
  }

  /// Row `e * windows + w` of ids and weights is what expert e picks in window w.
  static EmittedRoute routeRows(OpBuilder &b, RouteOp op, OpAdaptor adaptor) {
    Location loc = op.getLoc();
    RoutingType type = op.getRouting().getType();
    RouteSpec spec = RouteSpec::of(op);
    Value logits = adaptor.getLogits();
    Value rows = tensor::DimOp::create(b, loc, logits, 0);
    Value windows = RowChoice::countWindows(b, loc, spec.select, rows), scores;
    if (RowChoice::needsScores(spec)) {
      auto scoresType = RankedTensorType::get({ShapedType::kDynamic, type.getExperts()}, b.getF32Type());
      scores = RowChoice::emitScores(b, loc, spec, logits, tensor::EmptyOp::create(b, loc, scoresType, rows));
    }
    Value experts = arith::ConstantIndexOp::create(b, loc, type.getExperts());
    Value size = arith::MulIOp::create(b, loc, experts, windows);
    Value ids = tensor::EmptyOp::create(b, loc, getIdsType(type), size);
    Value weights = tensor::EmptyOp::create(b, loc, getWeightsType(type), size);
    RowChoice choice{spec, logits, adaptor.getBias(), scores, windows};
    return choice.emit(b, loc, arith::ConstantIndexOp::create(b, loc, 0), ids, weights);
  }
};

struct LowerRouteWithin : OpConversionPattern<RouteWithinOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(RouteWithinOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    RoutingType type = op.getRouting().getType();
    Value logits = adaptor.getLogits().front();
    RouteSpec spec = RouteSpec::ofLevel(op);
    Value ids = emptyRows(b, loc, getIdsType(type), logits), weights = emptyRows(b, loc, getWeightsType(type), logits);
    EmittedRoute routed =
        emitRouteWithin(b, loc, spec, op.getParent().getType().getExperts(),
                        {adaptor.getParent()[0], adaptor.getParent()[1]}, logits, ids, weights, emitRouteReference);
    routed.first = emitCapacity(b, loc, spec.select, type.getExperts(), routed.first);
    b.replaceOpWithMultiple(op, {ValueRange{routed.first, routed.second}});
    return success();
  }
};

struct LowerMakeRouting : OpConversionPattern<MakeRoutingOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(MakeRoutingOp op, OpAdaptor adaptor, ConversionPatternRewriter &b) const override {
    RoutingType type = op.getRouting().getType();
    Value ids = castTensor(b, op.getLoc(), adaptor.getIds(), getIdsType(type));
    Value weights = castTensor(b, op.getLoc(), adaptor.getWeights(), getWeightsType(type));
    b.replaceOpWithMultiple(op, {ValueRange{ids, weights}});
    return success();
  }
};

/// An id of another part becomes -1.
struct LowerNarrowRouting : OpConversionPattern<NarrowRoutingOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(NarrowRoutingOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    auto narrow = [&](OpBuilder &b, Location loc, ValueRange elements) -> Value {
      auto constant = [&](int64_t value) { return arith::ConstantIntOp::create(b, loc, b.getI32Type(), value); };
      Value id = elements.front();
      Value notBefore = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, id, constant(op.getBegin()));
      Value before = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, id, constant(op.getEnd()));
      Value inside = arith::AndIOp::create(b, loc, notBefore, before);
      Value own = arith::SubIOp::create(b, loc, id, constant(op.getBegin()));
      return arith::SelectOp::create(b, loc, inside, own, constant(-1));
    };
    ValueRange whole = adaptor.getWhole();
    Value ids = mapRows(b, op.getLoc(), getIdsType(op.getRouting().getType()), whole[0], narrow);
    b.replaceOpWithMultiple(op, {ValueRange{ids, whole[1]}});
    return success();
  }
};

struct LowerUnpackRouting : OpConversionPattern<UnpackRoutingOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(UnpackRoutingOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    ValueRange routing = adaptor.getRouting();
    b.replaceOp(op, {castTensor(b, op.getLoc(), routing[0], op.getIds().getType()),
                     castTensor(b, op.getLoc(), routing[1], op.getWeights().getType())});
    return success();
  }
};

} // namespace

void mlir::moe::populateRoutePatterns(const TypeConverter &types, RewritePatternSet &patterns) {
  patterns.add<LowerRoute, LowerRouteWithin, LowerMakeRouting, LowerNarrowRouting, LowerUnpackRouting>(
      types, patterns.getContext());
}
