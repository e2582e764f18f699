// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- moe-opt.cpp - mlir-opt with the moe dialect, its passes and pipelines ------------------------------===//

#include "moe/InitAll.h"

#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::registerAllPasses();
  mlir::moe::registerAllPasses();
  mlir::DialectRegistry registry;
  mlir::moe::registerAllDialects(registry);
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "moe-opt: mixture-of-experts compiler driver\n", registry));
}
