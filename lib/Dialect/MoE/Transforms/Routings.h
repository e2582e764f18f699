// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Routings.h - what is known of a routing before it runs ---------------------------------------------===//

#ifndef MOE_LIB_DIALECT_MOE_TRANSFORMS_ROUTINGS_H
#define MOE_LIB_DIALECT_MOE_TRANSFORMS_ROUTINGS_H

#include "moe/Dialect/MoE/IR/MoE.h"

#include "llvm/ADT/BitVector.h"

#include <string>

namespace mlir::moe {

inline bool picksRows(RoutingType routing) { return routing.getAxis() == Axis::Row; }

/// Whether a combination multiplies rows by the weights of a routing.
inline bool usesWeights(CombineKind kind) { return kind == CombineKind::WeightedSum || kind == CombineKind::LogSumExp; }

/// Whether a slot of `routing` may go nowhere (id -1). Of a routing from elsewhere nothing is known, and a window may
/// have fewer rows than an expert picks.
bool mayDrop(TypedValue<RoutingType> routing);

/// The most slots that an expert of `routing` gets, 0 where nothing limits them.
int64_t capacityOf(TypedValue<RoutingType> routing);

/// The experts that a row may go to, and why the others get none.
struct Reach {
  llvm::BitVector experts;
  std::string why;
  bool notByNaN = false; ///< rows whose weights are NaN may go to others, too
  std::string doubt;     ///< why experts count that rows of numbers do not go to
};

/// What the IR alone shows of the experts that `routing` reaches, whatever the logits are.
Reach reachableExperts(TypedValue<RoutingType> routing);

} // namespace mlir::moe

#endif // MOE_LIB_DIALECT_MOE_TRANSFORMS_ROUTINGS_H
