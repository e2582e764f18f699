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

  /// Of a further level, which compares logits and leaves weights as they are.
  template <typename OpTy>
  static RouteSpec ofLevel(OpTy op) {
    return {op.getSelection(), Rank::Logits, op.getScoreFunction(), op.getOver(), RenormalizeAttr(), std::nullopt};
  }
};

/// New values of the ids and weights of a routing.
using EmittedRoute = std::pair<Value, Value>;

/// Emits the routing of every row of `logits` (tensor<TxExf>), fast: no sort of E elements, vectors of 16 lanes, code
/// size independent of E. `bias` (tensor<Exf>, may be null) is added for the comparison only. Gives the new values of
/// `idsInit` (tensor<TxKxi32>, best first) and `weightsInit` (tensor<TxKxf>). T may be dynamic. Scratch tensors are
/// made once, at the insertion point. Scores are computed in f32. The selection picks experts; its capacity is not
/// looked at, see emitCapacity.
EmittedRoute emitRoute(OpBuilder &b, Location loc, const RouteSpec &spec, Value logits, Value bias, Value idsInit,
                       Value weightsInit);

/// The same in the plainest way: scalar loops over all experts, each step on its own. What emitRoute is held against.
EmittedRoute emitRouteReference(OpBuilder &b, Location loc, const RouteSpec &spec, Value logits, Value bias,
                                Value idsInit, Value weightsInit);

/// Drops slots beyond an expert's capacity: of ids (tensor<TxKxi32>) of all rows, in row order. Gives the new ids; the
/// old ones when the selection has no capacity.
Value emitCapacity(OpBuilder &b, Location loc, SelectAttrInterface select, int64_t experts, Value ids);

/// Emits a further level: the routing of each row among the children of the `nodes` that the parent selected, by
/// `emit`, one of the two above.
EmittedRoute emitRouteWithin(OpBuilder &b, Location loc, const RouteSpec &spec, int64_t nodes, EmittedRoute parent,
                             Value logits, Value idsInit, Value weightsInit,
                             llvm::function_ref<decltype(emitRoute)> emit);

/// A selection that picks rows: what it needs beyond the logits.
struct RowChoice {
  const RouteSpec &spec;
  Value logits;  ///< tensor<TxExf>
  Value bias;    ///< tensor<Exf>, may be null
  Value scores;  ///< tensor<TxExf32>, null unless needsScores
  Value windows; ///< how many there are

  /// The number of windows of T rows.
  static Value countWindows(OpBuilder &b, Location loc, SelectAttrInterface select, Value rows);

  /// Whether anything but the logits of the selected rows is needed: then all scores are computed before.
  static bool needsScores(const RouteSpec &spec) { return spec.over != Over::Selected; }

  /// Emits the scores of every row of `logits` into `init`, both of the same rows.
  static Value emitScores(OpBuilder &b, Location loc, const RouteSpec &spec, Value logits, Value init);

  /// Emits rows `first ..` of ids and weights (tensor<Rxkxi32>, tensor<Rxkxf>), as many as `idsInit` has: row
  /// `e * windows + w` is what expert e picks in window w.
  EmittedRoute emit(OpBuilder &b, Location loc, Value first, Value idsInit, Value weightsInit) const;
};

} // namespace mlir::moe

#endif // MOE_DIALECT_MOE_ROUTERS_EMITROUTE_H
