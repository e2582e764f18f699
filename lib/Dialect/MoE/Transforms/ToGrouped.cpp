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

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Func/Transforms/FuncConversions.h"
#include "mlir/Dialect/SCF/Transforms/Patterns.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

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

Value mlir::moe::rowCount(OpBuilder &b, Location loc, Value rows) { return tensor::DimOp::create(b, loc, rows, 0); }

//===-- Functions -------------------------------------------------------------------------------------------===//

namespace {

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
    target.addIllegalOp<RouteOp, RouteWithinOp, MakeRoutingOp, NarrowRoutingOp, UnpackRoutingOp, DispatchOp, ExpertsOp,
                        CombineOp>();
    target.addDynamicallyLegalOp<func::FuncOp>([&](func::FuncOp op) {
      return converter.isSignatureLegal(op.getFunctionType()) && converter.isLegal(&op.getBody());
    });
    target.markUnknownOpDynamicallyLegal([&](Operation *op) { return converter.isLegal(op); });

    RewritePatternSet patterns(&getContext());
    populateRoutingsToGrouped(converter, patterns);
    populateRowsToGrouped(converter, patterns);
    patterns.add<ConvertFunction>(converter, &getContext());
    populateCallOpTypeConversionPattern(patterns, converter);
    populateReturnOpTypeConversionPattern(patterns, converter);
    scf::populateSCFStructuralTypeConversionsAndLegality(converter, patterns, target);
    if (failed(applyPartialConversion(getOperation(), target, std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
