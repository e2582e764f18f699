// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- KernelEntry.h - the C functions of a kernel --------------------------------------------------------===//

#ifndef MOE_LIB_TARGET_KERNELENTRY_H
#define MOE_LIB_TARGET_KERNELENTRY_H

#include "moe/Target/LayerInfo.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace mlir::moe {

/// What a moe_variant_desc points to.
struct KernelEntry {
  LLVM::LLVMFuncOp run;   ///< void (const moe_kernel_args *)
  LLVM::LLVMFuncOp bytes; ///< int64_t (int64_t tokens)
};

/// Adds `<kernel>_run` and `<kernel>_bytes` behind the kernel; `workspace` is its `<kernel>_workspace`.
KernelEntry emitKernelEntry(func::FuncOp kernel, func::FuncOp workspace, const KernelArguments &arguments);

} // namespace mlir::moe

#endif // MOE_LIB_TARGET_KERNELENTRY_H
