// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- VCOrder.cpp - the order of the VC dimension of a mixture with one expert a row -----------------------------===//

#include "OneExpert.h"
#include "Quantities.h"
#include "moe/Analysis/Formulas/VCBound.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

struct VCOrder : Quantity {
  StringRef getName() const override { return "vc_order"; }
  Standing getStanding() const override { return Standing::Order; }
  StringRef getSource() const override {
    return "Kratsios, Saez de Ocariz Borde, Furuya and Law (TMLR 2025, arXiv 2402.03460): L max(n L, J P), logarithms "
           "left out, "
           "its width read as the number of parameters P of an expert";
  }
  void evaluate(const LayerFacts &layer, Finding &finding) const override {
    const RoutingFacts *routing = findOneExpertRouting(layer);
    if (!routing)
      return;
    const ExpertsFacts &part = routing->parts[0];
    finding.add("value", ::moe::analysis::vcOrder(double(routing->experts), double(routing->width), double(part.depth),
                                                  part.expertStorage.parameters));
    finding.add("depth", part.depth);
    finding.add("parameters", part.expertStorage.parameters);
  }
};

} // namespace

std::unique_ptr<Quantity> mlir::moe::createVCOrder() { return std::make_unique<VCOrder>(); }
