// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- VCBound.cpp - a bound of the VC dimension of a mixture with one expert a row -------------------------------===//

#include "moe/Analysis/Formulas/VCBound.h"
#include "OneExpert.h"
#include "Quantities.h"

using namespace mlir;
using namespace mlir::moe;

/// Pairs of siblings that a selection compares, over all levels; 0 where some level's ranking is not linear.
static double countPairs(const RoutingFacts &routing) {
  double pairs = 0;
  for (const RouterLevel &level : routing.levels) {
    if (level.features == 0 || level.selected != 1)
      return 0;
    double branching = double(level.branching);
    pairs += double(level.nodes) / branching * branching * (branching - 1) / 2;
  }
  return pairs;
}

namespace {

struct VCBound : Quantity {
  StringRef getName() const override { return "vc_bound"; }
  Standing getStanding() const override { return Standing::Bound; }
  StringRef getSource() const override {
    return "derived here: Sauer's lemma for the half-spaces between experts and for each expert, constants included";
  }
  ArrayRef<AssumptionSpec> getAssumptions() const override {
    static const AssumptionSpec specs[] = {
        {"expert_vc", AssumptionSpec::Kind::Count, "the VC dimension of the class of one expert"}};
    return specs;
  }
  void evaluate(const LayerFacts &layer, Finding &finding) const override {
    const RoutingFacts *routing = findOneExpertRouting(layer);
    if (!routing)
      return;
    double pairs = countPairs(*routing);
    if (pairs == 0 && routing->experts > 1)
      return;
    std::optional<double> expert = layer.assumptions.number("expert_vc");
    if (!expert)
      return finding.need("expert_vc");
    finding.add("value", ::moe::analysis::vcBound({routing->experts, pairs, double(routing->width), *expert}));
    finding.add("half_spaces", pairs);
    finding.add("expert_vc", *expert);
  }
};

} // namespace

std::unique_ptr<Quantity> mlir::moe::createVCBound() { return std::make_unique<VCBound>(); }
