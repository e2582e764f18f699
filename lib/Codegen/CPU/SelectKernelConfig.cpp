// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- SelectKernelConfig.cpp - tile sizes of every product, from the machine level -----------------------===//

#include "moe/Codegen/CPU/NumberFormat.h"
#include "moe/Codegen/CPU/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/MathExtras.h"

namespace mlir::moe {
#define GEN_PASS_DEF_SELECTKERNELCONFIG
#include "moe/Codegen/CPU/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

static bool areRounded(Value rows) {
  while (auto cast = rows.getDefiningOp<tensor::CastOp>())
    rows = cast.getSource();
  return rows.getDefiningOp<RoundRowsOp>() != nullptr;
}

/// The accumulators of one block are `tileVectors` side by side, shared by the matrices of the product; a panel is as
/// wide as one block, so that a row of it is one contiguous read of packed weights.
static KernelConfigAttr configFor(const MachineLevel &level, Value rows, const NumberFormat &format, int64_t matrices,
                                  int64_t outputs) {
  auto type = cast<RankedTensorType>(rows.getType());
  const TileKernel &kernel =
      tileKernelFor(level, type.getElementType(), format, matrices, areRounded(rows), type.getDimSize(1));
  int64_t vectors = std::max<int64_t>(1, kernel.tileVectors() / matrices);
  vectors = std::min(vectors, static_cast<int64_t>(llvm::divideCeil(outputs, level.lanes())));
  return KernelConfigAttr::get(rows.getContext(), level.name(), vectors * level.lanes(),
                               kernel.tileRowsFor(vectors * matrices), kernel.kGroup(), level.lanes(),
                               kernel.prefetchStreams());
}

namespace {

struct SelectKernelConfig : moe::impl::SelectKernelConfigBase<SelectKernelConfig> {
  using SelectKernelConfigBase::SelectKernelConfigBase;

  void runOnOperation() override {
    const MachineLevel *base = findMachineLevel(level);
    if (!base) {
      getOperation()->emitError("unknown machine level: ") << level;
      return signalPassFailure();
    }
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (failed(configure(function)))
        return signalPassFailure();
    getOperation()->setAttr(kTargetAttr, describe(*base));
  }

private:
  LogicalResult configure(func::FuncOp function) {
    const MachineLevel *machine = machineLevelOf(function, level);
    if (!machine)
      return failure();
    bool unknownFormat = false;
    auto configOf = [&](Operation *op, Value rows, Value weight, size_t matrices, int64_t outputs) {
      const NumberFormat *format = numberFormatOf(weight);
      if (!format) {
        unknownFormat = true;
        op->emitOpError("has weights in a number format that this build does not have; expects ")
            << numberFormatNames();
        return KernelConfigAttr();
      }
      return configFor(*machine, rows, *format, static_cast<int64_t>(matrices), outputs);
    };
    function.walk([&](GroupedMatmulOp op) {
      ValueRange weights = op.getWeights();
      op.setConfigAttr(configOf(op, op.getRows(), weights.front(), weights.size(), op.getOutputColumns()));
    });
    function.walk([&](PaddedMatmulOp op) {
      ValueRange weights = op.getWeights();
      op.setConfigAttr(configOf(op, op.getRows(), weights.front(), weights.size(), op.getOutputColumns()));
    });
    function.walk([&](SlotMatmulOp op) {
      // The panels of the grouped product, so that both share one packed argument. A tile is one row, for which the
      // lowest block is enough.
      ValueRange weights = op.getWeights();
      if (auto config = configOf(op, op.getRows(), weights.front(), weights.size(), op.getOutputColumns()))
        op.setConfigAttr(KernelConfigAttr::get(op.getContext(), config.getLevel(), config.getColumns(),
                                               config.getRows().take_back(), config.getKGroup(), config.getVector(),
                                               config.getPrefetch()));
    });
    function.walk([&](RouterOp op) {
      op.setConfigAttr(configOf(op, op.getRows(), op.getWeight(), 1, op.getWeight().getType().getDimSize(0)));
    });
    if (unknownFormat)
      return failure();
    if (function->hasAttr(kLevelAttr))
      function->setAttr(kTargetAttr, describe(*machine));
    return success();
  }

  /// What lib/Target needs to know of a level: see moe/Target/Machine.h.
  DictionaryAttr describe(const MachineLevel &machine) {
    Builder b(&getContext());
    return b.getDictionaryAttr({
        b.getNamedAttr("cpu", b.getStringAttr(machine.llvmCPU())),
        b.getNamedAttr("features", b.getStringAttr(machine.llvmFeatures())),
        b.getNamedAttr("level", b.getStringAttr(machine.name())),
        b.getNamedAttr("required", b.getI64IntegerAttr(static_cast<int64_t>(machine.requiredFeatures()))),
        b.getNamedAttr("triple", b.getStringAttr(machine.triple())),
    });
  }
};

} // namespace
