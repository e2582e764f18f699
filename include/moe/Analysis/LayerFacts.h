// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- LayerFacts.h - what quantities are computed from: a layer of the model form, read once --------------===//

#ifndef MOE_ANALYSIS_LAYERFACTS_H
#define MOE_ANALYSIS_LAYERFACTS_H

#include "moe/Analysis/Assumptions.h"
#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <optional>
#include <string>
#include <vector>

namespace mlir::moe {

/// Numbers and bytes of parameters.
struct Storage {
  double parameters = 0;
  double bytes = 0;
  Storage &operator+=(const Storage &other) {
    parameters += other.parameters;
    bytes += other.bytes;
    return *this;
  }
  Storage operator*(double factor) const { return {parameters * factor, bytes * factor}; }
};

/// One selection of a routing: the only one of a flat router, or a level of a tree.
struct RouterLevel {
  Operation *op = nullptr; ///< moe.route, moe.route_within or moe.make_routing
  ScoreOpInterface score;  ///< what gave the logits; null where it is not found
  int64_t groups = 1;      ///< of nodes, in the selection
  int64_t features = 0;    ///< dimension of features in which nodes are ranked linearly; 0: not so, or not known
  int64_t nodes = 0;       ///< of this level: the experts, for the last
  int64_t branching = 0;   ///< nodes that one selection picks among
  int64_t selected = 0;    ///< nodes that it picks
  int64_t visited = 0;     ///< nodes whose score one row needs
  Storage nodeStorage;     ///< the score's weights for one node
  double nodeFlops = 0;    ///< of the products of one score
};

/// A moe.experts op under a routing.
struct ExpertsFacts {
  ExpertsOp op;
  int64_t experts = 0;
  Storage expertStorage; ///< the weights of one expert
  double rowFlops = 0;   ///< of the products that one row takes through one expert
  int64_t depth = 0;     ///< products on the longest way through the body
  int64_t neurons = 0;   ///< columns of the first product
};

/// A routing and what hangs on it.
struct RoutingFacts {
  Operation *op = nullptr; ///< the last selection, where warnings point to
  SmallVector<RouterLevel> levels;
  int64_t experts = 0;
  int64_t selected = 0; ///< experts of a row, or rows of an expert
  Axis axis = Axis::Expert;
  int64_t window = 0;
  int64_t capacity = 0;
  int64_t width = 0; ///< of the rows that are scored, or else dispatched
  SmallVector<ExpertsFacts> parts;

  /// Experts of a part that one row reaches (all, where experts pick rows).
  int64_t activeExperts(const ExpertsFacts &part) const {
    return axis == Axis::Row ? part.experts : std::min(selected, part.experts);
  }
};

/// A MoE block: a moe.layer, or a function with routings that no layer names.
struct LayerFacts {
  std::string name, kernel;
  std::optional<int64_t> block;
  Operation *op = nullptr; ///< the moe.layer or the function
  Assumptions assumptions;
  std::vector<RoutingFacts> routings;
  Storage total;         ///< all parameters
  Storage active;        ///< those that one row needs
  Storage dense;         ///< those that every row needs, outside routers and experts
  double denseFlops = 0; ///< of the products that every row takes outside routers and experts
};

/// Reads all layers of a module. Fails, with an error, where assumptions are malformed.
FailureOr<std::vector<LayerFacts>> readLayers(ModuleOp module);

/// FLOPs of one row in the products of a region or function body (two for a multiplication and an addition), the bodies
/// of moe.experts left out; elementwise operations are not counted.
double productFlops(Region &region);

/// Products on the longest way through a block.
int64_t productDepth(Block &block);

} // namespace mlir::moe

#endif // MOE_ANALYSIS_LAYERFACTS_H
