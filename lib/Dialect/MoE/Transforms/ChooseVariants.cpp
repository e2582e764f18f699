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

static ::moe::ExpertsShape shapeOf(const RoutedPart &part) {
  ::moe::ExpertsShape shape;
  PlanOp plan = part.plan;
  shape.experts = plan.getOffsets().getType().getDimSize(0) - 1;
  shape.choices = plan.getIds().getType().getDimSize(1);
  shape.capacity = static_cast<int64_t>(plan.getCapacity().value_or(0));
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
    if (variants != "auto" && variants != "single-row" && variants != "grouped" && variants != "padded") {
      getOperation().emitError("unknown variants \"") << variants << "\": expected auto, single-row, grouped or padded";
      return signalPassFailure();
    }
    FailureOr<::moe::MachineConstants> machine = machineOf(getOperation());
    if (failed(machine))
      return signalPassFailure();
    getOperation().walk([&](PlanOp plan) { choose(plan, *machine); });
  }

private:
  struct Choice {
    VariantKind kind;
    int64_t from;
    double seconds;
  };

  remark::detail::InFlightRemark declined(PlanOp plan) {
    return remark::missed(plan.getLoc(), remarkAbout(plan, "declined", getArgument()));
  }
  remark::detail::InFlightRemark chosen(PlanOp plan) {
    return remark::passed(plan.getLoc(), remarkAbout(plan, "chosen", getArgument()));
  }

  void choose(PlanOp plan, const ::moe::MachineConstants &machine) {
    if (plan->hasAttr(kVariantsAttr) || variants == "grouped")
      return;
    bool padded = variants == "padded";
    std::string reason;
    FailureOr<RoutedPart> part = RoutedPart::of(plan, reason);
    std::optional<std::string> against = failed(part) ? std::optional<std::string>(reason)
                                         : padded     ? reasonAgainstPadding(*part)
                                                      : reasonAgainstSingleRows(*part);
    if (against) {
      declined(plan) << (padded ? "padded groups" : "single rows") << remark::reason("{0}", *against);
      return;
    }
    ::moe::ExpertsShape shape = shapeOf(*part);
    if (padded)
      return set(plan, {{VariantKind::Padded, 0, ::moe::paddedSeconds(shape, machine, 1)}});
    if (variants == "single-row")
      return set(plan, {{VariantKind::SingleRow, 0, ::moe::singleRowSeconds(shape, machine, 1)}});
    chooseByCost(*part, shape, machine);
  }

  void chooseByCost(const RoutedPart &part, const ::moe::ExpertsShape &shape, const ::moe::MachineConstants &machine) {
    PlanOp plan = part.plan;
    SmallVector<Choice> choices;
    int64_t grouped = ::moe::groupedCrossover(shape, machine);
    double single1 = ::moe::singleRowSeconds(shape, machine, 1), grouped1 = ::moe::groupedSeconds(shape, machine, 1);
    if (grouped == 1) {
      declined(plan) << "single rows"
                     << remark::reason("at T = 1 they take {0}, sorted rows {1}", microseconds(single1),
                                       microseconds(grouped1));
      choices.push_back({VariantKind::Grouped, 0, grouped1});
    } else {
      double before = ::moe::singleRowSeconds(shape, machine, grouped),
             after = ::moe::groupedSeconds(shape, machine, grouped);
      chosen(plan) << llvm::formatv("single rows for T < {0}: {1} instead of {2} at T = 1; sorted rows from there on: "
                                    "{3} instead of {4} at T = {0}",
                                    grouped, microseconds(single1), microseconds(grouped1), microseconds(after),
                                    microseconds(before))
                          .str();
      choices.push_back({VariantKind::SingleRow, 0, single1});
      choices.push_back({VariantKind::Grouped, grouped, after});
    }
    addPadded(part, shape, machine, choices);
    if (choices.size() > 1 || choices.front().kind != VariantKind::Grouped)
      set(plan, choices);
  }

  /// A place for each row that an expert may take saves a pass over the slots and the sums over experts, and needs
  /// memory for what nobody takes: from the number of rows on that may take them all, it needs none.
  void addPadded(const RoutedPart &part, const ::moe::ExpertsShape &shape, const ::moe::MachineConstants &machine,
                 SmallVectorImpl<Choice> &choices) {
    PlanOp plan = part.plan;
    if (shape.capacity == 0)
      return;
    if (std::optional<std::string> against = reasonAgainstPadding(part)) {
      declined(plan) << "padded groups" << remark::reason("{0}", *against);
      return;
    }
    Choice sorted = choices.back();
    int64_t from = std::max(::moe::paddedFrom(shape), sorted.from);
    double padded = ::moe::paddedSeconds(shape, machine, from), grouped = ::moe::groupedSeconds(shape, machine, from);
    if (!::moe::paddedPays(shape, machine, from)) {
      declined(plan) << "padded groups"
                     << remark::reason("at T = {0}, where every place may be taken, they take {1} and sorted rows {2}",
                                       from, microseconds(padded), microseconds(grouped));
      return;
    }
    chosen(plan) << llvm::formatv("padded groups for T >= {0}: {1} instead of {2} at T = {0}", from,
                                  microseconds(padded), microseconds(grouped))
                        .str();
    // Nothing is left for sorted rows where both begin at once.
    if (from == sorted.from)
      choices.pop_back();
    choices.push_back({VariantKind::Padded, from, padded});
  }

  void set(PlanOp plan, ArrayRef<Choice> choices) {
    SmallVector<VariantAttr> list;
    for (const Choice &choice : choices)
      list.push_back(VariantAttr::get(&getContext(), choice.kind, choice.from, nanoseconds(choice.seconds)));
    plan->setAttr(kVariantsAttr, VariantsAttr::get(&getContext(), list));
  }
};

} // namespace
