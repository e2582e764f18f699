// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Voronoi.cpp - how many experts a fitted mixture must select ------------------------------------------------===//

#include "moe/Analysis/Formulas/Voronoi.h"
#include "Quantities.h"

using namespace mlir;
using namespace mlir::moe;
using Kind = AssumptionSpec::Kind;

namespace {

struct Voronoi : Quantity {
  StringRef getName() const override { return "voronoi"; }
  Standing getStanding() const override { return Standing::Exact; }
  StringRef getSource() const override {
    return "Nguyen, Akbarian, Yan and Ho (ICLR 2024, arXiv 2309.13850); required and worst_required are derived here "
           "from "
           "its condition, read as K >= the largest total of cells; slopes are orders";
  }
  ArrayRef<AssumptionSpec> getAssumptions() const override {
    static const AssumptionSpec specs[] = {
        {"true_experts", Kind::Count, "the experts of the mixture that data come from"},
        {"true_selected", Kind::Count, "the experts that it selects"},
        {"cells", Kind::Counts, "how many fitted experts are nearest to each true one"},
    };
    return specs;
  }
  void evaluate(const LayerFacts &layer, Finding &finding) const override {
    std::optional<int64_t> experts = layer.assumptions.count("true_experts");
    std::optional<int64_t> selected = layer.assumptions.count("true_selected");
    if (layer.routings.size() != 1 || layer.routings[0].axis != Axis::Expert || (!experts && !selected))
      return;
    const RoutingFacts &routing = layer.routings[0];
    if (!experts || !selected)
      return finding.need(experts ? "true_selected" : "true_experts");
    finding.add("selected", routing.selected);
    if (routing.experts >= *experts) {
      int64_t worst = ::moe::analysis::worstRequiredSelected(routing.experts, *experts, *selected);
      finding.add("worst_required", worst);
      finding.add("meets_worst", llvm::json::Value(routing.selected >= worst));
    }
    std::optional<SmallVector<int64_t>> cells = layer.assumptions.counts("cells");
    if (!cells)
      return;
    std::vector<int64_t> sizes(cells->begin(), cells->end());
    int64_t required = ::moe::analysis::requiredSelected(sizes, *selected);
    finding.add("required", required);
    finding.add("meets", llvm::json::Value(routing.selected >= required));
    ::moe::analysis::CellRates slowest = ::moe::analysis::cellRates(*llvm::max_element(sizes));
    if (!slowest.known)
      return;
    finding.add("gate_slope", slowest.gate);
    finding.add("expert_slope", slowest.expert);
  }
};

} // namespace

std::unique_ptr<Quantity> mlir::moe::createVoronoi() { return std::make_unique<Voronoi>(); }
