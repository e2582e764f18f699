// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- EmitRoute.h - from logits to expert ids and weights, as IR -----------------------------------------===//

#ifndef MOE_DIALECT_MOE_ROUTERS_EMITROUTE_H
#define MOE_DIALECT_MOE_ROUTERS_EMITROUTE_H

#include "moe/Dialect/MoE/Routers/Routers.h"

#include <optional>
#include <utility>

namespace mlir::moe {

/// What moe.route, moe.select and moe.router say about a routing.
struct RouteSpec {
  SelectAttrInterface select;
  Rank rank;
  ScoreFunctionAttrInterface weigh;
  Over over;
  RenormalizeAttr renormalize; ///< may be null
  std::optional<double> scale;

  template <typename OpTy>
  static RouteSpec of(OpTy op) {
    RouteSpec spec{op.getSelection(),       op.getRank(), op.getScoreFunction(), op.getOver(),
                   op.getRenormalizeAttr(), std::nullopt};
    if (op.getScale())
      spec.scale = op.getScale()->convertToDouble();
    return spec;
  }
};

/// Emits the routing of every row of `logits` (tensor<TxExf>), fast: no sort of E elements, vectors of 16 lanes, code
/// size independent of E. `bias` (tensor<Exf>, may be null) is added for the comparison only. Gives the new values of
/// `idsInit` (tensor<TxKxi32>, best first) and `weightsInit` (tensor<TxKxf>). T may be dynamic. Scratch tensors are
/// made once, at the insertion point. Scores are computed in f32. Fails, with an error at `loc`, for a selection that
/// has no emission.
FailureOr<std::pair<Value, Value>> emitRoute(OpBuilder &b, Location loc, const RouteSpec &spec, Value logits,
                                             Value bias, Value idsInit, Value weightsInit);

/// The same in the plainest way: scalar loops over all experts, each step on its own. What emitRoute is held against.
FailureOr<std::pair<Value, Value>> emitRouteReference(OpBuilder &b, Location loc, const RouteSpec &spec, Value logits,
                                                      Value bias, Value idsInit, Value weightsInit);

} // namespace mlir::moe

#endif // MOE_DIALECT_MOE_ROUTERS_EMITROUTE_H
