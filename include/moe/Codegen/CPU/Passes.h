// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Passes.h - passes that know CPU instruction sets ---------------------------------------------------===//

#ifndef MOE_CODEGEN_CPU_PASSES_H
#define MOE_CODEGEN_CPU_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

#include <string>

namespace mlir::moe {
#define GEN_PASS_DECL
#include "moe/Codegen/CPU/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "moe/Codegen/CPU/Passes.h.inc"
} // namespace mlir::moe

#endif // MOE_CODEGEN_CPU_PASSES_H
