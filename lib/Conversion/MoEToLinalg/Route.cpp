// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Route.cpp - routings to ids and weights ------------------------------------------------------------===//

#include "PopulatePatterns.h"
#include "RowBuilders.h"
#include "moe/Dialect/MoE/Routers/EmitRoute.h"

using namespace mlir;
using namespace mlir::moe;

RankedTensorType mlir::moe::getIdsType(RoutingType type) {
  return RankedTensorType::get({ShapedType::kDynamic, type.getCount()}, IntegerType::get(type.getContext(), 32));
}

RankedTensorType mlir::moe::getWeightsType(RoutingType type) {
  return RankedTensorType::get({ShapedType::kDynamic, type.getCount()}, type.getWeightType());
}

LogicalResult mlir::moe::verifyRoutingsHaveLowering(Operation *root) {
  auto picksRows = [](Type type) {
    auto routing = dyn_cast<RoutingType>(type);
    return routing && routing.getAxis() == Axis::Row;
  };
  auto result = root->walk([&](Operation *op) -> WalkResult {
    if (auto route = dyn_cast<RouteOp>(op))
      return cast<SelectEmitter>(route.getSelect()).verifyEmittable(op->getLoc());
    if (isa<RouteWithinOp>(op))
      return WalkResult(op->emitOpError("is not lowered yet"));
    if (llvm::any_of(op->getOperandTypes(), picksRows) || llvm::any_of(op->getResultTypes(), picksRows))
      return WalkResult(op->emitOpError("is not lowered yet for a routing that picks rows"));
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

namespace {

struct LowerRoute : OpConversionPattern<RouteOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(RouteOp op, OpAdaptor adaptor, ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    RoutingType type = op.getRouting().getType();
    Value ids = emptyRows(b, loc, getIdsType(type), adaptor.getLogits());
    Value weights = emptyRows(b, loc, getWeightsType(type), adaptor.getLogits());
    auto routed = emitRouteReference(b, loc, RouteSpec::of(op), adaptor.getLogits(), adaptor.getBias(), ids, weights);
    if (failed(routed))
      return failure();
    b.replaceOpWithMultiple(op, {ValueRange{routed->first, routed->second}});
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
  patterns.add<LowerRoute, LowerMakeRouting, LowerUnpackRouting>(types, patterns.getContext());
}
