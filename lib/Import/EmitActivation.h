// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Activations as scalar arithmetic, for the region of a `moe.map`.
#ifndef MOE_LIB_IMPORT_EMITACTIVATION_H
#define MOE_LIB_IMPORT_EMITACTIVATION_H

#include "mlir/IR/ImplicitLocOpBuilder.h"

#include "moe/Import/ModelDescription.h"

namespace mlir::moe {

/// The activation of an f32.
Value emitActivation(ImplicitLocOpBuilder &builder, ::moe::Activation activation, Value x);

} // namespace mlir::moe

#endif // MOE_LIB_IMPORT_EMITACTIVATION_H
