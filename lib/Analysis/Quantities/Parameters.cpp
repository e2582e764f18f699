// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Parameters.cpp - parameters of a layer, and those that one row needs ---------------------------------------===//

#include "Quantities.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

struct Parameters : Quantity {
  StringRef getName() const override { return "parameters"; }
  Standing getStanding() const override { return Standing::Exact; }
  StringRef getSource() const override {
    return "counted: each weight once, experts and tree nodes as far as a row reaches";
  }
  void evaluate(const LayerFacts &layer, Finding &finding) const override {
    finding.add("total", layer.total.parameters);
    finding.add("active", layer.active.parameters);
    double expert = 0;
    for (const RoutingFacts &routing : layer.routings)
      for (const ExpertsFacts &part : routing.parts)
        expert = std::max(expert, part.expertStorage.parameters);
    finding.add("expert", expert);
  }
};

} // namespace

std::unique_ptr<Quantity> mlir::moe::createParameters() { return std::make_unique<Parameters>(); }
