// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- MarkUnusedExperts.cpp - weights of experts that no row reaches -------------------------------------===//
//
// Experts keep their numbers, and the IR stays as it is: what goes away is the work and the memory of loading weights
// that nothing reads. A weight that several layers share is needed where one of them needs it.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "Remarks.h"
#include "Routings.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/MapVector.h"

namespace mlir::moe {
#define GEN_PASS_DEF_MARKUNUSEDEXPERTS
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

/// Begin and end of each run of set bits.
static SmallVector<int64_t> rangesOf(const llvm::BitVector &bits) {
  SmallVector<int64_t> ranges;
  for (int begin = bits.find_first(); begin != -1;) {
    int end = bits.find_next_unset(begin);
    end = end == -1 ? static_cast<int>(bits.size()) : end;
    ranges.append({begin, end});
    begin = end == static_cast<int>(bits.size()) ? -1 : bits.find_next(end);
  }
  return ranges;
}

/// "2, 5 to 7".
static std::string textOf(ArrayRef<int64_t> ranges) {
  std::string text;
  for (size_t i = 0; i != ranges.size(); i += 2) {
    int64_t first = ranges[i], last = ranges[i + 1] - 1;
    text += (i ? ", " : "") + std::to_string(first) + (first == last ? "" : " to " + std::to_string(last));
  }
  return text;
}

/// Whether rows whose weights are NaN are NaN at the end, whatever `experts` give.
static bool keepsNaN(ExpertsOp experts, TypedValue<RoutingType> routing) {
  return llvm::all_of(experts->getUsers(), [&](Operation *user) {
    if (auto next = dyn_cast<ExpertsOp>(user))
      return keepsNaN(next, routing);
    auto combine = dyn_cast<CombineOp>(user);
    return combine && combine.getRouting() == routing && usesWeights(combine.getKind());
  });
}

namespace {

struct MarkUnusedExperts : moe::impl::MarkUnusedExpertsBase<MarkUnusedExperts> {
  void runOnOperation() override {
    SymbolTableCollection symbols;
    llvm::MapVector<WeightOp, Reach> needed;
    for (LayerOp layer : getOperation().getOps<LayerOp>()) {
      auto kernel = symbols.lookupNearestSymbolFrom<FunctionOpInterface>(layer, layer.getKernelAttr());
      if (!kernel || kernel.isExternal())
        return;
      size_t inputs = kernel.getNumArguments() - layer.getWeights().size();
      for (auto [index, name] : llvm::enumerate(layer.getWeights().getAsRange<FlatSymbolRefAttr>())) {
        auto weight = symbols.lookupNearestSymbolFrom<WeightOp>(layer, name);
        size_t experts = weight.getNumExperts();
        Reach &reach = needed.try_emplace(weight, Reach{llvm::BitVector(experts), {}, false, {}}).first->second;
        addUses(kernel.getArgument(inputs + index), reach);
      }
    }
    for (auto &[weight, reach] : needed)
      if (!reach.experts.all())
        mark(weight, reach);
      else if (!reach.doubt.empty())
        remark::missed(weight.getLoc(), remarkAbout(weight, "loaded", getArgument()))
            << remark::add("experts of @{0} that may be dead", weight.getSymName())
            << remark::reason("{0}", reach.doubt);
  }

private:
  /// Adds the experts whose slices of `weight` are read.
  static void addUses(BlockArgument weight, Reach &reach) {
    auto type = dyn_cast<RankedTensorType>(weight.getType());
    bool ofExperts = type && type.getRank() > 1 && type.getDimSize(0) == static_cast<int64_t>(reach.experts.size());
    for (OpOperand &use : weight.getUses()) {
      auto experts = dyn_cast<ExpertsOp>(use.getOwner());
      auto dispatch = experts ? experts.getRows().front().getDefiningOp<DispatchOp>() : DispatchOp();
      if (!ofExperts || !dispatch) {
        reach.experts.set();
        return;
      }
      Reach here = reachableExperts(dispatch.getRouting());
      if (here.notByNaN && !keepsNaN(experts, dispatch.getRouting())) {
        here.doubt = "rows whose weights are NaN may reach them, and a combination does not make these NaN";
        here.experts.set();
      }
      reach.experts |= here.experts;
      if (!here.why.empty())
        reach.why = here.why;
      if (!here.doubt.empty())
        reach.doubt = here.doubt;
    }
    // An argument that nobody uses is none of the kernel's, and no reason to mark anything.
    if (weight.use_empty() && reach.experts.none())
      reach.experts.set();
  }

  void mark(WeightOp weight, const Reach &reach) {
    llvm::BitVector unused = reach.experts;
    unused.flip();
    if (std::optional<ArrayRef<int64_t>> known = weight.getUnused())
      for (size_t i = 0; i != known->size(); i += 2)
        unused.set((*known)[i], (*known)[i + 1]);
    SmallVector<int64_t> ranges = rangesOf(unused);
    weight.setUnused(ranges);
    remark::passed(weight.getLoc(), remarkAbout(weight, "not loaded", getArgument()))
        << remark::add("experts {0} of @{1}: {2}", textOf(ranges), weight.getSymName(), reach.why);
  }
};

} // namespace
