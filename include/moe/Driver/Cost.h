// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Cost.h - bytes and operations of a layer, from its descriptor --------------------------------------===//

#ifndef MOE_DRIVER_COST_H
#define MOE_DRIVER_COST_H

#include "moe/Runtime/Runtime.h"

#include <string>

namespace mlir::moe {

/// What a call costs at least: weights that are read once, rows in and out, multiplies and adds.
struct LayerCost {
  double experts, topK;
  double expertBytes = 0; ///< weights of one expert
  double sharedBytes = 0; ///< weights that every row meets, the router's for one
  double rowBytes = 0;    ///< inputs and outputs of one row
  double slotFlops = 0;   ///< a row at one expert
  double rowFlops = 0;    ///< a row at what every row meets

  LayerCost(const moe_layer_desc &layer, const moe_variant_desc &variant);

  double bytes(double tokens, double expertsTouched) const {
    return sharedBytes + expertsTouched * expertBytes + tokens * rowBytes;
  }
  double flops(double tokens) const { return tokens * (rowFlops + topK * slotFlops); }
  /// Experts that some row goes to, on average, when each row picks evenly among all.
  double expectedExperts(double tokens) const;
};

int64_t bytesOf(int32_t dtype);

/// "1.50 GB", with three digits.
std::string quantityText(double value, const char *unit);

/// The layers of a library, their variants, and bytes and operations for some numbers of tokens; for people.
std::string summaryText(const moe_library_desc &library);

} // namespace mlir::moe

#endif // MOE_DRIVER_COST_H
