// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- LaunchRecords.h - what a caller must know to run device kernels ------------------------------------===//

#ifndef MOE_LIB_CODEGEN_GPU_LAUNCHRECORDS_H
#define MOE_LIB_CODEGEN_GPU_LAUNCHRECORDS_H

#include "SizeExpression.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

#include "llvm/Support/JSON.h"

namespace mlir::moe {

struct LaunchRecord {
  std::string kernel, when, grid;
  int64_t block, shared;
};

/// Writes the JSON text of docs/abi-gpu.md from functions of buffers that still have their arguments.
class LaunchRecordWriter {
public:
  explicit LaunchRecordWriter(ModuleOp module) : module(module) {}

  LogicalResult addProgram(func::FuncOp function, ArrayRef<LaunchRecord> launches);
  /// With the layers of the module.
  std::string text();

private:
  llvm::json::Array layers();

  ModuleOp module;
  llvm::json::Array programs;
};

} // namespace mlir::moe

#endif // MOE_LIB_CODEGEN_GPU_LAUNCHRECORDS_H
