// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Passes.h - passes from moe to moe ------------------------------------------------------------------===//

#ifndef MOE_DIALECT_MOE_TRANSFORMS_PASSES_H
#define MOE_DIALECT_MOE_TRANSFORMS_PASSES_H

#include "mlir/Pass/Pass.h"

namespace mlir::moe {

/// The forms that a program passes through, in this order. `moe-verify-form` says what each one excludes.
enum class Form { Model, Grouped, Linalg, Kernel, Target };

#define GEN_PASS_DECL
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"

} // namespace mlir::moe

#endif // MOE_DIALECT_MOE_TRANSFORMS_PASSES_H
