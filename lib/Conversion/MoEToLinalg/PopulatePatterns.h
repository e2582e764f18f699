// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- PopulatePatterns.h - one populate function for each family of model ops ----------------------------===//

#ifndef MOE_LIB_CONVERSION_MOETOLINALG_POPULATEPATTERNS_H
#define MOE_LIB_CONVERSION_MOETOLINALG_POPULATEPATTERNS_H

#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Transforms/DialectConversion.h"

namespace mlir::moe {

void populateScoreAffinePatterns(const TypeConverter &types, RewritePatternSet &patterns);
void populateScoreCosinePatterns(const TypeConverter &types, RewritePatternSet &patterns);
void populateScoreNegDistancePatterns(const TypeConverter &types, RewritePatternSet &patterns);
void populateRoutePatterns(const TypeConverter &types, RewritePatternSet &patterns);
void populateDispatchPatterns(const TypeConverter &types, RewritePatternSet &patterns);
void populateExpertsPatterns(const TypeConverter &types, RewritePatternSet &patterns);
void populateCombinePatterns(const TypeConverter &types, RewritePatternSet &patterns);
void populateBodyPatterns(const TypeConverter &types, RewritePatternSet &patterns);

/// `!moe.routing` is ids tensor<?xKxi32> and weights tensor<?xKxf>: a row for each row, or for each window of each
/// expert where the routing picks rows.
RankedTensorType getIdsType(RoutingType type);
RankedTensorType getWeightsType(RoutingType type);

/// `!moe.ragged` is rows tensor<?xWxf>, one for each slot, and the slots' ids tensor<?xi32>.
RankedTensorType getSlotRowsType(RaggedType type);
RankedTensorType getSlotIdsType(RaggedType type);

} // namespace mlir::moe

#endif // MOE_LIB_CONVERSION_MOETOLINALG_POPULATEPATTERNS_H
