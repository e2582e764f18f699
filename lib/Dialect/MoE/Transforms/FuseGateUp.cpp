// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- FuseGateUp.cpp - one product for several matrices of the same rows ---------------------------------===//

#include "Remarks.h"
#include "moe/Dialect/MoE/IR/MoE.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"

#include "mlir/IR/Dominance.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::moe {
#define GEN_PASS_DEF_FUSEGATEUP
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

namespace {

struct FuseGateUp : moe::impl::FuseGateUpBase<FuseGateUp> {
  void runOnOperation() override {
    getOperation()->walk([&](Block *block) { fuseIn(*block); });
  }

private:
  static Type typeOf(ValueRange values) { return values.front().getType(); }

  /// Why `other` cannot join `first`, or nothing if it can.
  std::optional<StringRef> reasonAgainst(LinearOp first, LinearOp other) {
    if (typeOf(first.getMatrices()) != typeOf(other.getMatrices()))
      return "the matrices have different types";
    if (typeOf(first.getResults()) != typeOf(other.getResults()))
      return "the results have different types";
    auto &dominance = getAnalysis<DominanceInfo>();
    if (!llvm::all_of(other.getMatrices(), [&](Value m) { return dominance.properlyDominates(m, first); }))
      return "a matrix is made only after the first product";
    return std::nullopt;
  }

  /// Products of the same rows join the first one of them that they can join.
  void fuseIn(Block &block) {
    llvm::MapVector<Value, SmallVector<SmallVector<LinearOp>>> groupsOfRows;
    for (LinearOp linear : block.getOps<LinearOp>()) {
      auto &groups = groupsOfRows[linear.getRows()];
      auto *home = llvm::find_if(groups, [&](auto &group) { return !reasonAgainst(group.front(), linear); });
      if (home != groups.end()) {
        home->push_back(linear);
        continue;
      }
      if (!groups.empty())
        notFused(linear, getArgument()) << remark::reason("{0}", *reasonAgainst(groups.front().front(), linear));
      groups.push_back({linear});
    }
    for (auto &[rows, groups] : groupsOfRows)
      for (ArrayRef<LinearOp> group : groups)
        if (group.size() > 1)
          fuse(group);
  }

  void fuse(ArrayRef<LinearOp> group) {
    LinearOp first = group.front();
    IRRewriter rewriter(first);
    SmallVector<Value> matrices;
    SmallVector<Type> types;
    SmallVector<Location> locations;
    for (LinearOp linear : group) {
      llvm::append_range(matrices, linear.getMatrices());
      llvm::append_range(types, linear.getResultTypes());
      locations.push_back(linear.getLoc());
    }
    auto fusedOp = LinearOp::create(rewriter, rewriter.getFusedLoc(locations), types, first.getRows(), matrices);
    fused(first, getArgument()) << remark::add("{0} products of the same rows", group.size());
    ValueRange results = fusedOp.getResults();
    for (LinearOp linear : group) {
      size_t count = linear.getNumResults();
      rewriter.replaceOp(linear, results.take_front(count));
      results = results.drop_front(count);
    }
  }
};

} // namespace
