// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Passes.h - passes that make device kernels ---------------------------------------------------------===//

#ifndef MOE_CODEGEN_GPU_PASSES_H
#define MOE_CODEGEN_GPU_PASSES_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

#include <string>

namespace mlir::moe {

/// On a module at the kernel stage: its launch records, the JSON text of docs/abi-gpu.md.
constexpr llvm::StringLiteral kLaunchesAttr = "moe.launches";
/// Name of the module of device kernels.
constexpr llvm::StringLiteral kDeviceModule = "moe_device";
/// On a device kernel: its body is what one task does, not yet cut into threads.
constexpr llvm::StringLiteral kTaskCodeAttr = "moe.task_code";

#define GEN_PASS_DECL
#include "moe/Codegen/GPU/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "moe/Codegen/GPU/Passes.h.inc"
} // namespace mlir::moe

#endif // MOE_CODEGEN_GPU_PASSES_H
