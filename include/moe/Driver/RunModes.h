// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- RunModes.h - what moe-run does ---------------------------------------------------------------------===//

#ifndef MOE_DRIVER_RUNMODES_H
#define MOE_DRIVER_RUNMODES_H

#include "moe/Driver/Benchmark.h"
#include "moe/Driver/Run.h"

namespace mlir::moe {

struct RunModeOptions {
  RunOptions run;
  BenchmarkOptions benchmark;
  std::string rowsFile, rowsTensor; ///< the input; without a file, random rows
  std::string output;               ///< safetensors to write; empty: none
  std::string json;                 ///< of a benchmark; empty: none
};

/// Runs the layer once, optimised or by the reference lowering; returns what to tell the user.
Expected<std::string> runOnce(MLIRContext &context, const RunModeOptions &options, bool reference);

/// Runs both and compares them. More difference than the format explains is an error.
Expected<std::string> runAndCompare(MLIRContext &context, const RunModeOptions &options);

Expected<std::string> runBenchmark(MLIRContext &context, const RunModeOptions &options, bool reference);

} // namespace mlir::moe

#endif // MOE_DRIVER_RUNMODES_H
