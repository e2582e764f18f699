// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Passes.h - passes that know NVIDIA's GPUs ----------------------------------------------------------===//

#ifndef MOE_CODEGEN_GPU_NVVM_PASSES_H
#define MOE_CODEGEN_GPU_NVVM_PASSES_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace mlir::moe {
#define GEN_PASS_DECL
#include "moe/Codegen/GPU/NVVM/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "moe/Codegen/GPU/NVVM/Passes.h.inc"
} // namespace mlir::moe

#endif // MOE_CODEGEN_GPU_NVVM_PASSES_H
