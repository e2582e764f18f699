// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Registry.cpp - all quantities and checks -------------------------------------------------------------------===//

#include "Quantities/Quantities.h"
#include "Warnings/Warnings.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace mlir::moe;

template <typename T, typename... Create>
static std::vector<std::unique_ptr<T>> listOf(Create... create) {
  std::vector<std::unique_ptr<T>> list;
  (list.push_back(create()), ...);
  return list;
}

std::vector<std::unique_ptr<Quantity>> mlir::moe::createQuantities() {
  return listOf<Quantity>(createParameters, createBytes, createFlops, createLoad, createNatarajan,
                          createGeneralizationBound, createVCOrder, createVCBound, createPieces, createApproximation,
                          createVoronoi, createSampleCost);
}

std::vector<std::unique_ptr<Check>> mlir::moe::createChecks() {
  return listOf<Check>(createNoRouterGradient, createCapacityDrops, createTooFewSelected, createAlwaysOneExpert);
}

std::vector<AssumptionSpec> mlir::moe::allAssumptions() {
  std::vector<AssumptionSpec> all;
  auto add = [&](ArrayRef<AssumptionSpec> specs) {
    for (const AssumptionSpec &spec : specs)
      if (llvm::none_of(all, [&](const AssumptionSpec &known) { return known.name == spec.name; }))
        all.push_back(spec);
  };
  for (const std::unique_ptr<Quantity> &quantity : createQuantities())
    add(quantity->getAssumptions());
  for (const std::unique_ptr<Check> &check : createChecks())
    add(check->getAssumptions());
  return all;
}
