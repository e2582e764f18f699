// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- RoutedPart.cpp - find the ops of a routing, and say which of them need its order -------------------===//

#include "RoutedPart.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace mlir::moe;

/// Where rows of slots end.
static bool isCombination(Operation *op) { return isa<CombineSlotsOp, CombineRowsOp>(op); }

static std::string nameOf(Operation *op) { return op->getName().getStringRef().str(); }

FailureOr<RoutedPart> RoutedPart::of(PlanOp plan, std::string &reason) {
  RoutedPart part;
  part.plan = plan;
  Block *block = plan->getBlock();
  llvm::SetVector<Operation *> found;
  found.insert(plan);
  for (size_t i = 0; i != found.size(); ++i) {
    Operation *op = found[i];
    if (op->hasTrait<OpTrait::IsTerminator>()) {
      reason = "rows in the order of the plan leave the block";
      return failure();
    }
    if (isCombination(op))
      continue;
    for (Operation *user : op->getUsers()) {
      if (user->getBlock() != block) {
        reason = nameOf(user) + " is in another block";
        return failure();
      }
      found.insert(user);
    }
  }
  part.ops.assign(found.begin(), found.end());
  llvm::sort(part.ops, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });

  for (Operation *op : part.ops) {
    for (Value result : op->getResults())
      if (llvm::any_of(result.getUsers(), [&](Operation *user) { return !found.contains(user); }))
        part.results.push_back(result);
    for (Operation *user : op->getUsers()) {
      Operation *inBlock = block->findAncestorOpInBlock(*user);
      if (!found.contains(user) && (!inBlock || inBlock->isBeforeInBlock(part.ops.back()))) {
        reason = nameOf(user) + " needs a combination before all products are done";
        return failure();
      }
    }
  }
  if (part.results.empty()) {
    reason = "nothing combines the rows";
    return failure();
  }
  return part;
}

SmallVector<GroupedMatmulOp> RoutedPart::products() const {
  SmallVector<GroupedMatmulOp> products;
  for (Operation *op : ops)
    if (auto product = dyn_cast<GroupedMatmulOp>(op))
      products.push_back(product);
  return products;
}

namespace {

/// Goes over the ops of a part with the question whether each means the same on rows of slots.
class SlotOrder {
public:
  explicit SlotOrder(const RoutedPart &part) : plan(part.plan), members(part.ops.begin(), part.ops.end()) {}

  std::optional<std::string> reasonAgainst(Operation *op) {
    if (op == plan || isa<tensor::DimOp>(op) || isCombination(op))
      return std::nullopt;
    if (auto product = dyn_cast<GroupedMatmulOp>(op))
      return reasonAgainst(product);
    if (auto gather = dyn_cast<GatherOp>(op))
      return reasonAgainst(gather);
    if (auto scatter = dyn_cast<ScatterOp>(op))
      return reasonAgainst(scatter);
    if (isa<MapOp, RoundRowsOp>(op) || (OpTrait::hasElementwiseMappableTraits(op) && op->getNumResults() == 1))
      return reasonAgainstMap(op);
    return nameOf(op) + " needs the order of the plan";
  }

  /// Whether rows of this part were scattered to their slots, be it before further maps of them.
  bool isOfSlots(Value rows) {
    Operation *op = isMember(rows) ? rows.getDefiningOp() : nullptr;
    if (!op || isa<ScatterOp>(op))
      return op;
    if (auto product = dyn_cast<GroupedMatmulOp>(op))
      return static_cast<bool>(product.getSlots());
    return !isa<GatherOp>(op) && llvm::any_of(op->getOperands(), [&](Value operand) { return isOfSlots(operand); });
  }

private:
  bool isMember(Value value) { return value.getDefiningOp() && members.contains(value.getDefiningOp()); }

  std::optional<std::string> reasonAgainst(GroupedMatmulOp product) {
    if (product.getOffsets() != plan.getOffsets())
      return "a product has other groups than the plan";
    if (product.getTokens() ? product.getTokens() != plan.getTokens() : !isMember(product.getRows()))
      return "a product takes rows in another order than that of the plan";
    if (product.getSlots() && product.getSlots() != plan.getSlots())
      return "a product scatters to other slots than those of the plan";
    if (!product.getScalars().empty() && !product.getSlots())
      return "a product has scalars in the order of the plan";
    return std::nullopt;
  }

  std::optional<std::string> reasonAgainst(GatherOp gather) {
    if (gather.getTokens() != plan.getTokens())
      return "rows are gathered in another order than that of the plan";
    if (gather.getSlots() && gather.getSlots() != plan.getSlots())
      return "rows are weighted in another order than that of the plan";
    for (OpOperand &use : gather.getResult().getUses()) {
      auto product = dyn_cast<GroupedMatmulOp>(use.getOwner());
      bool taken = product && use.getOperandNumber() == product.getRowsMutable().getOperandNumber();
      if (!(taken && !product.getTokens()) && !isa<tensor::DimOp>(use.getOwner()))
        return nameOf(use.getOwner()) + " needs the gathered rows";
    }
    return std::nullopt;
  }

  std::optional<std::string> reasonAgainst(ScatterOp scatter) {
    if (scatter.getSlots() != plan.getSlots())
      return "rows are scattered to other slots than those of the plan";
    if (!scatter.getInit().getDefiningOp<tensor::EmptyOp>())
      return "slots that get no row keep a value";
    return std::nullopt;
  }

  std::optional<std::string> reasonAgainstMap(Operation *op) {
    for (Value operand : op->getOperands()) {
      auto type = dyn_cast<RankedTensorType>(operand.getType());
      if (type && type.getRank() == 2 && !isMember(operand))
        return nameOf(op) + " takes rows that are not in the order of the plan";
    }
    return std::nullopt;
  }

  PlanOp plan;
  llvm::SmallPtrSet<Operation *, 16> members;
};

} // namespace

void mlir::moe::forPlansOf(VariantKind kind, ModuleOp module, function_ref<void(PlanOp)> body) {
  SmallVector<PlanOp> plans;
  for (auto function : module.getOps<func::FuncOp>()) {
    auto variant = function->getAttrOfType<StringAttr>(kVariantAttr);
    if (variant && variant.getValue() == stringifyVariantKind(kind))
      function.walk([&](PlanOp plan) { plans.push_back(plan); });
  }
  llvm::for_each(plans, body);
}

std::optional<std::string> mlir::moe::reasonAgainstSingleRows(const RoutedPart &part) {
  SlotOrder order(part);
  for (Operation *op : part.ops)
    if (std::optional<std::string> reason = order.reasonAgainst(op))
      return reason;
  for (GroupedMatmulOp product : part.products())
    if (!product.getTokens() && order.isOfSlots(product.getRows()))
      return "an op takes rows of slots beside those in the order of the plan";
  for (Value result : part.results)
    if (!isCombination(result.getDefiningOp()))
      return nameOf(result.getDefiningOp()) + " has users that are not in the order of slots";
  return std::nullopt;
}
