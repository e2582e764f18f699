// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- GroupTopK.cpp - emission of #moe.group_top_k -------------------------------------------------------===//
//
// Three steps: a score for each group, the best `keep` groups, the best k entries with those of other groups masked.
// In the score of a group a NaN counts as -inf, as it comes last in the order of entries.
//
//===------------------------------------------------------------------------------------------------------===//

#include "BestOf.h"
#include "Emit.h"
#include "Kinds.h"

#include <limits>

using namespace mlir;
using namespace mlir::moe;

namespace {

/// The largest entry of group `g`, or the sum of its two largest.
Value emitGroupScore(OpBuilder &b, Location loc, GroupTopKAttr select, int64_t size, Value g, RankAtFn rankAt) {
  Value lowest = emitFloat(b, loc, b.getF32Type(), -std::numeric_limits<double>::infinity());
  Value base = arith::MulIOp::create(b, loc, g, emitIndex(b, loc, size));
  auto best = emitLoop(b, loc, size, {lowest, lowest}, [&](OpBuilder &b, Location loc, Value i, ValueRange best) {
    Value x = rankAt(b, loc, arith::AddIOp::create(b, loc, base, i));
    Value isNan = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNO, x, x);
    Value entry = arith::SelectOp::create(b, loc, isNan, lowest, x);
    Value smaller = arith::MinimumFOp::create(b, loc, best[0], entry);
    return SmallVector<Value>{arith::MaximumFOp::create(b, loc, best[0], entry),
                              arith::MaximumFOp::create(b, loc, best[1], smaller)};
  });
  if (select.getReduce() == GroupReduce::Max)
    return best[0];
  return arith::AddFOp::create(b, loc, best[0], best[1]);
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

/// An entry as the last step sees it.
Value emitMasked(OpBuilder &b, Location loc, GroupTopKAttr select, int64_t size, Value kept, Value e, Value x) {
  Value g = arith::DivUIOp::create(b, loc, e, emitIndex(b, loc, size));
  Value keep = tensor::ExtractOp::create(b, loc, kept, g);
  double mask = select.getMask() == GroupMask::Zero ? 0.0 : -std::numeric_limits<double>::infinity();
  return arith::SelectOp::create(b, loc, keep, x, emitFloat(b, loc, b.getF32Type(), mask));
}

struct GroupTopKEmitter : SelectEmitter::ExternalModel<GroupTopKEmitter, GroupTopKAttr> {
  LogicalResult verifyEmittable(Attribute, Location) const { return success(); }

  Value emitReference(Attribute attr, OpBuilder &b, Location loc, Value rank) const {
    auto select = cast<GroupTopKAttr>(attr);
    auto type = cast<RankedTensorType>(rank.getType());
    int64_t groups = select.getGroups(), size = type.getDimSize(0) / groups;
    auto rankAt = [&](OpBuilder &b, Location loc, Value e) -> Value {
      return tensor::ExtractOp::create(b, loc, rank, e);
    };
    Value scores = tensor::EmptyOp::create(b, loc, {groups}, b.getF32Type());
    scores = emitLoop(b, loc, groups, scores, [&](OpBuilder &b, Location loc, Value g, ValueRange carried) {
      Value score = emitGroupScore(b, loc, select, size, g, rankAt);
      return SmallVector<Value>{tensor::InsertOp::create(b, loc, score, carried[0], g)};
    })[0];
    Value chosen = emitBestReference(b, loc, scores, select.getKeep());
    Value kept = emitKept(b, loc, select, chosen, tensor::EmptyOp::create(b, loc, {groups}, b.getI1Type()));
    Value masked = tensor::EmptyOp::create(b, loc, type.getShape(), b.getF32Type());
    masked = emitLoop(b, loc, type.getDimSize(0), masked, [&](OpBuilder &b, Location loc, Value e, ValueRange carried) {
      Value x = emitMasked(b, loc, select, size, kept, e, rankAt(b, loc, e));
      return SmallVector<Value>{tensor::InsertOp::create(b, loc, x, carried[0], e)};
    })[0];
    return emitBestReference(b, loc, masked, select.getK());
  }

  // Chosen groups, whether a group is kept, then what the two searches need.
  SmallVector<RankedTensorType> getScratchTypes(Attribute attr, int64_t) const {
    auto select = cast<GroupTopKAttr>(attr);
    MLIRContext *context = attr.getContext();
    SmallVector<RankedTensorType> types{
        RankedTensorType::get({select.getKeep()}, IntegerType::get(context, 32)),
        RankedTensorType::get({select.getGroups()}, IntegerType::get(context, 1)),
    };
    llvm::append_range(types, getBestScratchTypes(context, select.getKeep()));
    llvm::append_range(types, getBestScratchTypes(context, select.getK()));
    return types;
  }

  Value emitSelection(Attribute attr, OpBuilder &b, Location loc, int64_t experts, RankAtFn rankAt, Value idsInit,
                      MutableArrayRef<Value> scratch) const {
    auto select = cast<GroupTopKAttr>(attr);
    int64_t size = experts / select.getGroups();
    size_t searching = getBestScratchTypes(attr.getContext(), select.getKeep()).size();
    auto groupRank = [&](OpBuilder &b, Location loc, Value g) {
      return emitGroupScore(b, loc, select, size, g, rankAt);
    };
    scratch[0] =
        emitBest(b, loc, select.getGroups(), select.getKeep(), groupRank, scratch[0], scratch.slice(2, searching));
    scratch[1] = emitKept(b, loc, select, scratch[0], scratch[1]);
    auto maskedRank = [&](OpBuilder &b, Location loc, Value e) {
      return emitMasked(b, loc, select, size, scratch[1], e, rankAt(b, loc, e));
    };
    return emitBest(b, loc, experts, select.getK(), maskedRank, idsInit, scratch.drop_front(2 + searching));
  }
};

} // namespace

void mlir::moe::attachGroupTopK(MLIRContext *context) { GroupTopKAttr::attachInterface<GroupTopKEmitter>(*context); }
