// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Linalg.cpp - moe-to-linalg-pipeline: grouped ops to loops over tiles -------------------------------===//

#include "moe/Codegen/CPU/Passes.h"
#include "moe/Conversion/Passes.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"
#include "moe/Pipelines/Pipelines.h"

#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace mlir::moe;

void mlir::moe::buildLinalgPipeline(OpPassManager &pm, const LinalgPipelineOptions &options) {
  // The variants of a layer become branches of its kernel: they share its packed weights, its workspace and its level.
  pm.addPass(createInlinerPass());
  // Kernels part here: what a layer computes is settled, tile sizes are not.
  if (options.levels.size() > 1) {
    ForkLevelsOptions fork;
    fork.levels.assign(options.levels.begin(), options.levels.end());
    pm.addPass(createForkLevels(fork));
  }
  // Tile sizes are needed to cut the ops, so they are chosen while the ops are still whole.
  SelectKernelConfigOptions config;
  config.level = options.level;
  pm.addPass(createSelectKernelConfig(config));
  pm.addPass(createConvertGroupedToLinalg());
  // Arithmetic on whole tensors, in bodies of experts.
  pm.addPass(createConvertElementwiseToLinalgPass());
  buildCleanup(pm);
  // Once tiles are in the loops that they run in.
  pm.addPass(createPrefetchPanels());
  pm.addPass(createVerifyForm({Form::Linalg}));
}
