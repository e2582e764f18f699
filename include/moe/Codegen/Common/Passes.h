// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Passes.h - passes of code generation that every target shares -----------------------------------------===//

#ifndef MOE_CODEGEN_COMMON_PASSES_H
#define MOE_CODEGEN_COMMON_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

#include <string>

namespace mlir::moe {
#define GEN_PASS_DECL
#include "moe/Codegen/Common/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "moe/Codegen/Common/Passes.h.inc"
} // namespace mlir::moe

#endif // MOE_CODEGEN_COMMON_PASSES_H
