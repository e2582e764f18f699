// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Compile.cpp - moe-compile-pipeline: the stages one after the other ---------------------------------===//

#include "moe/Codegen/CPU/MachineLevel.h"
#include "moe/Codegen/CPU/Passes.h"
#include "moe/Codegen/Common/Passes.h"
#include "moe/Codegen/GPU/Chip.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"
#include "moe/Pipelines/Pipelines.h"
#include "moe/Runtime/Runtime.h"
#include "moe/Target/Passes.h"

#include "mlir/Pass/PassRegistry.h"

using namespace mlir;
using namespace mlir::moe;

static constexpr StringLiteral kStageNames[] = {"model", "grouped", "linalg", "kernel", "target"};

std::optional<Stage> mlir::moe::parseStage(StringRef name) {
  for (auto [index, known] : llvm::enumerate(kStageNames))
    if (name == known)
      return static_cast<Stage>(index);
  return std::nullopt;
}

StringRef mlir::moe::stageName(Stage stage) { return kStageNames[static_cast<int>(stage)]; }

void mlir::moe::buildStage(OpPassManager &pm, Stage from, ArrayRef<std::string> levels, StringRef variants) {
  switch (from) {
  case Stage::Model: {
    OptimizePipelineOptions options;
    // One choice for all levels, so that a layer is forked before its kernels are; the lowest level is the most common.
    options.level = levels.back();
    options.variants = variants.str();
    buildOptimizePipeline(pm, options);
    break;
  }
  case Stage::Grouped: {
    LinalgPipelineOptions options;
    options.level = levels.back();
    for (const std::string &level : levels)
      options.levels.push_back(level);
    buildLinalgPipeline(pm, options);
    break;
  }
  case Stage::Linalg: {
    CPUPipelineOptions options;
    options.level = levels.back();
    buildCPUPipeline(pm, options);
    break;
  }
  case Stage::Kernel: {
    pm.addPass(createLowerAddresses());
    LowerByteOpsOptions bytes;
    bytes.level = levels.back();
    pm.addPass(createLowerByteOps(bytes));
    buildTargetPipeline(pm);
    break;
  }
  case Stage::Target:
    break;
  }
}

LogicalResult mlir::moe::buildCompilePipeline(OpPassManager &pm, const CompilePipelineOptions &options,
                                              function_ref<LogicalResult(const Twine &)> error) {
  if (options.target != "cpu" && options.target != "nvptx")
    return error("unknown target \"" + options.target + "\": expected cpu or nvptx");
  std::optional<Stage> last = parseStage(options.stopAfter);
  if (!last)
    return error("unknown stage \"" + options.stopAfter + "\": expected model, grouped, linalg, kernel or target");
  if (options.target == "nvptx") {
    if (!findChip(options.chip))
      return error("unknown chip \"" + options.chip + "\": expected " + chipNames());
    if (*last == Stage::Model)
      pm.addPass(createVerifyForm({Form::Model}));
    for (Stage stage : {Stage::Model, Stage::Grouped, Stage::Linalg, Stage::Kernel})
      if (stage < *last)
        buildGPUStage(pm, stage, options.chip, options.variants);
    return success();
  }
  std::string known;
  std::vector<std::string> levels;
  for (const MachineLevel *level : resolveMachineLevels(options.cpu, moe_cpu_features(), known))
    levels.push_back(level->name().str());
  if (levels.empty())
    return error("unknown cpu \"" + options.cpu + "\": expected " + known);
  if (*last == Stage::Model)
    pm.addPass(createVerifyForm({Form::Model}));
  for (Stage stage : {Stage::Model, Stage::Grouped, Stage::Linalg, Stage::Kernel})
    if (stage < *last)
      buildStage(pm, stage, levels, options.variants);
  return success();
}

void mlir::moe::registerPipelines() {
  registerOptimizePipeline();
  PassPipelineRegistration<LinalgPipelineOptions>("moe-to-linalg-pipeline",
                                                  "Lower grouped ops to parallel loops over tiles with linalg inside",
                                                  buildLinalgPipeline);
  PassPipelineRegistration<CPUPipelineOptions>(
      "moe-cpu-pipeline", "Emit kernels for a machine level: vector loops, buffers, workspace, tasks",
      buildCPUPipeline);
  PassPipelineRegistration<GPUPipelineOptions>(
      "moe-gpu-linalg-pipeline", "Lower the grouped form to tiles of a GPU's size in linalg", buildGPULinalgPipeline);
  PassPipelineRegistration<>("moe-nvvm-pipeline", "Lower device kernels to the LLVM and NVVM dialects",
                             buildNVVMPipeline);
  PassPipelineRegistration<GPUPipelineOptions>(
      "moe-gpu-pipeline", "Emit device kernels and launch records: tasks as blocks, buffers, workspace",
      buildGPUPipeline);
  PassPipelineRegistration<CPUPipelineOptions>("moe-reference-pipeline", "Lower a layer naively to the kernel stage",
                                               buildReferencePipeline);
  registerPassPipeline(
      "moe-compile-pipeline", "The stages of compilation one after the other, up to stop-after",
      [](OpPassManager &pm, StringRef text, function_ref<LogicalResult(const Twine &)> error) -> LogicalResult {
        CompilePipelineOptions options;
        if (failed(options.parseFromString(text)))
          return failure();
        return buildCompilePipeline(pm, options, error);
      },
      [](function_ref<void(const mlir::detail::PassOptions &)> handler) { handler(CompilePipelineOptions()); });
}
