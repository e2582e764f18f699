// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Kinds.h - one line for every score function and selection ------------------------------------------===//

#ifndef MOE_LIB_DIALECT_MOE_ROUTERS_KINDS_H
#define MOE_LIB_DIALECT_MOE_ROUTERS_KINDS_H

namespace mlir {
class MLIRContext;
} // namespace mlir

namespace mlir::moe {

void attachSoftmax(MLIRContext *context);
void attachSigmoid(MLIRContext *context);
void attachSqrtSoftplus(MLIRContext *context);
void attachRelu(MLIRContext *context);
void attachIdentity(MLIRContext *context);
void attachOne(MLIRContext *context);
void attachTopK(MLIRContext *context);
void attachGroupTopK(MLIRContext *context);
void attachAll(MLIRContext *context);

} // namespace mlir::moe

#endif // MOE_LIB_DIALECT_MOE_ROUTERS_KINDS_H
