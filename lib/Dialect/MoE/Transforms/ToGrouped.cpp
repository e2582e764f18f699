// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- ToGrouped.cpp - from the model form to the grouped form --------------------------------------------===//
//
// A dialect conversion that splits the opaque types: !moe.routing into ids and weights, !moe.ragged into sorted rows,
// their offsets and their slots. Functions, calls and structured control flow that carry them are split, too. What has
// no grouped form yet is found before anything is changed.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "ToGrouped.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Func/Transforms/FuncConversions.h"
#include "mlir/Dialect/SCF/Transforms/Patterns.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/DialectConversion.h"

namespace mlir::moe {
#define GEN_PASS_DEF_TOGROUPED
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

//===-- Types -----------------------------------------------------------------------------------------------===//

static RankedTensorType dynamicRows(int64_t width, Type element) {
  return RankedTensorType::get({ShapedType::kDynamic, width}, element);
}

static RankedTensorType indices(MLIRContext *context, int64_t size = ShapedType::kDynamic) {
  return RankedTensorType::get({size}, IndexType::get(context));
}

namespace {

/// ids [T, K] and weights [T, K]; where the routing picks rows, [E * windows, K] and ids of rows.
struct GroupedRouting {
  explicit GroupedRouting(ValueRange parts) : ids(parts[0]), weights(parts[1]) {}
  Value ids, weights;
};

/// Rows sorted by expert, the offsets [E + 1] of the experts' groups, and the slot of each row.
struct GroupedRagged {
  explicit GroupedRagged(ValueRange parts) : rows(parts[0]), offsets(parts[1]), slots(parts[2]) {}
  Value rows, offsets, slots;
};

class GroupedTypeConverter : public TypeConverter {
public:
  GroupedTypeConverter() {
    addConversion([](Type type) { return type; });
    addConversion([](RoutingType type, SmallVectorImpl<Type> &parts) -> std::optional<LogicalResult> {
      parts.push_back(dynamicRows(type.getCount(), IntegerType::get(type.getContext(), 32)));
      parts.push_back(dynamicRows(type.getCount(), type.getWeightType()));
      return success();
    });
    addConversion([](RaggedType type, SmallVectorImpl<Type> &parts) -> std::optional<LogicalResult> {
      parts.push_back(dynamicRows(type.getWidth(), type.getElementType()));
      parts.push_back(indices(type.getContext(), type.getExperts() + 1));
      parts.push_back(indices(type.getContext()));
      return success();
    });
  }
};

} // namespace

//===-- Building tensors ------------------------------------------------------------------------------------===//

Value mlir::moe::createEmptyRows(OpBuilder &b, Location loc, RankedTensorType type, Value rows) {
  return tensor::EmptyOp::create(b, loc, type, type.isDynamicDim(0) ? ValueRange(rows) : ValueRange());
}

static Value rowCount(OpBuilder &b, Location loc, Value rows) { return tensor::DimOp::create(b, loc, rows, 0); }

/// The number of slots, T * K, of a tensor [T, K].
static Value slotCount(OpBuilder &b, Location loc, Value ids) {
  int64_t count = cast<RankedTensorType>(ids.getType()).getDimSize(1);
  return arith::MulIOp::create(b, loc, rowCount(b, loc, ids), arith::ConstantIndexOp::create(b, loc, count));
}

static Value castTo(OpBuilder &b, Location loc, Value value, Type type) {
  return value.getType() == type ? value : tensor::CastOp::create(b, loc, type, value).getResult();
}

static bool picksRows(RoutingType routing) { return routing.getAxis() == Axis::Row; }

/// Whether a slot of `routing` may go nowhere (id -1). Of a routing from elsewhere nothing is known, and a window may
/// have fewer rows than an expert picks.
static bool mayDrop(TypedValue<RoutingType> routing) {
  if (picksRows(routing.getType()))
    return true;
  if (auto route = routing.getDefiningOp<RouteOp>())
    return route.getSelection().mayDrop();
  if (auto within = routing.getDefiningOp<RouteWithinOp>())
    return within.getSelection().mayDrop() || mayDrop(within.getParent());
  return true;
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

//===-- Patterns --------------------------------------------------------------------------------------------===//

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
    auto create = [&](auto kind) -> Operation * {
      return decltype(kind)::create(b, loc, types[1], types[2], types[2], routing.ids, offsetsInit, indicesInit,
                                    indicesInit);
    };
    Operation *plan = picksRows(op.getRouting().getType()) ? create(PlanRowsOp()) : create(PlanOp());
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
    GroupedRagged ragged(adaptor.getRows());
    GroupedRouting routing(adaptor.getRouting());
    auto sorted = cast<RankedTensorType>(ragged.rows.getType());
    bool drops = mayDrop(op.getRouting());
    // Slots that get no row are not looked at, so they need no value.
    Value init = createEmptyRows(b, loc, sorted, slotCount(b, loc, routing.ids));
    auto scatter = ScatterOp::create(b, loc, sorted, ragged.rows, ragged.slots, drops ? ragged.offsets : Value(), init);
    bool weighted = op.getKind() == CombineKind::WeightedSum || op.getKind() == CombineKind::LogSumExp;
    auto result = op.getResult().getType();
    Value weights = weighted ? routing.weights : Value();
    bool rowsPicked = picksRows(op.getRouting().getType());
    Value like = rowsPicked ? adaptor.getLike().front() : routing.ids;
    Value output = createEmptyRows(b, loc, result, rowCount(b, loc, like));
    if (rowsPicked)
      b.replaceOpWithNewOp<CombineRowsOp>(op, result, scatter.getResult(), routing.ids, op.getKindAttr(), weights,
                                          output);
    else
      b.replaceOpWithNewOp<CombineSlotsOp>(op, result, scatter.getResult(),
                                           b.getI64IntegerAttr(op.getRouting().getType().getCount()), op.getKindAttr(),
                                           weights, drops ? routing.ids : Value(), output);
    return success();
  }
};

/// MLIR's own pattern keeps the attributes of arguments in place, which is wrong once an argument becomes several.
struct ConvertFunction : OpConversionPattern<func::FuncOp> {
  using OpConversionPattern::OpConversionPattern;

  SmallVector<DictionaryAttr> spread(TypeRange types, function_ref<DictionaryAttr(unsigned)> attributesOf,
                                     SmallVectorImpl<Type> &converted) const {
    SmallVector<DictionaryAttr> attributes;
    for (auto [index, type] : llvm::enumerate(types)) {
      size_t before = converted.size();
      if (failed(getTypeConverter()->convertType(type, converted)))
        return {};
      DictionaryAttr own = converted.size() == before + 1 ? attributesOf(index) : DictionaryAttr();
      attributes.append(converted.size() - before, own ? own : DictionaryAttr::get(getContext()));
    }
    return attributes;
  }

  LogicalResult matchAndRewrite(func::FuncOp op, OneToNOpAdaptor, ConversionPatternRewriter &b) const override {
    TypeConverter::SignatureConversion signature(op.getNumArguments());
    if (failed(getTypeConverter()->convertSignatureArgs(op.getArgumentTypes(), signature)))
      return failure();
    SmallVector<Type> inputs, results;
    auto inputAttributes = spread(op.getArgumentTypes(), [&](unsigned i) { return op.getArgAttrDict(i); }, inputs);
    auto resultAttributes = spread(op.getResultTypes(), [&](unsigned i) { return op.getResultAttrDict(i); }, results);
    if (!op.isExternal() && failed(b.convertRegionTypes(&op.getBody(), *getTypeConverter(), &signature)))
      return failure();
    b.modifyOpInPlace(op, [&] {
      op.setType(b.getFunctionType(inputs, results));
      op.setAllArgAttrs(inputAttributes);
      op.setAllResultAttrs(resultAttributes);
    });
    return success();
  }
};

//===-- The pass --------------------------------------------------------------------------------------------===//

/// What cannot be lowered is said here, in the words of the model form, instead of failing in the conversion.
LogicalResult checkOp(Operation *op) {
  if (auto experts = dyn_cast<ExpertsOp>(op)) {
    // One plan orders all ragged operands.
    auto routingOf = [](Value rows) {
      auto dispatch = rows.getDefiningOp<DispatchOp>();
      return dispatch ? dispatch.getRouting() : Value();
    };
    if (!llvm::all_equal(llvm::map_range(experts.getRows(), routingOf)))
      return op->emitOpError("is not lowered to the grouped form yet: its rows were not all dispatched by one routing");
    return checkExpertBody(experts);
  }
  return success();
}

struct ToGrouped : moe::impl::ToGroupedBase<ToGrouped> {
  void runOnOperation() override {
    WalkResult checked = getOperation().walk([](Operation *op) { return WalkResult(checkOp(op)); });
    if (checked.wasInterrupted())
      return signalPassFailure();

    GroupedTypeConverter converter;
    ConversionTarget target(getContext());
    target.addIllegalOp<RouteOp, RouteWithinOp, MakeRoutingOp, UnpackRoutingOp, DispatchOp, ExpertsOp, CombineOp>();
    target.addDynamicallyLegalOp<func::FuncOp>([&](func::FuncOp op) {
      return converter.isSignatureLegal(op.getFunctionType()) && converter.isLegal(&op.getBody());
    });
    target.markUnknownOpDynamicallyLegal([&](Operation *op) { return converter.isLegal(op); });

    RewritePatternSet patterns(&getContext());
    patterns.add<ConvertRoute, ConvertRouteWithin, ConvertMakeRouting, ConvertUnpackRouting, ConvertDispatch,
                 ConvertExperts, ConvertCombine, ConvertFunction>(converter, &getContext());
    populateCallOpTypeConversionPattern(patterns, converter);
    populateReturnOpTypeConversionPattern(patterns, converter);
    scf::populateSCFStructuralTypeConversionsAndLegality(converter, patterns, target);
    if (failed(applyPartialConversion(getOperation(), target, std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
