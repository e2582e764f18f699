// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- PopulatePatterns.h - one populate function for each family of grouped ops --------------------------===//

#ifndef MOE_LIB_CONVERSION_GROUPEDTOLINALG_POPULATEPATTERNS_H
#define MOE_LIB_CONVERSION_GROUPEDTOLINALG_POPULATEPATTERNS_H

#include "mlir/IR/PatternMatch.h"

namespace mlir::moe {

void populateGroupedBodyPatterns(RewritePatternSet &patterns);
void populateGroupedMatmulPatterns(RewritePatternSet &patterns);
void populateSlotMatmulPatterns(RewritePatternSet &patterns);
void populateRoundRowsPatterns(RewritePatternSet &patterns);
void populateRouterPatterns(RewritePatternSet &patterns);
void populatePaddedMatmulPatterns(RewritePatternSet &patterns);
void populatePlanPatterns(RewritePatternSet &patterns);
void populatePlanAllPatterns(RewritePatternSet &patterns);
void populatePlanPaddedPatterns(RewritePatternSet &patterns);
void populateRowMovementPatterns(RewritePatternSet &patterns);
void populateRowMapPatterns(RewritePatternSet &patterns);
void populateScoreCosinePatterns(RewritePatternSet &patterns);
void populateScoreNegDistancePatterns(RewritePatternSet &patterns);
void populateCombineRowsPatterns(RewritePatternSet &patterns);
void populateCombineSlotsPatterns(RewritePatternSet &patterns);

} // namespace mlir::moe

#endif // MOE_LIB_CONVERSION_GROUPEDTOLINALG_POPULATEPATTERNS_H
