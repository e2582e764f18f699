// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- EmitRouteRows.cpp - experts that pick rows ------------------------------------------------------------===//
//
// Each expert takes k passes over the rows of a window: keys (see BestOf.cpp) are distinct, so the next best is the
// largest key below the last one. What is picked comes first in the k slots, so that loops over it simply end earlier
// where a window has fewer than k rows.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "BestOf.h"
#include "Emit.h"
#include "moe/Dialect/MoE/Routers/EmitRoute.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::moe;

Value RowChoice::countWindows(OpBuilder &b, Location loc, SelectAttrInterface select, Value rows) {
  if (select.getWindow() == 0)
    return emitIndex(b, loc, 1);
  return arith::CeilDivUIOp::create(b, loc, rows, emitIndex(b, loc, select.getWindow()));
}

Value RowChoice::emitScores(OpBuilder &b, Location loc, const RouteSpec &spec, Value logits, Value init) {
  auto emitter = cast<ScoreFunctionEmitter>(Attribute(spec.weigh));
  int64_t experts = cast<RankedTensorType>(logits.getType()).getDimSize(1);
  Value rows = tensor::DimOp::create(b, loc, logits, 0);
  return emitLoop(b, loc, rows, init, [&](OpBuilder &b, Location loc, Value t, ValueRange out) {
    auto logit = [&](OpBuilder &b, Location loc, Value e) {
      return emitToF32(b, loc, tensor::ExtractOp::create(b, loc, logits, ValueRange{t, e}));
    };
    SmallVector<Value> stats;
    if (spec.over == Over::All)
      stats = emitter.emitStatistics(b, loc, [&](arith::AtomicRMWKind kind, MapFn map) {
        Value identity = arith::getIdentityValue(kind, b.getF32Type(), b, loc);
        return emitLoop(b, loc, experts, identity, [&](OpBuilder &b, Location loc, Value e, ValueRange sofar) {
          Value value = map(b, loc, logit(b, loc, e));
          return SmallVector<Value>{arith::getReductionOp(kind, b, loc, sofar[0], value)};
        })[0];
      });
    return emitLoop(b, loc, experts, out, [&](OpBuilder &b, Location loc, Value e, ValueRange out) {
      Value score = emitter.emitScore(b, loc, logit(b, loc, e), stats);
      return SmallVector<Value>{tensor::InsertOp::create(b, loc, score, out[0], ValueRange{t, e})};
    });
  })[0];
}

namespace {

/// One expert in one window.
class WindowEmitter {
public:
  WindowEmitter(const RowChoice &choice, Value expert, Value begin, Value end)
      : choice(choice), expert(expert), begin(begin), end(end), count(choice.spec.select.getCount(0)) {}

  /// Writes row `r` of ids and weights.
  SmallVector<Value> emit(OpBuilder &b, Location loc, Value r, Value ids, Value weights) {
    const RouteSpec &spec = choice.spec;
    Value found = arith::MinUIOp::create(b, loc, arith::SubIOp::create(b, loc, end, begin), emitIndex(b, loc, count));
    // Picked rows, then what they are weighed by.
    Value last = arith::ConstantIntOp::create(b, loc, b.getI64Type(), INT64_MAX);
    Value values = tensor::EmptyOp::create(b, loc, {count}, b.getF32Type());
    auto picked =
        emitLoop(b, loc, found, {ids, values, last}, [&](OpBuilder &b, Location loc, Value j, ValueRange out) {
          Value key = nextBest(b, loc, out[2]), id = emitIndexOfKey(b, loc, key);
          Value t = arith::IndexCastOp::create(b, loc, b.getIndexType(), id);
          Value value = at(b, loc, choice.scores ? choice.scores : choice.logits, t);
          return SmallVector<Value>{tensor::InsertOp::create(b, loc, id, out[0], ValueRange{r, j}),
                                    tensor::InsertOp::create(b, loc, value, out[1], j), key};
        });
    ids = picked[0], values = picked[1];
    auto fold = [&](arith::AtomicRMWKind kind, MapFn map) {
      Value identity = arith::getIdentityValue(kind, b.getF32Type(), b, loc);
      return emitLoop(b, loc, found, identity, [&](OpBuilder &b, Location loc, Value j, ValueRange sofar) {
        Value value = map(b, loc, tensor::ExtractOp::create(b, loc, values, j));
        return SmallVector<Value>{arith::getReductionOp(kind, b, loc, sofar[0], value)};
      })[0];
    };
    if (!choice.scores) {
      auto emitter = cast<ScoreFunctionEmitter>(Attribute(spec.weigh));
      SmallVector<Value> stats = emitter.emitStatistics(b, loc, fold);
      values = emitLoop(b, loc, found, values, [&](OpBuilder &b, Location loc, Value j, ValueRange out) {
        Value score = emitter.emitScore(b, loc, tensor::ExtractOp::create(b, loc, out[0], j), stats);
        return SmallVector<Value>{tensor::InsertOp::create(b, loc, score, out[0], j)};
      })[0];
    }
    WeightFinish finish = WeightFinish::get(b, loc, spec.renormalize, spec.scale, fold);
    weights = emitLoop(b, loc, found, weights, [&](OpBuilder &b, Location loc, Value j, ValueRange out) {
      Value weight = finish.apply(b, loc, tensor::ExtractOp::create(b, loc, values, j));
      return SmallVector<Value>{insertWeight(b, loc, weight, out[0], r, j)};
    })[0];
    return emitEmptySlots(b, loc, r, found, ids, weights);
  }

private:
  Value at(OpBuilder &b, Location loc, Value table, Value t) {
    return emitToF32(b, loc, tensor::ExtractOp::create(b, loc, table, ValueRange{t, expert}));
  }

  static Value insertWeight(OpBuilder &b, Location loc, Value weight, Value weights, Value r, Value j) {
    Type type = cast<RankedTensorType>(weights.getType()).getElementType();
    return tensor::InsertOp::create(b, loc, emitFromF32(b, loc, weight, type), weights, ValueRange{r, j});
  }

  /// The largest key below `last` of the window's rows.
  Value nextBest(OpBuilder &b, Location loc, Value last) {
    Value lowest = arith::ConstantIntOp::create(b, loc, b.getI64Type(), INT64_MIN);
    Value size = arith::SubIOp::create(b, loc, end, begin);
    return emitLoop(b, loc, size, lowest, [&](OpBuilder &b, Location loc, Value i, ValueRange best) {
      Value t = arith::AddIOp::create(b, loc, begin, i);
      Value rank = at(b, loc, choice.spec.rank == Rank::Scores ? choice.scores : choice.logits, t);
      if (choice.bias)
        rank = arith::AddFOp::create(b, loc, rank,
                                     emitToF32(b, loc, tensor::ExtractOp::create(b, loc, choice.bias, expert)));
      Value one = vector::BroadcastOp::create(b, loc, VectorType::get({1}, b.getF32Type()), rank);
      Value key = vector::ExtractOp::create(b, loc, emitKeys(b, loc, one, t), int64_t(0));
      Value isBelow = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, key, last);
      Value candidate = arith::SelectOp::create(b, loc, isBelow, key, lowest);
      return SmallVector<Value>{arith::MaxSIOp::create(b, loc, best[0], candidate)};
    })[0];
  }

  SmallVector<Value> emitEmptySlots(OpBuilder &b, Location loc, Value r, Value found, Value ids, Value weights) {
    Value left = arith::SubIOp::create(b, loc, emitIndex(b, loc, count), found);
    return emitLoop(b, loc, left, {ids, weights}, [&](OpBuilder &b, Location loc, Value i, ValueRange out) {
      Value j = arith::AddIOp::create(b, loc, found, i);
      Value nowhere = arith::ConstantIntOp::create(b, loc, b.getI32Type(), -1);
      return SmallVector<Value>{tensor::InsertOp::create(b, loc, nowhere, out[0], ValueRange{r, j}),
                                insertWeight(b, loc, emitFloat(b, loc, b.getF32Type(), 0.0), out[1], r, j)};
    });
  }

  const RowChoice &choice;
  Value expert, begin, end; ///< the window is rows begin .. end - 1
  int64_t count;
};

} // namespace

EmittedRoute RowChoice::emit(OpBuilder &b, Location loc, Value first, Value idsInit, Value weightsInit) const {
  Value total = tensor::DimOp::create(b, loc, logits, 0), rows = tensor::DimOp::create(b, loc, idsInit, 0);
  auto results =
      emitLoop(b, loc, rows, {idsInit, weightsInit}, [&](OpBuilder &b, Location loc, Value i, ValueRange out) {
        Value r = arith::AddIOp::create(b, loc, first, i), begin = emitIndex(b, loc, 0), end = total;
        Value expert = arith::DivUIOp::create(b, loc, r, windows);
        if (int64_t window = spec.select.getWindow()) {
          Value size = emitIndex(b, loc, window);
          begin = arith::MulIOp::create(b, loc, arith::RemUIOp::create(b, loc, r, windows), size);
          end = arith::MinUIOp::create(b, loc, arith::AddIOp::create(b, loc, begin, size), total);
        }
        return WindowEmitter(*this, expert, begin, end).emit(b, loc, i, out[0], out[1]);
      });
  return {results[0], results[1]};
}
