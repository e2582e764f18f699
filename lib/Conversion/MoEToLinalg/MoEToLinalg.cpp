// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- MoEToLinalg.cpp - the reference lowering of the model form -----------------------------------------===//

#include "PopulatePatterns.h"
#include "moe/Conversion/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Func/Transforms/FuncConversions.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/Patterns.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace mlir::moe {
#define GEN_PASS_DEF_CONVERTMOETOLINALG
#include "moe/Conversion/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

namespace {

/// A routing and ragged rows are two tensors each; every other type stays.
struct ModelTypes : TypeConverter {
  ModelTypes() {
    addConversion([](Type type) { return type; });
    addConversion([](RoutingType type, SmallVectorImpl<Type> &types) -> LogicalResult {
      types.assign({getIdsType(type), getWeightsType(type)});
      return success();
    });
    addConversion([](RaggedType type, SmallVectorImpl<Type> &types) -> LogicalResult {
      types.assign({getSlotRowsType(type), getSlotIdsType(type)});
      return success();
    });
  }
};

struct ConvertMoEToLinalg : mlir::moe::impl::ConvertMoEToLinalgBase<ConvertMoEToLinalg> {
  void runOnOperation() override {
    ModelTypes types;
    RewritePatternSet patterns(&getContext());
    populateScoreAffinePatterns(types, patterns);
    populateScoreCosinePatterns(types, patterns);
    populateScoreNegDistancePatterns(types, patterns);
    populateRoutePatterns(types, patterns);
    populateDispatchPatterns(types, patterns);
    populateExpertsPatterns(types, patterns);
    populateCombinePatterns(types, patterns);
    populateBodyPatterns(types, patterns);
    populateFunctionOpInterfaceTypeConversionPattern<func::FuncOp>(patterns, types);
    populateReturnOpTypeConversionPattern(patterns, types);
    populateCallOpTypeConversionPattern(patterns, types);

    ConversionTarget target(getContext());
    target.addIllegalDialect<MoEDialect>();
    target.addLegalOp<WeightOp, LayerOp>();
    target.addDynamicallyLegalOp<func::FuncOp>(
        [&](func::FuncOp op) { return types.isSignatureLegal(op.getFunctionType()) && types.isLegal(&op.getBody()); });
    target.markUnknownOpDynamicallyLegal([&](Operation *op) { return types.isLegal(op); });
    scf::populateSCFStructuralTypeConversionsAndLegality(types, patterns, target);

    if (failed(applyPartialConversion(getOperation(), target, std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
