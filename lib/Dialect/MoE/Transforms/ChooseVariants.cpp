// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- ChooseVariants.cpp - which variants of a routing's products are worth having, and from which T on --===//
//
// The cost model decides (moe/CostModel/CostModel.h); here are only its inputs, read from the ops and from the module's
// machine constants, and the words for its results.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "Remarks.h"
#include "RoutedPart.h"
#include "moe/CostModel/CostModel.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>

namespace mlir::moe {
#define GEN_PASS_DEF_CHOOSEVARIANTS
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

/// The constants that the module gives, the others as they are by default.
static FailureOr<::moe::MachineConstants> machineOf(ModuleOp module) {
  ::moe::MachineConstants machine;
  auto given = module->getAttrOfType<DictionaryAttr>(kMachineAttr);
  if (!given) {
    if (module->hasAttr(kMachineAttr))
      return module.emitError("expects ") << kMachineAttr << " to be a dictionary";
    return machine;
  }
  for (NamedAttribute entry : given) {
    auto value = dyn_cast<IntegerAttr>(entry.getValue());
    const auto *key = llvm::find_if(::moe::machineKeys(),
                                    [&](const ::moe::MachineKey &known) { return entry.getName() == known.name; });
    if (key == ::moe::machineKeys().end() || !value || value.getInt() < 1)
      return module.emitError("expects ") << kMachineAttr << " to give positive integers for known constants, got "
                                          << entry.getName() << " = " << entry.getValue();
    machine.*key->value = value.getInt();
  }
  return machine;
}

/// Most rows that the selection lets an expert take, 0 without a limit.
static int64_t capacityOf(PlanOp plan) {
  auto select = plan.getIds().getDefiningOp() ? plan.getIds().getDefiningOp()->getAttr("select") : Attribute();
  auto best = dyn_cast_if_present<TopKAttr>(select);
  return best ? best.getCapacity() : 0;
}

static ::moe::ExpertsShape shapeOf(const RoutedPart &part) {
  ::moe::ExpertsShape shape;
  PlanOp plan = part.plan;
  shape.experts = plan.getOffsets().getType().getDimSize(0) - 1;
  shape.choices = plan.getIds().getType().getDimSize(1);
  shape.capacity = capacityOf(plan);
  for (GroupedMatmulOp product : part.products()) {
    auto matrices = static_cast<int64_t>(product.getWeights().size());
    int64_t elements = matrices * product.getOutputColumns() * product.getReductionSize();
    Type element = getElementTypeOrSelf(product.getWeights().front().getType());
    shape.expertBytes += elements * element.getIntOrFloatBitWidth() / 8;
    shape.slotFlops += 2 * elements;
    shape.outputColumns += product.getOutputColumns();
  }
  return shape;
}

static int64_t nanoseconds(double seconds) { return std::llround(seconds * 1e9); }
static std::string microseconds(double seconds) { return llvm::formatv("{0:F1} us", seconds * 1e6); }

namespace {

struct ChooseVariants : mlir::moe::impl::ChooseVariantsBase<ChooseVariants> {
  using ChooseVariantsBase::ChooseVariantsBase;

  void runOnOperation() override {
    if (variants != "auto" && variants != "single-row" && variants != "grouped") {
      getOperation().emitError("unknown variants \"") << variants << "\": expected auto, single-row or grouped";
      return signalPassFailure();
    }
    FailureOr<::moe::MachineConstants> machine = machineOf(getOperation());
    if (failed(machine))
      return signalPassFailure();
    getOperation().walk([&](PlanOp plan) { choose(plan, *machine); });
  }

private:
  remark::detail::InFlightRemark declined(PlanOp plan) {
    return remark::missed(plan.getLoc(), remarkAbout(plan, "declined", getArgument()));
  }

  void choose(PlanOp plan, const ::moe::MachineConstants &machine) {
    if (plan->hasAttr(kVariantsAttr) || variants == "grouped")
      return;
    std::string reason;
    FailureOr<RoutedPart> part = RoutedPart::of(plan, reason);
    std::optional<std::string> against =
        failed(part) ? std::optional<std::string>(reason) : reasonAgainstSingleRows(*part);
    if (against) {
      declined(plan) << "single rows" << remark::reason("{0}", *against);
      return;
    }
    ::moe::ExpertsShape shape = shapeOf(*part);
    if (variants == "single-row")
      return set(plan, {{VariantKind::SingleRow, 0, ::moe::singleRowSeconds(shape, machine, 1)}});
    explainPadding(plan, shape, machine);

    int64_t grouped = ::moe::groupedCrossover(shape, machine);
    double single1 = ::moe::singleRowSeconds(shape, machine, 1), grouped1 = ::moe::groupedSeconds(shape, machine, 1);
    if (grouped == 1) {
      declined(plan) << "single rows"
                     << remark::reason("at T = 1 they take {0}, sorted rows {1}", microseconds(single1),
                                       microseconds(grouped1));
      return;
    }
    double before = ::moe::singleRowSeconds(shape, machine, grouped),
           after = ::moe::groupedSeconds(shape, machine, grouped);
    remark::passed(plan.getLoc(), remarkAbout(plan, "chosen", getArgument()))
        << llvm::formatv("single rows for T < {0}: {1} instead of {2} at T = 1; sorted rows from there on: {3} instead "
                         "of {4} at T = {0}",
                         grouped, microseconds(single1), microseconds(grouped1), microseconds(after),
                         microseconds(before))
               .str();
    set(plan, {{VariantKind::SingleRow, 0, single1}, {VariantKind::Grouped, grouped, after}});
  }

  /// A place for each row that an expert may take would save the sums over experts, and costs what nobody takes.
  void explainPadding(PlanOp plan, const ::moe::ExpertsShape &shape, const ::moe::MachineConstants &machine) {
    if (shape.capacity == 0)
      return;
    int64_t full = std::max<int64_t>(1, shape.experts * shape.capacity / shape.choices);
    declined(plan) << "padded groups"
                   << remark::reason(
                          "at T = {0}, where every place may be taken, they take {1} and sorted rows {2}; with "
                          "fewer rows they compute places that nobody took",
                          full, microseconds(::moe::paddedSeconds(shape, machine, full)),
                          microseconds(::moe::groupedSeconds(shape, machine, full)));
  }

  struct Choice {
    VariantKind kind;
    int64_t from;
    double seconds;
  };

  void set(PlanOp plan, ArrayRef<Choice> choices) {
    SmallVector<VariantAttr> list;
    for (const Choice &choice : choices)
      list.push_back(VariantAttr::get(&getContext(), choice.kind, choice.from, nanoseconds(choice.seconds)));
    plan->setAttr(kVariantsAttr, VariantsAttr::get(&getContext(), list));
  }
};

} // namespace
