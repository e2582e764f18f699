// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- GPU.cpp - moe-gpu-pipeline: tiles in linalg to device kernels --------------------------------------===//

#include "moe/Codegen/Common/Passes.h"
#include "moe/Codegen/GPU/NVVM/Passes.h"
#include "moe/Codegen/GPU/Passes.h"
#include "moe/Conversion/Passes.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"
#include "moe/Pipelines/Pipelines.h"
#include "moe/Target/Passes.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Conversion/VectorToSCF/VectorToSCF.h"
#include "mlir/Dialect/Affine/Transforms/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/SCF/Transforms/Passes.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace mlir::moe;

void mlir::moe::buildGPULinalgPipeline(OpPassManager &pm, const GPUPipelineOptions &options) {
  // Variants share weights and workspace as branches of one function; which one runs, the launch records say.
  pm.addPass(createInlinerPass());
  pm.addPass(createSelectDeviceConfig({options.chip}));
  pm.addPass(createConvertGroupedToLinalg());
  pm.addPass(createConvertElementwiseToLinalgPass());
  buildCleanup(pm);
  pm.addPass(createVerifyForm({Form::Linalg}));
}

void mlir::moe::buildGPUPipeline(OpPassManager &pm, const GPUPipelineOptions &) {
  pm.addPass(createEmitThreadTiles());
  buildCleanup(pm);
  pm.addPass(createPrepareKernelArguments());
  pm.addPass(createBufferize());
  // Twice: a copy of a buffer onto itself is only seen to be one once CSE has merged its two views.
  for (int i = 0; i != 2; ++i)
    buildCleanup(pm);
  // What is left of linalg in a task is shared by the threads of its block.
  pm.addPass(createConvertLinalgToParallelLoopsPass());
  pm.addPass(createPlanWorkspace());
  buildCleanup(pm);
  // Sizes become arithmetic that launch records can say.
  pm.addPass(createLowerAffinePass());
  pm.addPass(createCSEPass());
  // After the last cleanup, which would make plain code again of loops of one task.
  pm.addPass(createSerialToTasks());
  pm.addPass(createOutlineKernels());
  pm.addPass(createDistributeTasks());
  buildCleanup(pm);
  pm.addPass(createVerifyForm({Form::Kernel}));
}

void mlir::moe::buildNVVMPipeline(OpPassManager &pm) {
  OpPassManager &device = pm.nest<gpu::GPUModuleOp>();
  device.addPass(createExpandMath());
  device.addPass(createLowerAddresses());
  VectorTransferToSCFOptions unrolled;
  unrolled.enableFullUnroll();
  device.addPass(createConvertVectorToSCFPass(unrolled));
  device.addPass(createForallToForLoopPass());
  device.addPass(createLoopInvariantCodeMotionPass());
  device.addPass(memref::createExpandStridedMetadataPass());
  device.addPass(createLowerAffinePass());
  device.addPass(arith::createArithExpandOpsPass());
  device.addPass(createCSEPass());
  device.addPass(createLoopInvariantCodeMotionPass());
  device.addPass(createSCFToControlFlowPass());
  device.addPass(createConvertVectorToLLVMPass());
  device.addPass(createConvertToNVVM());
  device.addPass(createReconcileUnrealizedCastsPass());
  device.addPass(createCanonicalizerPass());
  device.addPass(createCSEPass());
}

void mlir::moe::buildGPUStage(OpPassManager &pm, Stage from, StringRef chip, StringRef variants) {
  GPUPipelineOptions options;
  options.chip = chip.str();
  switch (from) {
  case Stage::Model: {
    OptimizePipelineOptions optimize;
    optimize.variants = variants.str();
    buildOptimizePipeline(pm, optimize);
    break;
  }
  case Stage::Grouped:
    buildGPULinalgPipeline(pm, options);
    break;
  case Stage::Linalg:
    buildGPUPipeline(pm, options);
    break;
  case Stage::Kernel:
    buildNVVMPipeline(pm);
    break;
  case Stage::Target:
    break;
  }
}
