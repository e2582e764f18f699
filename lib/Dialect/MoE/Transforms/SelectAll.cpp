// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- SelectAll.cpp - where every expert is selected, there is nothing to select -------------------------===//

#include "Remarks.h"
#include "moe/Dialect/MoE/IR/MoE.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"

#include "mlir/IR/PatternMatch.h"

namespace mlir::moe {
#define GEN_PASS_DEF_SELECTALL
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

namespace {

struct SelectAll : moe::impl::SelectAllBase<SelectAll> {
  void runOnOperation() override {
    SmallVector<RouteOp> routes;
    getOperation()->walk([&](RouteOp route) { routes.push_back(route); });
    for (RouteOp route : routes)
      if (std::optional<StringRef> reason = reasonAgainst(route))
        notFolded(route, getArgument()) << remark::reason("{0}", *reason);
      else if (!isDone(route))
        fold(route);
  }

private:
  std::optional<StringRef> reasonAgainst(RouteOp route) {
    SelectAttrInterface select = route.getSelection();
    int64_t experts = route.getType().getExperts();
    if (select.getSelectAxis() != Axis::Expert)
      return "the experts pick rows";
    if (select.getCount(experts) != experts)
      return "not every expert is selected";
    if (select.mayDrop())
      return "slots may be dropped";
    if (route.getOver() == Over::Group)
      return "weights are normalised over groups, which a selection of all experts has none of";
    return std::nullopt;
  }

  /// The set of the selected experts is that of all of them.
  static bool isDone(RouteOp route) { return route.getSelection().isInOrder() && route.getOver() != Over::Selected; }

  void fold(RouteOp route) {
    IRRewriter rewriter(route.getContext());
    rewriter.setInsertionPointAfter(route);
    Over over = route.getOver() == Over::Selected ? Over::All : route.getOver();
    // What is compared and the bias of the comparison decide nothing.
    auto all = RouteOp::create(rewriter, route.getLoc(), route.getType(), route.getLogits(), /*bias=*/Value(),
                               AllAttr::get(route.getContext()), Rank::Logits, route.getWeigh(), over,
                               route.getRenormalizeAttr(), route.getScaleAttr());
    // Where rows go does not depend on the order; whoever asks for ids and weights asks for the best first.
    bool ordered = !route.getSelection().isInOrder();
    rewriter.replaceUsesWithIf(route.getRouting(), all.getRouting(), [&](OpOperand &use) {
      auto routed = dyn_cast<RoutedOpInterface>(use.getOwner());
      return !ordered || (routed && &routed.getRoutingOperand() == &use);
    });
    if (all->use_empty())
      return rewriter.eraseOp(all);
    folded(route, getArgument()) << remark::add("a selection of all {0} experts", route.getType().getExperts());
    if (route->use_empty())
      rewriter.eraseOp(route);
  }
};

} // namespace
