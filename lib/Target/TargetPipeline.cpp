// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- TargetPipeline.cpp - the kernel stage to the LLVM dialect ------------------------------------------===//

#include "moe/Target/Passes.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Conversion/VectorToSCF/VectorToSCF.h"
#include "mlir/Dialect/Affine/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/Vector/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

void mlir::moe::buildTargetPipeline(OpPassManager &pm) {
  // The descriptor first: it reads the kernels' argument attributes and memref types, which end below.
  pm.addPass(createEmitLibrary());
  // Twice: copies of a buffer onto itself are only seen to be that once CSE has merged its views.
  for (int i = 0; i < 2; ++i) {
    pm.addPass(createCanonicalizerPass());
    pm.addPass(createCSEPass());
  }
  // While vectors are whole: an approximation costs the same for one lane and sixteen.
  pm.addPass(createExpandMath());
  // Vectors of rank 2 and more become vectors of rank 1, unrolled, as loops over registers would go through memory.
  VectorTransferToSCFOptions unrolled;
  unrolled.enableFullUnroll();
  pm.addPass(createConvertVectorToSCFPass(unrolled));
  // Strided views become offsets; the arithmetic of these is affine.
  pm.addPass(createLoopInvariantCodeMotionPass());
  pm.addPass(memref::createExpandStridedMetadataPass());
  pm.addPass(createLowerAffinePass());
  pm.addPass(createCSEPass());
  pm.addPass(createLoopInvariantCodeMotionPass());
  pm.addPass(createSCFToControlFlowPass());
  // convert-to-llvm does not know x86vector, and only convert-to-llvm knows tiles carried by loops: both, in this
  // order.
  ConvertVectorToLLVMPassOptions vectors;
  vectors.x86Vector = true;
  pm.addPass(createConvertVectorToLLVMPass(vectors));
  pm.addPass(createConvertToLLVMPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
  pm.addPass(createSetFunctionTargets());
  pm.addPass(createMoveAsIntegers());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

void mlir::moe::registerTargetPipelines() {
  registerMoETargetPasses();
  PassPipelineRegistration<>("moe-to-llvm-pipeline", "The kernel stage to the LLVM dialect with its library descriptor",
                             buildTargetPipeline);
}
