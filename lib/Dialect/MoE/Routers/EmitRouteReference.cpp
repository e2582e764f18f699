// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- EmitRouteReference.cpp - the routing of rows in scalar loops, one step after the other -------------===//

#include "Emit.h"
#include "moe/Dialect/MoE/Routers/EmitRoute.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

/// The steps of one row. Each makes a whole tensor from the one before.
class RowReference {
public:
  RowReference(OpBuilder &b, Location loc, const RouteSpec &spec, int64_t experts)
      : b(b), loc(loc), spec(spec), emitter(cast<ScoreFunctionEmitter>(Attribute(spec.weigh))), experts(experts) {}

  /// tensor<nxf32> of `at(i)`.
  Value tabulate(int64_t n, llvm::function_ref<Value(OpBuilder &, Location, Value i)> at) {
    Value init = tensor::EmptyOp::create(b, loc, {n}, b.getF32Type());
    return emitLoop(b, loc, n, init, [&](OpBuilder &b, Location loc, Value i, ValueRange carried) {
      return SmallVector<Value>{tensor::InsertOp::create(b, loc, at(b, loc, i), carried[0], i)};
    })[0];
  }

  /// Statistics of the elements `base .. base + n - 1` of `logits`.
  SmallVector<Value> statistics(OpBuilder &b, Location loc, Value logits, Value base, int64_t n) {
    return emitter.emitStatistics(b, loc, [&](arith::AtomicRMWKind kind, MapFn map) {
      Value identity = arith::getIdentityValue(kind, b.getF32Type(), b, loc);
      return emitLoop(b, loc, n, identity, [&](OpBuilder &b, Location loc, Value i, ValueRange carried) {
        Value index = arith::AddIOp::create(b, loc, base, i);
        Value logit = tensor::ExtractOp::create(b, loc, logits, index);
        return SmallVector<Value>{arith::getReductionOp(kind, b, loc, carried[0], map(b, loc, logit))};
      })[0];
    });
  }

  /// Scores of `n` logits; a normalising function takes each `setSize` consecutive ones as a set.
  Value scores(Value logits, int64_t n, int64_t setSize) {
    SmallVector<Value> stats;
    if (setSize == n)
      stats = statistics(b, loc, logits, emitIndex(b, loc, 0), n);
    return tabulate(n, [&](OpBuilder &b, Location loc, Value i) {
      if (setSize != n) {
        Value size = emitIndex(b, loc, setSize);
        Value base = arith::MulIOp::create(b, loc, arith::DivUIOp::create(b, loc, i, size), size);
        stats = statistics(b, loc, logits, base, setSize);
      }
      return emitter.emitScore(b, loc, tensor::ExtractOp::create(b, loc, logits, i), stats);
    });
  }

  Value at(OpBuilder &b, Location loc, Value table, Value ids, Value i) {
    Value id = tensor::ExtractOp::create(b, loc, ids, i);
    return tensor::ExtractOp::create(b, loc, table, Value(arith::IndexCastOp::create(b, loc, b.getIndexType(), id)));
  }

  /// Ids (tensor<Kxi32>) and finished weights (tensor<Kxf32>) from logits (tensor<Exf32>).
  std::pair<Value, Value> route(Value logits, Value bias) {
    int64_t count = spec.select.getCount(experts);
    bool overSelected = spec.over == Over::Selected;
    int64_t setSize = spec.over == Over::Group ? experts / spec.select.getNumGroups() : experts;
    Value table = overSelected ? logits : scores(logits, experts, setSize);
    Value compared = spec.rank == Rank::Scores ? table : logits;
    if (bias)
      compared = tabulate(experts, [&](OpBuilder &b, Location loc, Value e) -> Value {
        Value shift = emitToF32(b, loc, tensor::ExtractOp::create(b, loc, bias, e));
        return arith::AddFOp::create(b, loc, tensor::ExtractOp::create(b, loc, compared, e), shift);
      });
    Value ids = cast<SelectEmitter>(Attribute(spec.select)).emitReference(b, loc, compared);
    Value chosen = tabulate(count, [&](OpBuilder &b, Location loc, Value i) { return at(b, loc, table, ids, i); });
    if (overSelected)
      chosen = scores(chosen, count, count);

    WeightFinish finish = WeightFinish::get(b, loc, spec.renormalize, spec.scale, [&](auto kind, MapFn map) {
      Value identity = arith::getIdentityValue(kind, b.getF32Type(), b, loc);
      return emitLoop(b, loc, count, identity, [&](OpBuilder &b, Location loc, Value i, ValueRange carried) {
        Value weight = tensor::ExtractOp::create(b, loc, chosen, i);
        return SmallVector<Value>{arith::getReductionOp(kind, b, loc, carried[0], map(b, loc, weight))};
      })[0];
    });
    Value weights = tabulate(count, [&](OpBuilder &b, Location loc, Value i) {
      return finish.apply(b, loc, tensor::ExtractOp::create(b, loc, chosen, i));
    });
    return {ids, weights};
  }

private:
  OpBuilder &b;
  Location loc;
  const RouteSpec &spec;
  ScoreFunctionEmitter emitter;
  int64_t experts;
};

} // namespace

EmittedRoute mlir::moe::emitRouteReference(OpBuilder &b, Location loc, const RouteSpec &spec, Value logits, Value bias,
                                           Value idsInit, Value weightsInit) {
  int64_t experts = cast<RankedTensorType>(logits.getType()).getDimSize(1);
  int64_t count = spec.select.getCount(experts);
  Type weightType = cast<RankedTensorType>(weightsInit.getType()).getElementType();

  Value rows = tensor::DimOp::create(b, loc, logits, 0);
  auto results =
      emitLoop(b, loc, rows, {idsInit, weightsInit}, [&](OpBuilder &b, Location loc, Value t, ValueRange out) {
        RowReference row(b, loc, spec, experts);
        Value rowLogits = row.tabulate(experts, [&](OpBuilder &b, Location loc, Value e) {
          return emitToF32(b, loc, tensor::ExtractOp::create(b, loc, logits, ValueRange{t, e}));
        });
        auto [ids, weights] = row.route(rowLogits, bias);
        Value rowIds = ids, rowWeights = weights;
        return emitLoop(b, loc, count, out, [&](OpBuilder &b, Location loc, Value i, ValueRange out) {
          Value id = tensor::ExtractOp::create(b, loc, rowIds, i);
          Value weight = emitFromF32(b, loc, tensor::ExtractOp::create(b, loc, rowWeights, i), weightType);
          return SmallVector<Value>{tensor::InsertOp::create(b, loc, id, out[0], ValueRange{t, i}),
                                    tensor::InsertOp::create(b, loc, weight, out[1], ValueRange{t, i})};
        });
      });
  return {results[0], results[1]};
}
