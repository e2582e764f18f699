// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Pipelines.h - named pipelines: their options and builders ------------------------------------------===//

#ifndef MOE_PIPELINES_PIPELINES_H
#define MOE_PIPELINES_PIPELINES_H

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"

#include <optional>
#include <string>

namespace mlir::moe {

/// Sizes asked of a producer's operands, canonical forms, common subexpressions: what every stage ends with.
void buildCleanup(OpPassManager &pm);

/// The stages of design, in order; each is closed by a verifier of its form.
enum class Stage { Model, Grouped, Linalg, Kernel, Target };

/// "model", "grouped", "linalg", "kernel", "target", or none.
std::optional<Stage> parseStage(StringRef name);
StringRef stageName(Stage stage);

//===-- moe-optimize-pipeline: model form to grouped form ---------------------------------------------------===//

struct OptimizePipelineOptions : PassPipelineOptions<OptimizePipelineOptions> {
  Option<bool> fuse{*this, "fuse",
                    llvm::cl::desc("fuse router, epilogues, gathers and combinations (default); "
                                   "without it every step of a layer is an op of its own"),
                    llvm::cl::init(true)};
  Option<bool> fold{*this, "fold",
                    llvm::cl::desc("fold what the routing makes trivial: identical experts, selections of all experts, "
                                   "combinations of one slot; leave dead experts unloaded (default)"),
                    llvm::cl::init(true)};
  Option<std::string> variants{*this, "variants",
                               llvm::cl::desc("how products go over the slots of a routing: auto (default: by the "
                                              "number of rows, as the cost model says), single-row, grouped or "
                                              "padded"),
                               llvm::cl::init("auto")};
  Option<std::string> level{*this, "level", llvm::cl::desc("machine level that the cost model assumes"),
                            llvm::cl::init("x86-64-v3")};
};

void buildOptimizePipeline(OpPassManager &pm, const OptimizePipelineOptions &options);
void registerOptimizePipeline();

//===-- moe-to-linalg-pipeline: grouped form to tiles in linalg ---------------------------------------------===//

struct LinalgPipelineOptions : PassPipelineOptions<LinalgPipelineOptions> {
  Option<std::string> level{*this, "level", llvm::cl::desc("machine level whose tile sizes are used"),
                            llvm::cl::init("x86-64-v3")};
  ListOption<std::string> levels{*this, "levels",
                                 llvm::cl::desc("several levels, best first: a kernel for each; level is the lowest")};
};

void buildLinalgPipeline(OpPassManager &pm, const LinalgPipelineOptions &options);

//===-- moe-cpu-pipeline: tiles in linalg to kernels on buffers ---------------------------------------------===//

struct CPUPipelineOptions : PassPipelineOptions<CPUPipelineOptions> {
  Option<std::string> level{*this, "level", llvm::cl::desc("machine level to emit for"), llvm::cl::init("x86-64-v3")};
};

void buildCPUPipeline(OpPassManager &pm, const CPUPipelineOptions &options);

//===-- moe-gpu-pipeline: tiles in linalg to device kernels -------------------------------------------------===//

struct GPUPipelineOptions : PassPipelineOptions<GPUPipelineOptions> {
  Option<std::string> chip{*this, "chip", llvm::cl::desc("GPU to compile for"), llvm::cl::init("sm_80")};
};

/// The grouped form to tiles of a GPU's size in linalg.
void buildGPULinalgPipeline(OpPassManager &pm, const GPUPipelineOptions &options);
/// Tiles in linalg to kernels on buffers and launch records, for any GPU.
void buildGPUPipeline(OpPassManager &pm, const GPUPipelineOptions &options);
/// Device kernels to the LLVM and NVVM dialects.
void buildNVVMPipeline(OpPassManager &pm);
/// Appends the passes from stage `from` to the next one, for a chip.
void buildGPUStage(OpPassManager &pm, Stage from, StringRef chip, StringRef variants = "auto");

//===-- moe-reference-pipeline: model form to kernels, naively ----------------------------------------------===//

/// The reference lowering down to the kernel stage; what every other path is compared with.
void buildReferencePipeline(OpPassManager &pm, const CPUPipelineOptions &options);

//===-- moe-compile-pipeline: the stages one after the other ------------------------------------------------===//

struct CompilePipelineOptions : PassPipelineOptions<CompilePipelineOptions> {
  Option<std::string> target{*this, "target", llvm::cl::desc("cpu or nvptx"), llvm::cl::init("cpu")};
  Option<std::string> cpu{*this, "cpu", llvm::cl::desc("native, a machine level or a CPU name"),
                          llvm::cl::init("native")};
  Option<std::string> chip{*this, "chip", llvm::cl::desc("GPU chip, for nvptx"), llvm::cl::init("")};
  Option<std::string> stopAfter{*this, "stop-after", llvm::cl::desc("model, grouped, linalg, kernel or target"),
                                llvm::cl::init("target")};
  Option<std::string> variants{*this, "variants", llvm::cl::desc("auto, single-row, grouped or padded"),
                               llvm::cl::init("auto")};
};

/// Appends the passes that lead from stage `from` to the next one, for machine levels (best first, at least one).
/// `variants` is the option of moe-optimize-pipeline.
void buildStage(OpPassManager &pm, Stage from, ArrayRef<std::string> levels, StringRef variants = "auto");

/// Fails with a message when an option names what is not there.
LogicalResult buildCompilePipeline(OpPassManager &pm, const CompilePipelineOptions &options,
                                   function_ref<LogicalResult(const Twine &)> error);

/// Every pipeline of this header.
void registerPipelines();

} // namespace mlir::moe

#endif // MOE_PIPELINES_PIPELINES_H
