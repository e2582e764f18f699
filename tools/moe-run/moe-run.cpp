// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- moe-run.cpp - run, compare and time mixture-of-experts layers --------------------------------------===//

#include "../CommandLine.h"
#include "Options.h"
#include "moe/InitAll.h"

#include "llvm/Support/InitLLVM.h"

using namespace mlir::moe;

static Expected<std::string> run(const CommandLine &line) {
  mlir::DialectRegistry registry;
  registerAllDialects(registry);
  mlir::MLIRContext context(registry);
  switch (line.mode) {
  case RunMode::Compare:
    return runAndCompare(context, line.options);
  case RunMode::Benchmark:
  case RunMode::BenchmarkReference:
    return runBenchmark(context, line.options, line.mode == RunMode::BenchmarkReference);
  case RunMode::Optimised:
  case RunMode::Reference:
    return runOnce(context, line.options, line.mode == RunMode::Reference);
  }
  llvm_unreachable("a mode that nothing runs");
}

static Expected<Unit> runAndPrint(int argc, char **argv) {
  auto line = parseCommandLine(argc, argv);
  if (!line)
    return line.error();
  auto text = run(*line);
  if (!text)
    return text.error();
  llvm::outs() << *text;
  return Unit();
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  return finish("moe-run", runAndPrint(argc, argv));
}
