// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Routings.cpp - what is known of a routing before it runs -------------------------------------------===//

#include "Routings.h"

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
