// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- SlotSort.h - a stable counting sort of the slots of a routing --------------------------------------===//

#ifndef MOE_LIB_CONVERSION_GROUPEDTOLINALG_SLOTSORT_H
#define MOE_LIB_CONVERSION_GROUPEDTOLINALG_SLOTSORT_H

#include "Builders.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::moe {

/// What a used slot says: what it is sorted by, and the row that it holds.
struct SlotOwner {
  Value key, token;
};

/// Of a slot in row `row` of the ids, given its id.
using OwnerFn = function_ref<SlotOwner(ImplicitLocOpBuilder &, Value row, Value id)>;

struct SortedSlots {
  Value offsets; ///< slots of key x are sorted rows offsets[x] .. offsets[x + 1] - 1
  Value tokens;  ///< the row that each sorted row holds; null if it was not asked for
  Value slots;   ///< the slot of each sorted row
};

/// Count, prefix sum, place: three serial loops over the slots.
struct SlotSort {
  Value ids;         ///< tensor<RxKxi32>; slots of id -1 are left out
  Value offsetsInit; ///< tensor of index, one element more than there are keys
  Value tokensInit;  ///< tensor<R * K x index>, or null
  Value slotsInit;   ///< tensor<R * K x index>

  SortedSlots build(ImplicitLocOpBuilder &b, OwnerFn owner) const;
};

} // namespace mlir::moe

#endif // MOE_LIB_CONVERSION_GROUPEDTOLINALG_SLOTSORT_H
