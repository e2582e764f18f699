// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Routings.h - what is known of a routing before it runs ---------------------------------------------===//

#ifndef MOE_LIB_DIALECT_MOE_TRANSFORMS_ROUTINGS_H
#define MOE_LIB_DIALECT_MOE_TRANSFORMS_ROUTINGS_H

#include "moe/Dialect/MoE/IR/MoE.h"

namespace mlir::moe {

inline bool picksRows(RoutingType routing) { return routing.getAxis() == Axis::Row; }

/// Whether a slot of `routing` may go nowhere (id -1). Of a routing from elsewhere nothing is known, and a window may
/// have fewer rows than an expert picks.
bool mayDrop(TypedValue<RoutingType> routing);

} // namespace mlir::moe

#endif // MOE_LIB_DIALECT_MOE_TRANSFORMS_ROUTINGS_H
