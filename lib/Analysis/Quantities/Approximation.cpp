// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Approximation.cpp - how the error of fitted experts falls with their width ---------------------------------===//

#include "Quantities.h"
#include "moe/Analysis/Formulas/Pieces.h"

using namespace mlir;
using namespace mlir::moe;
using Kind = AssumptionSpec::Kind;

namespace {

struct Approximation : Quantity {
  StringRef getName() const override { return "approximation"; }
  Standing getStanding() const override { return Standing::Order; }
  StringRef getSource() const override {
    return "Wang and E (NeurIPS 2025, arXiv 2505.24205), Thm. 4.8: error m^-exponent in the width m of experts; "
           "linear_error, for experts that are piecewise linear with m knots, is a bound derived here";
  }
  ArrayRef<AssumptionSpec> getAssumptions() const override {
    static const AssumptionSpec specs[] = {
        {"smoothness", Kind::Positive, "the smoothness of the pieces of the target"},
        {"dimension", Kind::Positive, "the dimension of the manifolds that the pieces live on"},
        {"knots", Kind::Count, "the knots of an expert on each piece"},
    };
    return specs;
  }
  void evaluate(const LayerFacts &layer, Finding &finding) const override {
    if (layer.routings.empty())
      return;
    const RoutingFacts &routing = layer.routings[0];
    if (std::optional<double> smoothness = layer.assumptions.number("smoothness")) {
      double ambient = double(routing.width);
      finding.add("exponent", ::moe::analysis::approximationExponent(
                                  *smoothness, layer.assumptions.number("dimension").value_or(ambient)));
      finding.add("dense_exponent", ::moe::analysis::approximationExponent(*smoothness, ambient));
    }
    if (std::optional<int64_t> knots = layer.assumptions.count("knots"))
      finding.add("linear_error", ::moe::analysis::linearPieceError(routing.experts, *knots));
  }
};

} // namespace

std::unique_ptr<Quantity> mlir::moe::createApproximation() { return std::make_unique<Approximation>(); }
