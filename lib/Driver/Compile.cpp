// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Compile.cpp - a module through its stages to native code -------------------------------------------===//

#include "moe/Driver/Compile.h"

#include "moe/Codegen/CPU/MachineLevel.h"
#include "moe/Codegen/GPU/Chip.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"
#include "moe/Driver/SkippedPasses.h"
#include "moe/Runtime/Runtime.h"

#include "mlir/Pass/PassManager.h"

using namespace mlir;
using namespace mlir::moe;
using ::moe::Error;

static bool hasForm(ModuleOp module, Form form) {
  DiagnosticLine quiet(module.getContext());
  PassManager passes(module.getContext());
  passes.addPass(createVerifyForm({form}));
  return succeeded(passes.run(module));
}

Stage mlir::moe::stageOf(ModuleOp module) {
  // From the last form up: each of them excludes what the ones above consist of.
  if (hasForm(module, Form::Target))
    return Stage::Target;
  if (hasForm(module, Form::Kernel))
    return Stage::Kernel;
  if (hasForm(module, Form::Linalg))
    return Stage::Linalg;
  return hasForm(module, Form::Model) ? Stage::Model : Stage::Grouped;
}

/// Best first.
static Expected<std::vector<std::string>> levelsFor(const std::string &cpu) {
  std::string known;
  std::vector<std::string> levels;
  for (const MachineLevel *level : resolveMachineLevels(cpu, moe_cpu_features(), known))
    levels.push_back(level->name().str());
  if (!levels.empty())
    return levels;
  if (cpu == "native")
    return Error{
        "--cpu=native: expected a processor with AVX2 and FMA, got one without; choose a --cpu to compile for"};
  return Error{"--cpu: expected " + known + ", got '" + cpu + "'"};
}

static Expected<Unit> runPasses(ModuleOp module, llvm::function_ref<void(OpPassManager &)> build, Stage to,
                                const Reproducer &reproducer) {
  DiagnosticLine diagnostics(module.getContext());
  PassManager passes(module.getContext());
  if (!reproducer.file.empty())
    passes.enableCrashReproducerGeneration(reproducer.file, reproducer.local);
  build(passes);
  if (failed(passes.run(module)))
    return diagnostics.error("the module cannot be brought to the stage '" + stageName(to) + "'");
  return Unit();
}

Expected<Unit> mlir::moe::lower(ModuleOp module, const CompileOptions &options) {
  bool device = !options.chip.empty();
  auto levels = device ? Expected<std::vector<std::string>>(std::vector<std::string>()) : levelsFor(options.cpu);
  if (!levels)
    return levels.error();
  if (device && !findChip(options.chip))
    return Error{"--chip: expected " + chipNames() + ", got '" + options.chip + "'"};
  Stage stage = stageOf(module);
  auto reached = [&]() -> Expected<Unit> {
    if (options.atStage)
      return options.atStage(module, stage);
    return Unit();
  };
  if (stage > options.last)
    return Error{"expected a module at stage '" + stageName(options.last).str() + "' or before, got one at '" +
                 stageName(stage).str() + "'"};
  if (auto done = reached(); !done)
    return done;
  if (options.reference && stage != Stage::Model)
    return Error{"expected a module of the model form for the reference lowering, got one at stage '" +
                 stageName(stage).str() + "'"};
  SkippedPasses skipped(module.getContext(), options.withoutPasses);
  while (stage < options.last) {
    Stage next = options.reference && stage == Stage::Model ? Stage::Kernel : Stage(int(stage) + 1);
    auto build = [&](OpPassManager &passes) {
      if (next == Stage::Kernel && options.reference) {
        CPUPipelineOptions reference;
        reference.level = levels->back();
        return buildReferencePipeline(passes, reference);
      }
      if (device)
        return buildGPUStage(passes, stage, options.chip);
      buildStage(passes, stage, *levels);
    };
    if (auto done = runPasses(module, build, next, options.reproducer); !done)
      return done;
    stage = next;
    if (auto done = reached(); !done)
      return done;
  }
  return skipped.check();
}

Expected<std::unique_ptr<NativeCode>> mlir::moe::generate(ModuleOp module, bool device) {
  if (!device && !module.lookupSymbol(MOE_LIBRARY_SYMBOL))
    return Error{
        "expected a module with at least one moe.layer, got none: it says which kernel a block calls with which "
        "weights"};
  DiagnosticLine diagnostics(module.getContext());
  auto code = device ? NativeCode::createDevice(module) : NativeCode::create(module);
  if (!code)
    return diagnostics.error(toError(code.takeError()).message);
  return std::move(*code);
}
