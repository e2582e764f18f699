// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- moe-test-opt.cpp - moe-opt with the passes of this folder ------------------------------------------===//

#include "moe/InitAll.h"

#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

namespace mlir::moe::test {
void registerTestEmitRoute();
void registerTestLowerPlainly();
void registerTestWrongPasses();
} // namespace mlir::moe::test

int main(int argc, char **argv) {
  mlir::registerAllPasses();
  mlir::moe::registerAllPasses();
  mlir::moe::test::registerTestEmitRoute();
  mlir::moe::test::registerTestLowerPlainly();
  mlir::moe::test::registerTestWrongPasses();
  mlir::DialectRegistry registry;
  mlir::moe::registerAllDialects(registry);
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "moe-test-opt: passes for tests\n", registry));
}
