// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- EmitRoute.cpp - the routing of rows, fast ----------------------------------------------------------===//
//
// One loop over rows. What a row needs beyond its ids and weights lives in scratch tensors that the loop carries, so
// that bufferisation makes each of them once. Scores of all experts are computed only where something reads them.
//
//===------------------------------------------------------------------------------------------------------===//

#include "moe/Dialect/MoE/Routers/EmitRoute.h"
#include "Chunks.h"
#include "Emit.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

class RowEmitter {
public:
  RowEmitter(const RouteSpec &spec, Value logits, Value bias)
      : spec(spec), logits(logits), bias(bias), score(cast<ScoreFunctionEmitter>(Attribute(spec.weigh))),
        select(cast<SelectEmitter>(Attribute(spec.select))),
        experts(cast<RankedTensorType>(logits.getType()).getDimSize(1)), count(spec.select.getCount(experts)) {}

  /// Ids, weights, then scratch: chosen values, scores of all experts if needed, what the selection asks for.
  SmallVector<Value> emitInits(OpBuilder &b, Location loc, Value ids, Value weights) {
    SmallVector<Value> inits{ids, weights, tensor::EmptyOp::create(b, loc, {count}, b.getF32Type())};
    if (needsAllScores())
      inits.push_back(tensor::EmptyOp::create(b, loc, {experts}, b.getF32Type()));
    for (RankedTensorType type : select.getScratchTypes(experts))
      inits.push_back(tensor::EmptyOp::create(b, loc, type.getShape(), type.getElementType()));
    return inits;
  }

  SmallVector<Value> emitRow(OpBuilder &b, Location loc, Value t, ValueRange carried) {
    SmallVector<Value> next(carried);
    SmallVector<Value> stats;
    if (spec.over == Over::All)
      stats = rowStatistics(b, loc, t, emitIndex(b, loc, 0), experts);
    if (needsAllScores())
      next[3] = emitAllScores(b, loc, t, stats, next[3]);
    MutableArrayRef<Value> scratch = MutableArrayRef<Value>(next).drop_front(needsAllScores() ? 4 : 3);

    // Ids, in place in the row of the result.
    auto one = b.getIndexAttr(1);
    SmallVector<OpFoldResult> offsets{t, b.getIndexAttr(0)}, sizes{one, b.getIndexAttr(count)}, strides{one, one};
    auto idsType = RankedTensorType::get({count}, b.getI32Type());
    Value ids = tensor::ExtractSliceOp::create(b, loc, idsType, next[0], offsets, sizes, strides);
    auto rankAt = [&](OpBuilder &b, Location loc, Value e, int64_t lanes) {
      return emitRank(b, loc, t, e, lanes, next);
    };
    ids = select.emitSelection(b, loc, experts, rankAt, ids, scratch);

    // The chosen scores, or logits where scores are still to come.
    next[2] = emitLoop(b, loc, count, next[2], [&](OpBuilder &b, Location loc, Value i, ValueRange chosen) {
      Value id = tensor::ExtractOp::create(b, loc, ids, i);
      Value e = arith::IndexCastOp::create(b, loc, b.getIndexType(), id);
      Value value = needsAllScores() ? Value(tensor::ExtractOp::create(b, loc, next[3], e)) : emitLogit(b, loc, t, e);
      return SmallVector<Value>{tensor::InsertOp::create(b, loc, value, chosen[0], i)};
    })[0];
    next[0] = tensor::InsertSliceOp::create(b, loc, ids, next[0], offsets, sizes, strides);
    emitWeights(b, loc, t, stats, next);
    return next;
  }

private:
  /// A normalised score can be compared or looked up only once its set is known; that of a group is different for
  /// every expert, so these are tabulated, too.
  bool needsAllScores() const { return spec.rank == Rank::Scores || spec.over == Over::Group; }

  Value emitLogit(OpBuilder &b, Location loc, Value t, Value e) {
    return emitToF32(b, loc, tensor::ExtractOp::create(b, loc, logits, ValueRange{t, e}));
  }

  Value emitRank(OpBuilder &b, Location loc, Value t, Value e, int64_t lanes, ArrayRef<Value> values) {
    Value rank = spec.rank == Rank::Scores ? emitReadF32(b, loc, values[3], e, lanes)
                                           : emitReadF32(b, loc, logits, ValueRange{t, e}, lanes);
    return bias ? arith::AddFOp::create(b, loc, rank, emitReadF32(b, loc, bias, e, lanes)) : rank;
  }

  /// Statistics of the logits `base .. base + n - 1` of row t.
  SmallVector<Value> rowStatistics(OpBuilder &b, Location loc, Value t, Value base, int64_t n) {
    auto read = [&](OpBuilder &b, Location loc, Value i, int64_t lanes) {
      return emitReadF32(b, loc, logits, ValueRange{t, arith::AddIOp::create(b, loc, base, i)}, lanes);
    };
    return score.emitStatistics(
        b, loc, [&](arith::AtomicRMWKind kind, MapFn map) { return emitFold(b, loc, n, kind, read, map); });
  }

  /// Scores of the logits `base .. base + n - 1` of row t, written to `scores`.
  Value emitScores(OpBuilder &b, Location loc, Value t, Value base, int64_t n, ValueRange stats, Value scores) {
    auto chunk = [&](OpBuilder &b, Location loc, Value i, int64_t lanes, ValueRange carried) {
      Value index = arith::AddIOp::create(b, loc, base, i);
      Value values = score.emitScore(b, loc, emitReadF32(b, loc, logits, ValueRange{t, index}, lanes), stats);
      return SmallVector<Value>{emitWriteF32(b, loc, values, carried[0], index)};
    };
    return emitChunks(b, loc, n, scores, chunk)[0];
  }

  Value emitAllScores(OpBuilder &b, Location loc, Value t, ValueRange stats, Value scores) {
    if (spec.over != Over::Group)
      return emitScores(b, loc, t, emitIndex(b, loc, 0), experts, stats, scores);
    int64_t groups = spec.select.getNumGroups(), size = experts / groups;
    return emitLoop(b, loc, groups, scores, [&](OpBuilder &b, Location loc, Value g, ValueRange carried) {
      Value base = arith::MulIOp::create(b, loc, g, emitIndex(b, loc, size));
      SmallVector<Value> stats = rowStatistics(b, loc, t, base, size);
      return SmallVector<Value>{emitScores(b, loc, t, base, size, stats, carried[0])};
    })[0];
  }

  /// From the chosen values in values[2] to finished weights in row t of values[1].
  void emitWeights(OpBuilder &b, Location loc, Value t, SmallVector<Value> stats, MutableArrayRef<Value> values) {
    auto readChosen = [&](OpBuilder &b, Location loc, Value i, int64_t lanes) {
      return emitReadF32(b, loc, values[2], i, lanes);
    };
    auto fold = [&](arith::AtomicRMWKind kind, MapFn map) { return emitFold(b, loc, count, kind, readChosen, map); };
    if (!needsAllScores()) {
      if (spec.over == Over::Selected)
        stats = score.emitStatistics(b, loc, fold);
      auto toScores = [&](OpBuilder &b, Location loc, Value i, int64_t lanes, ValueRange carried) {
        Value scores = score.emitScore(b, loc, emitReadF32(b, loc, carried[0], i, lanes), stats);
        return SmallVector<Value>{emitWriteF32(b, loc, scores, carried[0], i)};
      };
      values[2] = emitChunks(b, loc, count, values[2], toScores)[0];
    }
    WeightFinish finish = WeightFinish::get(b, loc, spec.renormalize, spec.scale, fold);
    auto store = [&](OpBuilder &b, Location loc, Value i, int64_t lanes, ValueRange carried) {
      Value weights = finish.apply(b, loc, readChosen(b, loc, i, lanes));
      return SmallVector<Value>{emitWriteF32(b, loc, weights, carried[0], ValueRange{t, i})};
    };
    values[1] = emitChunks(b, loc, count, values[1], store)[0];
  }

  const RouteSpec &spec;
  Value logits, bias;
  ScoreFunctionEmitter score;
  SelectEmitter select;
  int64_t experts, count;
};

} // namespace

EmittedRoute mlir::moe::emitRoute(OpBuilder &b, Location loc, const RouteSpec &spec, Value logits, Value bias,
                                  Value idsInit, Value weightsInit) {
  RowEmitter row(spec, logits, bias);
  Value rows = tensor::DimOp::create(b, loc, logits, 0);
  SmallVector<Value> inits = row.emitInits(b, loc, idsInit, weightsInit);
  auto results = emitLoop(b, loc, rows, inits, [&](OpBuilder &b, Location loc, Value t, ValueRange carried) {
    return row.emitRow(b, loc, t, carried);
  });
  return {results[0], results[1]};
}
