// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- SampleCost.cpp - what routing patches saves a sample -------------------------------------------------------===//

#include "moe/Analysis/Formulas/SampleCost.h"
#include "Quantities.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

struct SampleCost : Quantity {
  StringRef getName() const override { return "sample_cost"; }
  Standing getStanding() const override { return Standing::Exact; }
  StringRef getSource() const override {
    return "counted, for the patch-level routing of Chowdhury et al. (ICML 2023, arXiv 2306.04073): FLOPs of a sample "
           "in the "
           "first layer of experts and in the router; dense looks at every patch with as many neurons";
  }
  void evaluate(const LayerFacts &layer, Finding &finding) const override {
    if (layer.routings.size() != 1 || layer.routings[0].window == 0 || layer.routings[0].parts.size() != 1)
      return;
    const RoutingFacts &routing = layer.routings[0];
    const ExpertsFacts &part = routing.parts[0];
    double neurons = double(part.experts) * double(part.neurons);
    ::moe::analysis::PatchCost cost = ::moe::analysis::patchCost(
        {double(routing.window), double(routing.selected), double(routing.width), double(routing.experts), neurons});
    finding.add("ratio", cost.ratio);
    finding.add("experts", cost.experts);
    finding.add("router", cost.router);
    finding.add("dense", cost.dense);
  }
};

} // namespace

std::unique_ptr<Quantity> mlir::moe::createSampleCost() { return std::make_unique<SampleCost>(); }
