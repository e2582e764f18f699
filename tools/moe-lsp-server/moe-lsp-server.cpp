// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- moe-lsp-server.cpp - MLIR's language server with the moe dialect -----------------------------------===//

#include "moe/InitAll.h"

#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::moe::registerAllDialects(registry);
  return failed(mlir::MlirLspServerMain(argc, argv, registry));
}
