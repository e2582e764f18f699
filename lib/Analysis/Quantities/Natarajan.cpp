// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Natarajan.cpp - bounds of the Natarajan dimension of a router ----------------------------------------------===//

#include "Quantities.h"
#include "moe/Analysis/Formulas/GeneralizationBound.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

struct Natarajan : Quantity {
  StringRef getName() const override { return "natarajan"; }
  Standing getStanding() const override { return Standing::Bound; }
  StringRef getSource() const override {
    return "Shalev-Shwartz and Ben-David (2014), Cor. 29.8 and Thm. 29.7; that the upper bound holds for k > 1 is "
           "derived here";
  }
  void evaluate(const LayerFacts &layer, Finding &finding) const override {
    if (layer.routings.size() != 1 || layer.routings[0].levels.size() != 1 || layer.routings[0].axis != Axis::Expert)
      return;
    const RouterLevel &level = layer.routings[0].levels[0];
    int64_t features = level.features;
    if (features == 0)
      return;
    ::moe::analysis::NatarajanBounds bounds =
        ::moe::analysis::natarajanOfLinearRouter(level.nodes, level.selected, features);
    finding.add("features", features);
    finding.add("lower", bounds.lower);
    finding.add("upper", bounds.upper);
  }
};

} // namespace

std::unique_ptr<Quantity> mlir::moe::createNatarajan() { return std::make_unique<Natarajan>(); }
