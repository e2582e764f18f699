// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- TooFewSelected.cpp - a fitted mixture that selects too few experts -----------------------------------------===//

#include "Warnings.h"
#include "moe/Analysis/Formulas/Voronoi.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

struct TooFewSelected : Check {
  StringRef getName() const override { return "too_few_selected"; }
  void check(const LayerFacts &layer, function_ref<void(Operation *, std::string)> warn) const override {
    std::optional<int64_t> experts = layer.assumptions.count("true_experts");
    std::optional<int64_t> selected = layer.assumptions.count("true_selected");
    if (!experts || !selected)
      return;
    for (const RoutingFacts &routing : layer.routings) {
      if (routing.axis != Axis::Expert || routing.experts < *experts)
        continue;
      int64_t worst = ::moe::analysis::worstRequiredSelected(routing.experts, *experts, *selected);
      if (std::optional<SmallVector<int64_t>> cells = layer.assumptions.counts("cells"))
        worst = ::moe::analysis::requiredSelected({cells->begin(), cells->end()}, *selected);
      if (routing.selected < worst)
        warn(
            routing.op,
            llvm::formatv("selects {0} experts, but {1} fitted to {2} that select {3} may need {4}: the density of the "
                          "data may be out of reach",
                          routing.selected, routing.experts, *experts, *selected, worst));
    }
  }
};

} // namespace

std::unique_ptr<Check> mlir::moe::createTooFewSelected() { return std::make_unique<TooFewSelected>(); }
