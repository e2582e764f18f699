// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Passes.h - passes and pipeline from the kernel stage to the LLVM dialect ---------------------------===//

#ifndef MOE_TARGET_PASSES_H
#define MOE_TARGET_PASSES_H

#include "mlir/Pass/Pass.h"

namespace mlir::moe {

#define GEN_PASS_DECL
#include "moe/Target/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "moe/Target/Passes.h.inc"

/// The kernel stage to the target stage: a module of the LLVM dialect alone, with its library descriptor.
void buildTargetPipeline(OpPassManager &pm);

/// The passes above, and `moe-to-llvm-pipeline`.
void registerTargetPipelines();

} // namespace mlir::moe

#endif // MOE_TARGET_PASSES_H
