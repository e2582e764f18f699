// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- GroupTopK.cpp - emission of #moe.group_top_k -------------------------------------------------------===//
//
// Three steps: a score for each group, the best `keep` groups, the best k entries with those of other groups masked.
// In the score of a group a NaN counts as -inf, as it comes last in the order of entries.
//
//===------------------------------------------------------------------------------------------------------===//

#include "BestOf.h"
#include "Chunks.h"
#include "Emit.h"
#include "Kinds.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <limits>

using namespace mlir;
using namespace mlir::moe;

static constexpr double kLowest = -std::numeric_limits<double>::infinity();

namespace {

/// The two largest of some entries; of one value a lane, in lanes.
struct TopTwo {
  Value first, second;

  static TopTwo none(OpBuilder &b, Location loc, Type type) {
    Value lowest = emitFloat(b, loc, type, kLowest);
    return {lowest, lowest};
  }

  TopTwo merge(OpBuilder &b, Location loc, const TopTwo &other) const {
    Value smaller = arith::MinimumFOp::create(b, loc, first, other.first);
    Value rest = arith::MaximumFOp::create(b, loc, second, other.second);
    return {arith::MaximumFOp::create(b, loc, first, other.first), arith::MaximumFOp::create(b, loc, smaller, rest)};
  }

  TopTwo insert(OpBuilder &b, Location loc, Value x) const {
    Value lowest = emitFloat(b, loc, x.getType(), kLowest);
    Value isNan = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNO, x, x);
    return merge(b, loc, {arith::SelectOp::create(b, loc, isNan, lowest, x), lowest});
  }

  /// Of all lanes of a vector: halves are merged while there are halves.
  TopTwo ofLanes(OpBuilder &b, Location loc) const {
    int64_t lanes = cast<VectorType>(first.getType()).getDimSize(0);
    TopTwo all = *this;
    for (; lanes % 2 == 0; lanes /= 2) {
      auto half = [&](Value vector, int64_t offset) -> Value {
        return vector::ExtractStridedSliceOp::create(b, loc, vector, {offset}, {lanes / 2}, {1});
      };
      TopTwo low = {half(all.first, 0), half(all.second, 0)};
      all = low.merge(b, loc, {half(all.first, lanes / 2), half(all.second, lanes / 2)});
    }
    auto lane = [&](int64_t i) -> TopTwo {
      return {vector::ExtractOp::create(b, loc, all.first, i), vector::ExtractOp::create(b, loc, all.second, i)};
    };
    TopTwo best = lane(0);
    for (int64_t i = 1; i < lanes; ++i)
      best = best.merge(b, loc, lane(i));
    return best;
  }

  Value score(OpBuilder &b, Location loc, GroupReduce reduce) const {
    return reduce == GroupReduce::Max ? first : arith::AddFOp::create(b, loc, first, second);
  }
};

/// The score of the group of `size` experts from `base` on.
Value emitGroupScore(OpBuilder &b, Location loc, GroupTopKAttr select, int64_t size, Value base, RankAtFn rankAt) {
  TopTwo best = TopTwo::none(b, loc, b.getF32Type());
  auto take = [&](OpBuilder &b, Location loc, Value i, int64_t lanes, ValueRange carried) {
    Value x = rankAt(b, loc, arith::AddIOp::create(b, loc, base, i), lanes);
    TopTwo inLanes = TopTwo::none(b, loc, x.getType()).insert(b, loc, x);
    TopTwo next = inLanes.ofLanes(b, loc).merge(b, loc, {carried[0], carried[1]});
    return SmallVector<Value>{next.first, next.second};
  };
  SmallVector<Value> values = emitChunks(b, loc, size, {best.first, best.second}, take);
  return TopTwo{values[0], values[1]}.score(b, loc, select.getReduce());
}

/// Tells for each group whether it is among `chosen` (tensor<keepxi32>): tensor<groupsxi1>, written to `kept`.
Value emitKept(OpBuilder &b, Location loc, GroupTopKAttr select, Value chosen, Value kept) {
  auto fill = [&](int64_t count, bool value, bool chosenOnly) {
    kept = emitLoop(b, loc, count, kept, [&](OpBuilder &b, Location loc, Value i, ValueRange carried) {
      Value g = i;
      if (chosenOnly)
        g = arith::IndexCastOp::create(b, loc, b.getIndexType(), tensor::ExtractOp::create(b, loc, chosen, i));
      Value flag = arith::ConstantIntOp::create(b, loc, b.getI1Type(), value);
      return SmallVector<Value>{tensor::InsertOp::create(b, loc, flag, carried[0], g)};
    })[0];
  };
  fill(select.getGroups(), false, /*chosenOnly=*/false);
  fill(select.getKeep(), true, /*chosenOnly=*/true);
  return kept;
}

/// Rank values of group `g` as the last step sees them.
Value emitMasked(OpBuilder &b, Location loc, GroupTopKAttr select, Value kept, Value g, Value rank) {
  Value keep = tensor::ExtractOp::create(b, loc, kept, g);
  double mask = select.getMask() == GroupMask::Zero ? 0.0 : kLowest;
  return arith::SelectOp::create(b, loc, keep, rank, emitFloat(b, loc, rank.getType(), mask));
}

struct GroupTopKEmitter : SelectEmitter::ExternalModel<GroupTopKEmitter, GroupTopKAttr> {
  Value emitReference(Attribute attr, OpBuilder &b, Location loc, Value rank) const {
    auto select = cast<GroupTopKAttr>(attr);
    auto type = cast<RankedTensorType>(rank.getType());
    int64_t groups = select.getGroups(), size = type.getDimSize(0) / groups;
    Value scores = tensor::EmptyOp::create(b, loc, {groups}, b.getF32Type());
    scores = emitLoop(b, loc, groups, scores, [&](OpBuilder &b, Location loc, Value g, ValueRange carried) {
      Value base = arith::MulIOp::create(b, loc, g, emitIndex(b, loc, size));
      TopTwo none = TopTwo::none(b, loc, b.getF32Type());
      auto best =
          emitLoop(b, loc, size, {none.first, none.second}, [&](auto &b, Location loc, Value i, ValueRange best) {
            Value x = tensor::ExtractOp::create(b, loc, rank, Value(arith::AddIOp::create(b, loc, base, i)));
            TopTwo next = TopTwo{best[0], best[1]}.insert(b, loc, x);
            return SmallVector<Value>{next.first, next.second};
          });
      Value score = TopTwo{best[0], best[1]}.score(b, loc, select.getReduce());
      return SmallVector<Value>{tensor::InsertOp::create(b, loc, score, carried[0], g)};
    })[0];
    Value chosen = emitBestReference(b, loc, scores, select.getKeep());
    Value kept = emitKept(b, loc, select, chosen, tensor::EmptyOp::create(b, loc, {groups}, b.getI1Type()));
    Value masked = tensor::EmptyOp::create(b, loc, type.getShape(), b.getF32Type());
    masked = emitLoop(b, loc, type.getDimSize(0), masked, [&](OpBuilder &b, Location loc, Value e, ValueRange carried) {
      Value g = arith::DivUIOp::create(b, loc, e, emitIndex(b, loc, size));
      Value x = emitMasked(b, loc, select, kept, g, tensor::ExtractOp::create(b, loc, rank, e));
      return SmallVector<Value>{tensor::InsertOp::create(b, loc, x, carried[0], e)};
    })[0];
    return emitBestReference(b, loc, masked, select.getK());
  }

  // Keys of groups, chosen groups, whether a group is kept, keys of experts.
  SmallVector<RankedTensorType> getScratchTypes(Attribute attr, int64_t experts) const {
    auto select = cast<GroupTopKAttr>(attr);
    MLIRContext *context = attr.getContext();
    return {getKeysType(context, select.getGroups()),
            RankedTensorType::get({select.getKeep()}, IntegerType::get(context, 32)),
            RankedTensorType::get({select.getGroups()}, IntegerType::get(context, 1)), getKeysType(context, experts)};
  }

  Value emitSelection(Attribute attr, OpBuilder &b, Location loc, int64_t experts, RankAtFn rankAt, Value idsInit,
                      MutableArrayRef<Value> scratch) const {
    auto select = cast<GroupTopKAttr>(attr);
    int64_t groups = select.getGroups(), size = experts / groups;
    scratch[0] = emitLoop(b, loc, groups, scratch[0], [&](OpBuilder &b, Location loc, Value g, ValueRange carried) {
      Value base = arith::MulIOp::create(b, loc, g, emitIndex(b, loc, size));
      Value score = emitGroupScore(b, loc, select, size, base, rankAt);
      Value rank = emitBroadcast(b, loc, score, VectorType::get({1}, b.getF32Type()));
      return SmallVector<Value>{emitWriteKeys(b, loc, rank, carried[0], g)};
    })[0];
    scratch[1] = emitBest(b, loc, select.getKeep(), scratch[0], scratch[1]);
    scratch[2] = emitKept(b, loc, select, scratch[1], scratch[2]);
    scratch[3] = emitLoop(b, loc, groups, scratch[3], [&](OpBuilder &b, Location loc, Value g, ValueRange carried) {
      Value base = arith::MulIOp::create(b, loc, g, emitIndex(b, loc, size));
      auto chunk = [&](OpBuilder &b, Location loc, Value i, int64_t lanes, ValueRange carried) {
        Value e = arith::AddIOp::create(b, loc, base, i);
        Value rank = emitMasked(b, loc, select, scratch[2], g, rankAt(b, loc, e, lanes));
        return SmallVector<Value>{emitWriteKeys(b, loc, rank, carried[0], e)};
      };
      return emitChunks(b, loc, size, carried, chunk);
    })[0];
    return emitBest(b, loc, select.getK(), scratch[3], idsInit);
  }
};

} // namespace

void mlir::moe::attachGroupTopK(MLIRContext *context) { GroupTopKAttr::attachInterface<GroupTopKEmitter>(*context); }
