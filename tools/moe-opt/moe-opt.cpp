// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- moe-opt.cpp - mlir-opt with the moe dialect, its passes and pipelines ------------------------------===//

#include "../CommandLine.h"
#include "moe/Driver/Input.h"
#include "moe/InitAll.h"

#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/ToolOutputFile.h"

static llvm::cl::opt<bool> allowBytecode("allow-bytecode",
                                         llvm::cl::desc("Read bytecode too; its reader trusts the file"));

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  mlir::registerAllPasses();
  mlir::moe::registerAllPasses();
  mlir::DialectRegistry registry;
  mlir::moe::registerAllDialects(registry);
  auto [input, output] =
      mlir::registerAndParseCLIOptions(argc, argv, "moe-opt: mixture-of-experts compiler driver\n", registry);
  auto config = mlir::MlirOptMainConfig::createFromCLOptions();
  if (config.shouldShowDialects() || config.shouldListPasses())
    return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, input, output, registry));

  // A model description is imported first; what the passes read is then the same as from a file.
  mlir::MLIRContext context(registry);
  mlir::moe::InputOptions options;
  options.path = input;
  options.allowBytecode = allowBytecode;
  auto buffer = mlir::moe::loadInputText(context, options);
  if (!buffer)
    return finish("moe-opt", buffer.error());
  std::error_code code;
  llvm::ToolOutputFile file(output, code, llvm::sys::fs::OF_None);
  if (code)
    return finish("moe-opt", ::moe::Error{output + ": cannot be written: " + code.message()});
  if (failed(mlir::MlirOptMain(file.os(), std::move(*buffer), registry, config)))
    return 1;
  file.keep();
  return 0;
}
