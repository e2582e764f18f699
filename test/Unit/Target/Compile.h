// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Compile.h - kernel-stage text to native code, for tests --------------------------------------------===//

#ifndef MOE_TEST_UNIT_TARGET_COMPILE_H
#define MOE_TEST_UNIT_TARGET_COMPILE_H

#include "moe/InitAll.h"
#include "moe/Target/NativeCode.h"
#include "moe/Target/Passes.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"

#include <gtest/gtest.h>

#define MOE_TINY_KERNEL MOE_TEST_SOURCE_DIR "/Target/Inputs/kernel.mlir"

inline mlir::MLIRContext &testContext() {
  static auto *context = [] {
    mlir::DialectRegistry registry;
    mlir::moe::registerAllDialects(registry);
    return new mlir::MLIRContext(registry);
  }();
  return *context;
}

/// The module after `build`; null when anything fails.
inline mlir::OwningOpRef<mlir::ModuleOp> lower(mlir::OwningOpRef<mlir::ModuleOp> module,
                                               llvm::function_ref<void(mlir::OpPassManager &)> build) {
  mlir::PassManager passes(&testContext());
  build(passes);
  if (!module || failed(passes.run(*module)))
    return {};
  return module;
}

inline std::unique_ptr<mlir::moe::NativeCode> nativeCode(mlir::OwningOpRef<mlir::ModuleOp> module) {
  auto lowered = lower(std::move(module), mlir::moe::buildTargetPipeline);
  if (!lowered)
    return nullptr;
  auto code = mlir::moe::NativeCode::create(*lowered);
  if (!code) {
    ADD_FAILURE() << llvm::toString(code.takeError());
    return nullptr;
  }
  return std::move(*code);
}

inline std::unique_ptr<mlir::moe::NativeCode> tinyCode() {
  return nativeCode(mlir::parseSourceFile<mlir::ModuleOp>(MOE_TINY_KERNEL, &testContext()));
}

#endif // MOE_TEST_UNIT_TARGET_COMPILE_H
