// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Load.cpp - rows that experts take --------------------------------------------------------------------------===//

#include "moe/Analysis/Formulas/Load.h"
#include "Quantities.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

struct Load : Quantity {
  StringRef getName() const override { return "load"; }
  Standing getStanding() const override { return Standing::Exact; }
  StringRef getSource() const override {
    return "counted: the least and the most over all routings, each reached by one";
  }
  ArrayRef<AssumptionSpec> getAssumptions() const override {
    static const AssumptionSpec specs[] = {{"rows", AssumptionSpec::Kind::Count, "the rows of a batch"}};
    return specs;
  }
  void evaluate(const LayerFacts &layer, Finding &finding) const override {
    for (auto [index, routing] : llvm::enumerate(layer.routings)) {
      std::string prefix = layer.routings.size() > 1 ? "routing" + std::to_string(index) + "." : "";
      std::optional<int64_t> rows = layer.assumptions.count("rows");
      if (routing.axis == Axis::Row && routing.window) {
        finding.add(prefix + "per_sample", std::min(routing.selected, routing.window));
        continue;
      }
      if (routing.capacity)
        finding.add(prefix + "capacity", routing.capacity);
      if (!rows) {
        finding.need("rows");
        return;
      }
      if (routing.axis == Axis::Row) {
        finding.add(prefix + "per_batch", std::min(routing.selected, *rows));
        continue;
      }
      ::moe::analysis::LoadBounds bounds =
          ::moe::analysis::loadBounds({*rows, routing.experts, routing.selected, routing.capacity});
      finding.add(prefix + "least", bounds.least);
      finding.add(prefix + "mean", bounds.mean);
      finding.add(prefix + "most", bounds.most);
      if (!routing.capacity)
        continue;
      finding.add(prefix + "least_dropped", bounds.leastDropped);
      finding.add(prefix + "most_dropped", bounds.mostDropped);
    }
  }
};

} // namespace

std::unique_ptr<Quantity> mlir::moe::createLoad() { return std::make_unique<Load>(); }
