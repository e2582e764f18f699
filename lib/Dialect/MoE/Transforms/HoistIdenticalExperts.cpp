// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- HoistIdenticalExperts.cpp - experts that are all the same compute before the dispatch --------------===//
//
// A body that uses no expert's slice of a weight is one function of the row, whatever expert runs it: it is computed
// for each row once, and what is dispatched is its result. Identity, zero and constant experts are such bodies.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "Remarks.h"
#include "Routings.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::moe {
#define GEN_PASS_DEF_HOISTIDENTICALEXPERTS
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

namespace {

struct HoistIdenticalExperts : moe::impl::HoistIdenticalExpertsBase<HoistIdenticalExperts> {
  void runOnOperation() override {
    SmallVector<ExpertsOp> all;
    getOperation()->walk([&](ExpertsOp experts) { all.push_back(experts); });
    for (ExpertsOp experts : all)
      if (std::optional<StringRef> reason = reasonAgainst(experts))
        notFolded(experts, getArgument()) << remark::reason("{0}", *reason);
      else
        hoist(experts);
  }

private:
  std::optional<StringRef> reasonAgainst(ExpertsOp experts) {
    Block &body = experts.getBody().front();
    if (!llvm::all_of(body.getArguments().drop_front(experts.getRows().size()),
                      [](BlockArgument slice) { return slice.use_empty(); }))
      return "each expert has weights of its own";
    TypedValue<RoutingType> routing;
    for (Value rows : experts.getRows()) {
      auto dispatch = rows.getDefiningOp<DispatchOp>();
      if (!dispatch || (routing && dispatch.getRouting() != routing))
        return "the rows were not all dispatched by one routing";
      if (dispatch.getWeighted())
        return "the rows are weighted on their way, so each expert of a row gets another one";
      routing = dispatch.getRouting();
    }
    if (picksRows(routing.getType()))
      return "the experts pick rows, and a row that nobody picked would be computed, too";
    auto isProduct = [](Operation &op) { return isa<LinearOp, linalg::LinalgOp>(op); };
    if (mayDrop(routing) && llvm::any_of(body, isProduct))
      return "slots may go nowhere, and a product of rows that nobody takes costs more than sorting the others";
    return std::nullopt;
  }

  /// The rows as the type that a body sees.
  static Value asRows(OpBuilder &b, Location loc, Value rows, Type type) {
    return rows.getType() == type ? rows : tensor::CastOp::create(b, loc, type, rows).getResult();
  }

  /// A map that looks at no element gives one number.
  static Value simplify(RewriterBase &b, Value rows) {
    auto map = rows.getDefiningOp<MapOp>();
    TypedAttr number;
    if (!map || !matchPattern(map.getBody().front().getTerminator()->getOperand(0), m_Constant(&number)))
      return rows;
    Location loc = map.getLoc();
    auto type = map.getResult().getType();
    SmallVector<Value> sizes;
    if (type.isDynamicDim(0))
      sizes.push_back(tensor::DimOp::create(b, loc, map.getInputs().front(), 0));
    Value constant = arith::ConstantOp::create(b, loc, number);
    Value splat = tensor::SplatOp::create(b, loc, type, constant, sizes);
    if (map->use_empty())
      b.eraseOp(map);
    return splat;
  }

  void hoist(ExpertsOp experts) {
    IRRewriter rewriter(experts);
    Block &body = experts.getBody().front();
    IRMapping mapping;
    SmallVector<DispatchOp> dispatches;
    for (auto [rows, argument] : llvm::zip(experts.getRows(), body.getArguments())) {
      dispatches.push_back(rows.getDefiningOp<DispatchOp>());
      mapping.map(argument, asRows(rewriter, rows.getLoc(), dispatches.back().getRows(), argument.getType()));
    }
    for (Operation &op : body.without_terminator())
      rewriter.clone(op, mapping);
    Value computed = simplify(rewriter, mapping.lookupOrDefault(body.getTerminator()->getOperand(0)));
    folded(experts, getArgument()) << "experts that are all the same into one function of the row";
    rewriter.replaceOpWithNewOp<DispatchOp>(experts, experts.getResult().getType(), computed,
                                            dispatches.front().getRouting(), /*weighted=*/false);
    for (DispatchOp dispatch : llvm::SetVector<DispatchOp>(dispatches.begin(), dispatches.end()))
      if (dispatch->use_empty())
        rewriter.eraseOp(dispatch);
  }
};

} // namespace
