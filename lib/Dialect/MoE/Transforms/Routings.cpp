// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Routings.cpp - what is known of a routing before it runs -------------------------------------------===//

#include "Routings.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::moe;

bool mlir::moe::mayDrop(TypedValue<RoutingType> routing) {
  if (picksRows(routing.getType()))
    return true;
  if (auto route = routing.getDefiningOp<RouteOp>())
    return route.getSelection().mayDrop();
  if (auto within = routing.getDefiningOp<RouteWithinOp>())
    return within.getSelection().mayDrop() || mayDrop(within.getParent());
  return true;
}

int64_t mlir::moe::capacityOf(TypedValue<RoutingType> routing) {
  if (auto route = routing.getDefiningOp<RouteOp>())
    return route.getSelection().getCapacity();
  if (auto within = routing.getDefiningOp<RouteWithinOp>())
    return within.getSelection().getCapacity();
  if (auto narrow = routing.getDefiningOp<NarrowRoutingOp>())
    return capacityOf(narrow.getWhole());
  return 0;
}

//===-- Reach -----------------------------------------------------------------------------------------------===//

static Reach all(size_t experts) { return {llvm::BitVector(experts, true), {}, false, {}}; }

/// Sets the bits at which the vector `bias` is -inf; false where it is no constant, or has NaN, which is compared last.
static bool findMinusInfinite(Value bias, llvm::BitVector &bits) {
  DenseFPElementsAttr values;
  if (!bias || !matchPattern(bias, m_Constant(&values)))
    return false;
  for (auto [expert, value] : llvm::enumerate(values.getValues<APFloat>())) {
    if (value.isNaN())
      return false;
    if (value.isInfinity() && value.isNegative())
      bits.set(expert);
  }
  return bits.any();
}

/// A bias of -inf keeps a row from an expert as long as the row has enough scores that are numbers. Where scores are
/// normalised over all experts they are numbers all, or NaN all, and the weights with them. Any other score may be NaN,
/// or logits of other experts -inf, while the weight of the expert with the bias is a number.
static Reach reachOf(RouteOp route) {
  size_t experts = route.getType().getExperts();
  Reach reach = all(experts);
  llvm::BitVector lowest(experts);
  if (!findMinusInfinite(route.getBias(), lowest))
    return reach;
  bool allOrNone = route.getScoreFunction().isNormalizing() && route.getOver() == Over::All;
  if (route.getRank() != Rank::Scores || !allOrNone) {
    reach.doubt = "their bias is -inf, but a row may have too few other scores that are numbers";
    return reach;
  }
  route.getSelection().dropUnreachable(lowest, reach.experts);
  if (!reach.experts.all()) {
    reach.why = "a bias of -inf keeps rows from them";
    reach.notByNaN = true;
  }
  return reach;
}

/// Ids that are known: constants, or one for all slots.
static Reach reachOf(MakeRoutingOp routing) {
  size_t experts = routing.getRouting().getType().getExperts();
  Value ids = routing.getIds();
  while (auto cast = ids.getDefiningOp<tensor::CastOp>())
    ids = cast.getSource();
  SmallVector<APInt> known;
  APInt one;
  DenseIntElementsAttr values;
  if (auto splat = ids.getDefiningOp<tensor::SplatOp>(); splat && matchPattern(splat.getInput(), m_ConstantInt(&one)))
    known.push_back(one);
  else if (matchPattern(ids, m_Constant(&values)))
    known = llvm::to_vector(values.getValues<APInt>());
  else
    return all(experts);
  Reach reach{llvm::BitVector(experts), "the ids are constants without them", false, {}};
  for (const APInt &id : known)
    if (id.sge(0) && id.slt(experts))
      reach.experts.set(id.getZExtValue());
  return reach;
}

static Reach reachOf(RouteWithinOp within) {
  Reach parent = reachableExperts(within.getParent());
  size_t nodes = parent.experts.size(), children = within.getRouting().getType().getExperts() / nodes;
  Reach reach{llvm::BitVector(nodes * children), {}, parent.notByNaN, parent.doubt};
  for (unsigned node : parent.experts.set_bits())
    reach.experts.set(node * children, (node + 1) * children);
  if (!parent.why.empty())
    reach.why = "no row reaches the node above them: " + parent.why;
  return reach;
}

static Reach reachOf(NarrowRoutingOp narrow) {
  Reach whole = reachableExperts(narrow.getWhole());
  Reach reach{llvm::BitVector(narrow.getRouting().getType().getExperts()), whole.why, whole.notByNaN, whole.doubt};
  for (unsigned expert = 0; expert != reach.experts.size(); ++expert)
    if (whole.experts[narrow.getBegin() + expert])
      reach.experts.set(expert);
  return reach;
}

Reach mlir::moe::reachableExperts(TypedValue<RoutingType> routing) {
  Reach unknown = all(routing.getType().getExperts());
  if (!routing.getDefiningOp())
    return unknown;
  return llvm::TypeSwitch<Operation *, Reach>(routing.getDefiningOp())
      .Case<RouteOp, MakeRoutingOp, RouteWithinOp, NarrowRoutingOp>([](auto op) { return reachOf(op); })
      .Default(unknown);
}
