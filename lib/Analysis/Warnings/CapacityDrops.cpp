// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- CapacityDrops.cpp - rows that a capacity drops -------------------------------------------------------------===//

#include "Warnings.h"
#include "moe/Analysis/Formulas/Load.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

struct CapacityDrops : Check {
  StringRef getName() const override { return "capacity_drops"; }
  void check(const LayerFacts &layer, function_ref<void(Operation *, std::string)> warn) const override {
    for (const RoutingFacts &routing : layer.routings) {
      if (routing.capacity == 0 || routing.axis != Axis::Expert)
        continue;
      std::optional<int64_t> rows = layer.assumptions.count("rows");
      if (!rows) {
        warn(routing.op,
             llvm::formatv("experts take {0} rows each at most: batches of more than {0} rows may lose some",
                           routing.capacity));
        continue;
      }
      ::moe::analysis::LoadBounds bounds =
          ::moe::analysis::loadBounds({*rows, routing.experts, routing.selected, routing.capacity});
      if (bounds.mostDropped > 0)
        warn(routing.op,
             llvm::formatv("of {0} slots of {1} rows at least {2} and up to {3} are dropped: experts take {4} "
                           "rows each at most",
                           *rows * routing.selected, *rows, bounds.leastDropped, bounds.mostDropped, routing.capacity));
    }
  }
};

} // namespace

std::unique_ptr<Check> mlir::moe::createCapacityDrops() { return std::make_unique<CapacityDrops>(); }
