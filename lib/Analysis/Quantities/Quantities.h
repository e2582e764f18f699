// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Quantities.h - one function for each quantity there is ---------------------------------------------===//

#ifndef MOE_LIB_ANALYSIS_QUANTITIES_QUANTITIES_H
#define MOE_LIB_ANALYSIS_QUANTITIES_QUANTITIES_H

#include "moe/Analysis/Quantity.h"

namespace mlir::moe {

std::unique_ptr<Quantity> createParameters();
std::unique_ptr<Quantity> createBytes();
std::unique_ptr<Quantity> createFlops();
std::unique_ptr<Quantity> createLoad();
std::unique_ptr<Quantity> createNatarajan();
std::unique_ptr<Quantity> createGeneralizationBound();
std::unique_ptr<Quantity> createVCOrder();
std::unique_ptr<Quantity> createVCBound();
std::unique_ptr<Quantity> createPieces();
std::unique_ptr<Quantity> createApproximation();
std::unique_ptr<Quantity> createVoronoi();
std::unique_ptr<Quantity> createSampleCost();

} // namespace mlir::moe

#endif // MOE_LIB_ANALYSIS_QUANTITIES_QUANTITIES_H
