// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Pieces.cpp - ways through the experts of stacked routings --------------------------------------------------===//

#include "moe/Analysis/Formulas/Pieces.h"
#include "Quantities.h"

using namespace mlir;
using namespace mlir::moe;

/// Each level of a tree is a choice of its own among siblings; experts that pick rows give a row no way of its own.
static std::vector<::moe::analysis::RoutedLayer> choicesOf(const LayerFacts &layer) {
  std::vector<::moe::analysis::RoutedLayer> choices;
  for (const RoutingFacts &routing : layer.routings) {
    if (routing.axis != Axis::Expert)
      continue;
    int64_t parents = 1;
    for (const RouterLevel &level : routing.levels) {
      choices.insert(choices.end(), parents, {level.branching, std::min(level.selected, level.branching)});
      parents *= level.selected;
    }
  }
  return choices;
}

namespace {

struct Pieces : Quantity {
  StringRef getName() const override { return "pieces"; }
  Standing getStanding() const override { return Standing::Exact; }
  StringRef getSource() const override {
    return "counted: sets of experts that a row may take, E^L for L layers that select one of E; as pieces of a "
           "function "
           "Wang and E (NeurIPS 2025, arXiv 2505.24205), Thm. 5.2; naive is the sum of the experts, L E";
  }
  void evaluate(const LayerFacts &layer, Finding &finding) const override {
    std::vector<::moe::analysis::RoutedLayer> choices = choicesOf(layer);
    if (choices.empty())
      return;
    ::moe::analysis::LargeCount paths = ::moe::analysis::routingPaths(choices);
    // Groups of experts, of which some are left out whole, admit fewer sets.
    bool hasGroups = llvm::any_of(layer.routings, [](const RoutingFacts &routing) {
      return llvm::any_of(routing.levels, [](const RouterLevel &level) { return level.groups != 1; });
    });
    if (paths.exact)
      finding.add(hasGroups ? "paths_at_most" : "paths", llvm::json::Value(*paths.exact));
    finding.add("log2_paths", paths.log2);
    double naive = 0;
    for (const RoutingFacts &routing : layer.routings)
      naive += routing.axis == Axis::Expert ? double(routing.experts) : 0;
    finding.add("naive", naive);
    finding.add("layers", static_cast<int64_t>(layer.routings.size()));
  }
};

} // namespace

std::unique_ptr<Quantity> mlir::moe::createPieces() { return std::make_unique<Pieces>(); }
