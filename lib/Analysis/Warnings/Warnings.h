// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Warnings.h - one function for each check there is --------------------------------------------------===//

#ifndef MOE_LIB_ANALYSIS_WARNINGS_WARNINGS_H
#define MOE_LIB_ANALYSIS_WARNINGS_WARNINGS_H

#include "moe/Analysis/Quantity.h"

namespace mlir::moe {

std::unique_ptr<Check> createNoRouterGradient();
std::unique_ptr<Check> createCapacityDrops();
std::unique_ptr<Check> createTooFewSelected();
std::unique_ptr<Check> createAlwaysOneExpert();

} // namespace mlir::moe

#endif // MOE_LIB_ANALYSIS_WARNINGS_WARNINGS_H
