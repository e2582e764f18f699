// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- SizeExpression.h - functions of the number of tokens as text ---------------------------------------===//

#ifndef MOE_LIB_CODEGEN_GPU_SIZEEXPRESSION_H
#define MOE_LIB_CODEGEN_GPU_SIZEEXPRESSION_H

#include "mlir/IR/Value.h"

#include <string>

namespace mlir::moe {

/// `value` as an expression of docs/abi-gpu.md; fails, with an error at its op, where it is no function of `tokens`
/// (an index) and of the number of rows of `rows` (a memref, or null).
FailureOr<std::string> sizeExpression(Value value, Value tokens, Value rows);

} // namespace mlir::moe

#endif // MOE_LIB_CODEGEN_GPU_SIZEEXPRESSION_H
