// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Options.h - the command line of moe-run ------------------------------------------------------------===//

#ifndef MOE_TOOLS_MOE_RUN_OPTIONS_H
#define MOE_TOOLS_MOE_RUN_OPTIONS_H

#include "moe/Driver/RunModes.h"

enum class RunMode { Optimised, Reference, Compare, Benchmark, BenchmarkReference };

struct CommandLine {
  mlir::moe::RunModeOptions options;
  RunMode mode = RunMode::Optimised;
};

/// Parses the command line; only --help and --version end the process.
mlir::moe::Expected<CommandLine> parseCommandLine(int argc, char **argv);

#endif // MOE_TOOLS_MOE_RUN_OPTIONS_H
