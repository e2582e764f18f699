// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- OneExpert.h - layers that send every row to one expert of one kind ---------------------------------===//

#ifndef MOE_LIB_ANALYSIS_QUANTITIES_ONEEXPERT_H
#define MOE_LIB_ANALYSIS_QUANTITIES_ONEEXPERT_H

#include "moe/Analysis/LayerFacts.h"

namespace mlir::moe {

/// The only routing of a layer, if each row has one expert by it and all experts have one body; null otherwise. What is
/// said of the VC dimension of mixtures is about these.
inline const RoutingFacts *findOneExpertRouting(const LayerFacts &layer) {
  if (layer.routings.size() != 1)
    return nullptr;
  const RoutingFacts &routing = layer.routings[0];
  bool isOne = routing.axis == Axis::Expert && routing.selected == 1 && routing.parts.size() == 1;
  return isOne && routing.parts[0].experts == routing.experts ? &routing : nullptr;
}

} // namespace mlir::moe

#endif // MOE_LIB_ANALYSIS_QUANTITIES_ONEEXPERT_H
