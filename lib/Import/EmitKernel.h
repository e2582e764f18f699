// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One MoE block as a function of its rows and weights.
#ifndef MOE_LIB_IMPORT_EMITKERNEL_H
#define MOE_LIB_IMPORT_EMITKERNEL_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include "moe/Import/ModelDescription.h"

namespace mlir::moe {

/// The element type of a weight: the router may keep parameters of its own format.
Type weightElementType(MLIRContext *context, const ::moe::BlockDescription &block,
                       const ::moe::WeightDescription &weight, ::moe::DType dtype);

/// Emits the kernel, outside of any module. Fails, with a diagnostic, on a feature that has no emission yet.
FailureOr<OwningOpRef<func::FuncOp>> emitKernel(MLIRContext *context, const ::moe::BlockDescription &block,
                                                ::moe::DType dtype, StringRef name);

} // namespace mlir::moe

#endif // MOE_LIB_IMPORT_EMITKERNEL_H
