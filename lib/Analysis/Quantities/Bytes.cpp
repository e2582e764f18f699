// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Bytes.cpp - bytes of weights, and those that one row reads -------------------------------------------------===//

#include "Quantities.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

struct Bytes : Quantity {
  StringRef getName() const override { return "bytes"; }
  Standing getStanding() const override { return Standing::Exact; }
  StringRef getSource() const override {
    return "counted, in the types of the weights: a flat router is read whole, a tree along one way down, and the "
           "experts "
           "that a row reaches";
  }
  void evaluate(const LayerFacts &layer, Finding &finding) const override {
    finding.add("total", layer.total.bytes);
    finding.add("loaded", layer.active.bytes);
    if (layer.total.bytes > 0)
      finding.add("share", layer.active.bytes / layer.total.bytes);
    int64_t visited = 0;
    for (const RoutingFacts &routing : layer.routings)
      for (const RouterLevel &level : routing.levels)
        visited += level.visited;
    finding.add("scores_visited", visited);
  }
};

} // namespace

std::unique_ptr<Quantity> mlir::moe::createBytes() { return std::make_unique<Bytes>(); }
