// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Routers.cpp - attaches the emission of every kind --------------------------------------------------===//

#include "moe/Dialect/MoE/Routers/Routers.h"
#include "Kinds.h"

using namespace mlir;
using namespace mlir::moe;

#include "moe/Dialect/MoE/Routers/RouterInterfaces.cpp.inc"

void mlir::moe::registerRouterExternalModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, MoEDialect *) {
    attachSoftmax(context);
    attachSigmoid(context);
    attachSqrtSoftplus(context);
    attachRelu(context);
    attachIdentity(context);
    attachOne(context);
    attachTopK(context);
    attachGroupTopK(context);
    attachAll(context);
  });
}
