// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- NoRouterGradient.cpp - weights that are 1 whatever the logits ----------------------------------------------===//

#include "Warnings.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

/// Selection is piecewise constant, so a router learns through weights alone; that of the only one of a set, normalised
/// over the set, is 1. Weights that are 1 by name (#moe.one) are meant so.
struct NoRouterGradient : Check {
  StringRef getName() const override { return "no_router_gradient"; }
  void check(const LayerFacts &layer, function_ref<void(Operation *, std::string)> warn) const override {
    for (const RoutingFacts &routing : layer.routings)
      for (const RouterLevel &level : routing.levels) {
        if (level.selected != 1)
          continue;
        auto route = dyn_cast_if_present<RouteOp>(level.op);
        auto within = dyn_cast_if_present<RouteWithinOp>(level.op);
        bool isNormalised = (route && (route.getOver() == Over::Selected || route.getRenormalize())) ||
                            (within && within.getOver() == Over::Selected);
        if (isNormalised)
          warn(level.op,
               "the router gets no gradient: the weight of the one selected entry, normalised over the selected, "
               "is 1; normalise over all to train it");
      }
  }
};

} // namespace

std::unique_ptr<Check> mlir::moe::createNoRouterGradient() { return std::make_unique<NoRouterGradient>(); }
