// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- InitAll.h - one door to everything a tool registers ------------------------------------------------===//

#ifndef MOE_INITALL_H
#define MOE_INITALL_H

#include "mlir/IR/DialectRegistry.h"

namespace mlir::moe {

/// Every dialect of MLIR and of this project, with the external models this project attaches.
void registerAllDialects(DialectRegistry &registry);

/// Every pass and pipeline of this project. MLIR's own passes are registered by the tools that want them.
void registerAllPasses();

} // namespace mlir::moe

#endif // MOE_INITALL_H
