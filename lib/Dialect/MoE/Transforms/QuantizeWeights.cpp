// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- QuantizeWeights.cpp - which weights are rounded to a number format when they are loaded ------------===//

#include "Remarks.h"
#include "moe/Dialect/MoE/IR/MoE.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"

#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mlir::moe {
#define GEN_PASS_DEF_QUANTIZEWEIGHTS
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

static RankedTensorType asF32(Type type) {
  return cast<RankedTensorType>(type).clone(Float32Type::get(type.getContext()));
}

/// The products that a routing comes from: an MLP that scores experts is made of them.
static DenseSet<Operation *> scoringProducts(func::FuncOp kernel) {
  DenseSet<Operation *> products;
  kernel.walk([&](RouteOp route) {
    SetVector<Operation *> slice;
    BackwardSliceOptions options;
    options.omitBlockArguments = true;
    (void)getBackwardSlice(route.getOperation(), &slice, options);
    for (Operation *op : slice)
      if (isa<LinearOp>(op))
        products.insert(op);
  });
  return products;
}

/// Does `matrix` do nothing but multiply rows?
static bool onlyMultiplies(Value matrix, const DenseSet<Operation *> &scoring) {
  return !matrix.use_empty() && llvm::all_of(matrix.getUses(), [&](OpOperand &use) {
    if (auto experts = dyn_cast<ExpertsOp>(use.getOwner()))
      return onlyMultiplies(experts.getBody().front().getArgument(use.getOperandNumber()), scoring);
    return isa<LinearOp>(use.getOwner()) && use.getOperandNumber() != 0 && !scoring.contains(use.getOwner());
  });
}

namespace {

struct QuantizeWeights : moe::impl::QuantizeWeightsBase<QuantizeWeights> {
  using QuantizeWeightsBase::QuantizeWeightsBase;

  void runOnOperation() override {
    SymbolTableCollection symbols;
    DenseMap<Operation *, llvm::BitVector> kernels;
    for (auto layer : getOperation().getOps<LayerOp>()) {
      auto kernel = symbols.lookupNearestSymbolFrom<func::FuncOp>(layer, layer.getKernelAttr());
      if (!kernel || kernel.isExternal())
        continue;
      auto [known, fresh] = kernels.try_emplace(kernel);
      if (fresh)
        known->second = quantize(kernel);
      unsigned inputs = countInputs(kernel);
      for (auto [index, name] : llvm::enumerate(layer.getWeights().getAsRange<FlatSymbolRefAttr>()))
        if (known->second.test(inputs + index))
          declare(symbols.lookupNearestSymbolFrom<WeightOp>(layer, name));
    }
  }

private:
  /// Changes the arguments of a kernel; returns which.
  llvm::BitVector quantize(func::FuncOp kernel) {
    llvm::BitVector changed(kernel.getNumArguments());
    DenseSet<Operation *> scoring = scoringProducts(kernel);
    for (BlockArgument argument : kernel.getArguments().drop_front(countInputs(kernel))) {
      auto type = dyn_cast<RankedTensorType>(argument.getType());
      if (!type || type.getRank() < 2 || kernel.getArgAttr(argument.getArgNumber(), kFormatAttr) ||
          !onlyMultiplies(argument, scoring))
        continue;
      for (OpOperand &use : argument.getUses())
        if (auto experts = dyn_cast<ExpertsOp>(use.getOwner())) {
          BlockArgument slice = experts.getBody().front().getArgument(use.getOperandNumber());
          slice.setType(asF32(slice.getType()));
        }
      argument.setType(asF32(type));
      kernel.setArgAttr(argument.getArgNumber(), kFormatAttr, StringAttr::get(&getContext(), format));
      changed.set(argument.getArgNumber());
    }
    kernel.setFunctionType(
        FunctionType::get(&getContext(), kernel.front().getArgumentTypes(), kernel.getResultTypes()));
    if (changed.none())
      remark::missed(kernel.getLoc(), remarkAbout(kernel, "not quantized", getArgument()))
          << remark::reason("no weight of {0} does nothing but multiply rows", kernel.getSymName());
    else
      remark::passed(kernel.getLoc(), remarkAbout(kernel, "quantized", getArgument()))
          << remark::add("{0} weights of {1} to {2}", changed.count(), kernel.getSymName(), format.getValue());
    return changed;
  }

  void declare(WeightOp weight) {
    weight.setFormat(format.getValue());
    weight.setType(asF32(weight.getType()));
  }
};

} // namespace
