// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- InitAll.cpp - registration of dialects, external models, passes and pipelines ----------------------===//

#include "moe/InitAll.h"

#include "moe/Analysis/Passes.h"
#include "moe/Codegen/CPU/Passes.h"
#include "moe/Codegen/Common/Passes.h"
#include "moe/Codegen/GPU/NVVM/Passes.h"
#include "moe/Codegen/GPU/Passes.h"
#include "moe/Conversion/Passes.h"
#include "moe/Dialect/MoE/IR/MoE.h"
#include "moe/Dialect/MoE/Routers/Routers.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"
#include "moe/Pipelines/Pipelines.h"
#include "moe/Target/NativeCode.h"
#include "moe/Target/Passes.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"

using namespace mlir;

void mlir::moe::registerAllDialects(DialectRegistry &registry) {
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  registry.insert<MoEDialect>();
  registerRouterExternalModels(registry);
  registerTargetTranslations(registry);
}

void mlir::moe::registerAllPasses() {
  registerMoEAnalysisPasses();
  registerMoETransformsPasses();
  registerMoEConversionPasses();
  registerMoECodegenCommonPasses();
  registerMoECodegenCPUPasses();
  registerMoECodegenGPUPasses();
  registerMoECodegenNVVMPasses();
  registerPipelines();
  registerOptimizePipeline();
  registerTargetPipelines();
}
