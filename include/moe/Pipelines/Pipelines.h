// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Pipelines.h - named pipelines: their options and builders ------------------------------------------===//

#ifndef MOE_PIPELINES_PIPELINES_H
#define MOE_PIPELINES_PIPELINES_H

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"

namespace mlir::moe {

/// Sizes asked of a producer's operands, canonical forms, common subexpressions: what every stage ends with.
void buildCleanup(OpPassManager &pm);

//===-- moe-optimize-pipeline: model form to grouped form ---------------------------------------------------===//

struct OptimizePipelineOptions : PassPipelineOptions<OptimizePipelineOptions> {
  Option<bool> fuse{*this, "fuse", llvm::cl::desc("fuse router, epilogues, gathers and combinations (default); "
                                                  "without it every step of a layer is an op of its own"),
                    llvm::cl::init(true)};
};

void buildOptimizePipeline(OpPassManager &pm, const OptimizePipelineOptions &options);
void registerOptimizePipeline();

} // namespace mlir::moe

#endif // MOE_PIPELINES_PIPELINES_H
