// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- GroupedToLinalg.cpp - the pass from the grouped form to linalg -------------------------------------===//

#include "PopulatePatterns.h"

#include "moe/Conversion/Passes.h"
#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

namespace mlir::moe {
#define GEN_PASS_DEF_CONVERTGROUPEDTOLINALG
#include "moe/Conversion/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

namespace {

struct ConvertGroupedToLinalg : moe::impl::ConvertGroupedToLinalgBase<ConvertGroupedToLinalg> {
  void runOnOperation() override {
    // First, with the row-wise ops in them, which stand for one row and not for all.
    RewritePatternSet bodies(&getContext());
    populateGroupedBodyPatterns(bodies);
    walkAndApplyPatterns(getOperation(), std::move(bodies));

    RewritePatternSet patterns(&getContext());
    populateGroupedMatmulPatterns(patterns);
    populatePaddedMatmulPatterns(patterns);
    populateSlotMatmulPatterns(patterns);
    populateRoundRowsPatterns(patterns);
    populateRouterPatterns(patterns);
    populatePlanPatterns(patterns);
    populatePlanAllPatterns(patterns);
    populatePlanPaddedPatterns(patterns);
    populateRowMovementPatterns(patterns);
    populateRowMapPatterns(patterns);
    populateScoreCosinePatterns(patterns);
    populateScoreNegDistancePatterns(patterns);
    populateCombineRowsPatterns(patterns);
    populateCombineSlotsPatterns(patterns);
    // Every pattern replaces its op by ops of other dialects, so one walk is enough.
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};

} // namespace
