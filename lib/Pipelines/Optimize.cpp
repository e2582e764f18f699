// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Optimize.cpp - moe-optimize-pipeline: what a layer computes, made of few grouped ops ---------------===//

#include "moe/Codegen/CPU/Passes.h"
#include "moe/Conversion/Passes.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"
#include "moe/Pipelines/Pipelines.h"

#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace mlir::moe;

void mlir::moe::buildCleanup(OpPassManager &pm) {
  pm.addPass(memref::createResolveRankedShapeTypeResultDimsPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

void mlir::moe::buildOptimizePipeline(OpPassManager &pm, const OptimizePipelineOptions &options) {
  pm.addPass(createVerifyForm({Form::Model}));

  // Before all else, as everything that follows looks for routings, products and maps: weights that raised
  // bodies take as [K, N] are turned for products to be seen.
  pm.addPass(createRaiseMaskedDense());
  pm.addPass(createTransposeWeights());
  pm.addPass(createNormalizeExpertBodies());

  if (options.fold) {
    // On the model form, where routings say how they come about; a part that is the whole of one would hide it.
    pm.addPass(createCanonicalizerPass());
    // Identical experts first: they need no order of their rows and no weights.
    pm.addPass(createHoistIdenticalExperts());
    pm.addPass(createSelectAll());
    pm.addPass(createMarkUnusedExperts());
  }
  // Gate and up meet while they are still products of the same rows: in the grouped form each would have an epilogue
  // of its own, and their product would need both in memory.
  if (options.fuse)
    pm.addPass(createFuseGateUp());
  pm.addPass(createToGrouped());
  // Each dispatch planned its routing; common subexpressions leave one plan.
  buildCleanup(pm);
  if (options.fuse)
    pm.addPass(createFuseRouter());
  // After the router, which takes scores: those that are left are products like any other.
  pm.addPass(createGroupPlainProducts());

  if (options.fuse) {
    // Epilogues before gather and combination: a map between two products hides both from them.
    pm.addPass(createFuseEpilogue());
    // Else the gathered rows would have to be stored to be rounded.
    pm.addPass(createRoundBeforeGather());
    pm.addPass(createFuseGather());
    // Last, as weights are factors of what the whole epilogue gives, and a product that scatters takes no more maps.
    pm.addPass(createFuseCombine());
    // What follows the combination moves into it, once it is settled what the combination is.
    pm.addPass(createFuseResidual());
    buildCleanup(pm);
  }

  // On products as they are going to run: a choice by the cost of their parts.
  DescribeMachineOptions machine;
  machine.level = options.level;
  pm.addPass(createDescribeMachine(machine));
  ChooseVariantsOptions choice;
  choice.variants = options.variants;
  pm.addPass(createChooseVariants(choice));
  pm.addPass(createForkVariants());
  pm.addPass(createToSingleRows());
  pm.addPass(createToPadded());
  // Combinations have lost their weights to the products by now; one of a single slot is left with nothing to do. After
  // the fork, which looks for the combination of a routing's rows.
  if (options.fold && options.fuse)
    pm.addPass(createFoldSingleSlot());
  buildCleanup(pm);
  pm.addPass(createVerifyForm({Form::Grouped}));
}

void mlir::moe::registerOptimizePipeline() {
  PassPipelineRegistration<OptimizePipelineOptions>(
      "moe-optimize-pipeline", "Lower a layer to grouped ops and fuse them: router, epilogues, gathers, combinations",
      buildOptimizePipeline);
}
