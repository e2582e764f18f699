// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- CPU.cpp - moe-cpu-pipeline: tiles in linalg to kernels on buffers ----------------------------------===//

#include "moe/Codegen/CPU/Passes.h"
#include "moe/Codegen/Common/Passes.h"
#include "moe/Conversion/Passes.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"
#include "moe/Pipelines/Pipelines.h"

#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace mlir::moe;

/// What the optimised and the reference path share: from tensors to a kernel of the C ABI.
static void buildKernel(OpPassManager &pm, StringRef level) {
  // Packed weights replaced logical ones; what is unused now can go.
  buildCleanup(pm);
  pm.addPass(createPrepareKernelArguments());
  pm.addPass(createBufferize());
  // Twice: a copy of a buffer onto itself is only seen to be one once CSE has merged its two views.
  for (int i = 0; i != 2; ++i)
    buildCleanup(pm);
  pm.addPass(createPointWeights());
  pm.addPass(createConvertLinalgToLoopsPass());
  // Views of views fold, so that the workspace plan sees sizes as functions of the number of tokens.
  buildCleanup(pm);
  // While allocations still tell buffers apart. What finds no list beside it may find one in the branches of variants:
  // only then its code is there once a branch.
  pm.addPass(createMergeParallelLoops());
  pm.addPass(createSinkParallelLoops());
  pm.addPass(createMergeParallelLoops());
  pm.addPass(createPlanWorkspace());
  buildCleanup(pm);
  // Before conversions are expanded, as products in software need them.
  EmulateAMXOptions amx;
  amx.level = level.str();
  pm.addPass(createEmulateAMX(amx));
  ExpandBF16Options bf16;
  bf16.level = level.str();
  pm.addPass(createExpandBF16(bf16));
  pm.addPass(createOutlineTasks());
  pm.addPass(createLoopInvariantCodeMotionPass());
  buildCleanup(pm);
  pm.addPass(createVerifyForm({Form::Kernel}));
}

void mlir::moe::buildCPUPipeline(OpPassManager &pm, const CPUPipelineOptions &options) {
  pm.addPass(createEmitMicroKernels());
  EmitSlotReductionsOptions reductions;
  reductions.level = options.level;
  pm.addPass(createEmitSlotReductions(reductions));
  EmitRoundedRowsOptions rounded;
  rounded.level = options.level;
  pm.addPass(createEmitRoundedRows(rounded));
  EmitRowMapsOptions maps;
  maps.level = options.level;
  pm.addPass(createEmitRowMaps(maps));
  buildKernel(pm, options.level);
}

void mlir::moe::buildReferencePipeline(OpPassManager &pm, const CPUPipelineOptions &options) {
  pm.addPass(createVerifyForm({Form::Model}));
  // Only the machine is recorded: there is no grouped op to choose tile sizes for.
  SelectKernelConfigOptions config;
  config.level = options.level;
  pm.addPass(createSelectKernelConfig(config));
  pm.addPass(createConvertMoEToLinalg());
  pm.addPass(createConvertElementwiseToLinalgPass());
  buildCleanup(pm);
  buildKernel(pm, options.level);
}
