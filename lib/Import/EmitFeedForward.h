// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The body of an expert, routed or shared, on plain rows.
#ifndef MOE_LIB_IMPORT_EMITFEEDFORWARD_H
#define MOE_LIB_IMPORT_EMITFEEDFORWARD_H

#include "mlir/IR/ImplicitLocOpBuilder.h"

#include "llvm/ADT/DenseMap.h"

#include "moe/Import/ModelDescription.h"

namespace mlir::moe {

/// What stands for each weight of a description where its use is emitted: a kernel's argument, or one expert's slice.
using WeightValues = llvm::DenseMap<const ::moe::WeightDescription *, Value>;

/// The feed-forward layer of `rows`, in f32: the sums of its last product, with its bias.
Value emitFeedForward(ImplicitLocOpBuilder &builder, const ::moe::FeedForwardDescription &body, Value rows,
                      const WeightValues &weights);

} // namespace mlir::moe

#endif // MOE_LIB_IMPORT_EMITFEEDFORWARD_H
