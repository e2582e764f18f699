// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- GeneralizationBound.cpp - the generalisation bound of sparse mixtures --------------------------------------===//

#include "moe/Analysis/Formulas/GeneralizationBound.h"
#include "Quantities.h"

using namespace mlir;
using namespace mlir::moe;
using Kind = AssumptionSpec::Kind;

namespace {

struct GeneralizationBound : Quantity {
  StringRef getName() const override { return "generalization_bound"; }
  Standing getStanding() const override { return Standing::Order; }
  StringRef getSource() const override {
    return "Zhao, Wang and Wang (2024, arXiv 2403.17404): the bracket, without the constant that the source leaves out";
  }
  ArrayRef<AssumptionSpec> getAssumptions() const override {
    static const AssumptionSpec specs[] = {
        {"samples", Kind::Count, "the number of samples a model is trained on"},
        {"confidence", Kind::Probability, "how probable it may be that a bound fails"},
        {"lipschitz", Kind::Positive, "the Lipschitz constant of the loss"},
        {"rademacher", Kind::NotNegative, "the Rademacher complexity of the class of one expert"},
        {"weight_norm", Kind::Positive, "a bound of the norm of a linear expert's weights"},
        {"input_norm", Kind::Positive, "a bound of the norm of rows"},
        {"natarajan", Kind::Positive, "the Natarajan dimension of the router's choices"},
    };
    return specs;
  }
  void evaluate(const LayerFacts &layer, Finding &finding) const override {
    // One binary choice of experts a row, as in the source.
    if (layer.routings.size() != 1 || layer.routings[0].axis != Axis::Expert)
      return;
    const Assumptions &given = layer.assumptions;
    const RoutingFacts &routing = layer.routings[0];
    std::optional<double> samples = given.number("samples"), confidence = given.number("confidence");
    std::optional<double> rademacher = given.number("rademacher"), natarajan = given.number("natarajan");
    if (std::optional<double> weight = given.number("weight_norm"), input = given.number("input_norm");
        !rademacher && weight && input && samples)
      rademacher = ::moe::analysis::linearRademacher(*weight, *input, *samples);
    const RouterLevel &level = routing.levels.front();
    if (!natarajan && routing.levels.size() == 1)
      if (int64_t features = level.features)
        natarajan = ::moe::analysis::natarajanOfLinearRouter(level.nodes, level.selected, features).upper;
    for (auto [name, value] : {std::pair("samples", samples), std::pair("confidence", confidence),
                               std::pair("rademacher", rademacher), std::pair("natarajan", natarajan)})
      if (!value)
        finding.need(name);
    if (!finding.needs.empty())
      return;
    ::moe::analysis::SparseBoundInputs inputs;
    inputs.lipschitz = given.number("lipschitz").value_or(1);
    inputs.rademacher = *rademacher;
    inputs.natarajan = *natarajan;
    inputs.samples = *samples;
    inputs.confidence = *confidence;
    inputs.experts = routing.experts;
    inputs.selected = std::min(routing.selected, routing.experts);
    finding.add("value", ::moe::analysis::sparseGeneralizationBound(inputs));
    finding.add("lipschitz", inputs.lipschitz);
    finding.add("rademacher", inputs.rademacher);
    finding.add("natarajan", inputs.natarajan);
    finding.add("samples", inputs.samples);
    finding.add("confidence", inputs.confidence);
  }
};

} // namespace

std::unique_ptr<Quantity> mlir::moe::createGeneralizationBound() { return std::make_unique<GeneralizationBound>(); }
