// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Compile.h - a module through its stages to native code ---------------------------------------------===//

#ifndef MOE_DRIVER_COMPILE_H
#define MOE_DRIVER_COMPILE_H

#include "moe/Driver/Diagnostics.h"
#include "moe/Pipelines/Pipelines.h"
#include "moe/Target/NativeCode.h"

#include "mlir/IR/BuiltinOps.h"

#include <functional>
#include <string>
#include <vector>

namespace mlir::moe {

/// What is kept of a run of passes that fails or crashes: IR and passes that do it again.
struct Reproducer {
  std::string file;   ///< empty: nothing is kept
  bool local = false; ///< the one pass that fails with the IR before it; the context must have no threads
};

struct CompileOptions {
  std::string chip;           ///< a GPU; empty: a CPU
  std::string cpu = "native"; ///< "native", a machine level, or a CPU name
  bool reference = false;     ///< the naive lowering
  Stage last = Stage::Target;
  Reproducer reproducer;
  std::vector<std::string> withoutPasses;                 ///< names of passes that are left out
  std::function<Expected<Unit>(ModuleOp, Stage)> atStage; ///< called with the module at each stage it reaches
};

/// The stage that a module is at, by what it still contains.
Stage stageOf(ModuleOp module);

/// Runs the stages after the module's own, up to `options.last`.
Expected<Unit> lower(ModuleOp module, const CompileOptions &options);

/// A module at the target stage as optimised native code; `device`: its device kernels.
Expected<std::unique_ptr<NativeCode>> generate(ModuleOp module, bool device = false);

} // namespace mlir::moe

#endif // MOE_DRIVER_COMPILE_H
