// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Activations as scalar arithmetic, for the region of a `moe.map`.
#ifndef MOE_LIB_IMPORT_EMITACTIVATION_H
#define MOE_LIB_IMPORT_EMITACTIVATION_H

#include "mlir/IR/ImplicitLocOpBuilder.h"

#include "moe/Import/ModelDescription.h"

namespace mlir::moe {

/// The element that goes into `down`, from the results of `up` and, if there is one, `gate`: all f32.
Value emitActivation(ImplicitLocOpBuilder &builder, const ::moe::FeedForwardDescription &body, Value gate, Value up);

} // namespace mlir::moe

#endif // MOE_LIB_IMPORT_EMITACTIVATION_H
