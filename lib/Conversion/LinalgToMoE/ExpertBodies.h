// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- ExpertBodies.h - products and maps in place of plain tensor code ---------------------------------------===//

#ifndef MOE_LIB_CONVERSION_LINALGTOMOE_EXPERTBODIES_H
#define MOE_LIB_CONVERSION_LINALGTOMOE_EXPERTBODIES_H

#include "moe/Dialect/MoE/IR/MoE.h"

namespace mlir::moe {

/// Makes moe.linear and moe.map of the linalg contractions and elementwise ops in the body of `experts`, and says so in
/// remarks of `pass`.
void normalizeBody(ExpertsOp experts, StringRef pass);

} // namespace mlir::moe

#endif // MOE_LIB_CONVERSION_LINALGTOMOE_EXPERTBODIES_H
