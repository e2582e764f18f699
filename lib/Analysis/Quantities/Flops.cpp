// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Flops.cpp - operations in the products of a layer ----------------------------------------------------------===//

#include "Quantities.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

struct Flops : Quantity {
  StringRef getName() const override { return "flops"; }
  Standing getStanding() const override { return Standing::Exact; }
  StringRef getSource() const override {
    return "counted: two for a multiplication and an addition of a product; elementwise operations are left out";
  }
  ArrayRef<AssumptionSpec> getAssumptions() const override {
    static const AssumptionSpec specs[] = {{"rows", AssumptionSpec::Kind::Count, "the rows of a batch"}};
    return specs;
  }
  void evaluate(const LayerFacts &layer, Finding &finding) const override {
    if (layer.routings.empty())
      return;
    // Where experts pick rows, what they cost is known of all rows of a window alone.
    int64_t rows = 1;
    for (const RoutingFacts &routing : layer.routings) {
      if (routing.axis != Axis::Row)
        continue;
      std::optional<int64_t> batch = layer.assumptions.count("rows");
      if (!routing.window && !batch)
        return finding.need("rows");
      rows = std::max(rows, routing.window ? routing.window : *batch);
    }
    double router = 0, experts = 0;
    for (const RoutingFacts &routing : layer.routings) {
      for (const RouterLevel &level : routing.levels)
        router += double(rows) * double(level.visited) * level.nodeFlops;
      int64_t window = routing.window ? routing.window : rows;
      for (const ExpertsFacts &part : routing.parts) {
        double slots = double(rows) * double(routing.activeExperts(part));
        if (routing.axis == Axis::Row)
          slots = double(part.experts) * double(std::min(routing.selected, window)) * double(rows) / double(window);
        experts += slots * part.rowFlops;
      }
    }
    finding.add("rows", rows);
    finding.add("experts", experts);
    finding.add("router", router);
    finding.add("dense", double(rows) * layer.denseFlops);
    finding.add("total", experts + router + double(rows) * layer.denseFlops);
  }
};

} // namespace

std::unique_ptr<Quantity> mlir::moe::createFlops() { return std::make_unique<Flops>(); }
