// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- PaddedOrder.cpp - say which ops of a routing cannot run with room between the groups ---------------===//

#include "RoutedPart.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::moe;

/// Rows have left the order of the plan once a product scattered them: only combinations take them then, and they take
/// no others.
static bool mixesOrders(const RoutedPart &part) {
  llvm::SmallPtrSet<Operation *, 16> members(part.ops.begin(), part.ops.end());
  for (Operation *op : part.ops) {
    bool combines = isa<CombineSlotsOp, CombineRowsOp>(op);
    for (Value operand : op->getOperands()) {
      Operation *source = operand.getDefiningOp();
      if (!source || !members.contains(source))
        continue;
      auto product = dyn_cast<GroupedMatmulOp>(source);
      if (combines != (product && product.getSlots()))
        return true;
    }
  }
  return false;
}

std::optional<std::string> mlir::moe::reasonAgainstPadding(const RoutedPart &part) {
  PlanOp plan = part.plan;
  if (!plan.getCapacity())
    return "the routing has no capacity";
  auto capacity = static_cast<int64_t>(*plan.getCapacity());
  int64_t experts = plan.getOffsets().getType().getDimSize(0) - 1;
  if (capacity > kMaxPaddedPlaces / experts)
    return std::to_string(experts) + " experts of capacity " + std::to_string(capacity) + " have more than " +
           std::to_string(kMaxPaddedPlaces) + " places";
  if (llvm::any_of(part.ops, [](Operation *op) { return isa<ScatterOp>(op); }))
    return "a scatter that no product took in moves rows that lie one after the other";
  if (llvm::any_of(part.ops, [](Operation *op) { return isa<tensor::DimOp>(op); }))
    return "the number of sorted rows is asked for, and padded places are more";
  auto isWeighted = [](Operation *op) {
    auto gather = dyn_cast<GatherOp>(op);
    return gather && gather.getWeights();
  };
  if (llvm::any_of(part.ops, isWeighted))
    return "rows are weighted while they are gathered";
  // Where the order of slots would do, any will: what needs that of the plan needs its rows without room between them.
  if (std::optional<std::string> reason = reasonAgainstSingleRows(part))
    return reason;
  if (mixesOrders(part))
    return "an op takes rows of slots beside those in the order of the plan";
  return std::nullopt;
}
