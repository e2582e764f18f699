// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Passes.h - the pass that states what can be read off a layer ---------------------------------------===//

#ifndef MOE_ANALYSIS_PASSES_H
#define MOE_ANALYSIS_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

#include <string>

namespace mlir::moe {
#define GEN_PASS_DECL
#include "moe/Analysis/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "moe/Analysis/Passes.h.inc"
} // namespace mlir::moe

#endif // MOE_ANALYSIS_PASSES_H
