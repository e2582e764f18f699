// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- SelectDeviceConfig.cpp - tile sizes of every product, from the chip --------------------------------===//

#include "moe/Codegen/GPU/Chip.h"
#include "moe/Codegen/GPU/Passes.h"
#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mlir::moe {
#define GEN_PASS_DEF_SELECTDEVICECONFIG
#include "moe/Codegen/GPU/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

namespace {

struct SelectDeviceConfig : moe::impl::SelectDeviceConfigBase<SelectDeviceConfig> {
  using SelectDeviceConfigBase::SelectDeviceConfigBase;

  void runOnOperation() override {
    const Chip *known = findChip(chip);
    if (!known) {
      getOperation()->emitError("unknown chip: expected ") << chipNames() << ", got '" << chip << "'";
      return signalPassFailure();
    }
    Builder b(&getContext());
    auto config =
        KernelConfigAttr::get(&getContext(), known->name, known->columns, {known->rows}, /*kGroup=*/1, /*vector=*/1,
                              /*prefetch=*/0, /*taskRows=*/known->rows);
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      for (unsigned i = 0; i != function.getNumArguments(); ++i)
        if (auto format = function.getArgAttrOfType<StringAttr>(i, kFormatAttr)) {
          function.emitOpError("has a weight in the number format ")
              << format << ", which no device kernel reads yet; expects f32, bf16 or f16";
          return signalPassFailure();
        }
      function.walk([&](Operation *op) {
        if (auto product = dyn_cast<GroupedMatmulOp>(op))
          product.setConfigAttr(config);
        else if (auto product = dyn_cast<PaddedMatmulOp>(op))
          product.setConfigAttr(config);
        else if (auto product = dyn_cast<SlotMatmulOp>(op))
          product.setConfigAttr(config);
        else if (auto router = dyn_cast<RouterOp>(op))
          router.setConfigAttr(config);
      });
    }
    getOperation()->setAttr(kTargetAttr, b.getDictionaryAttr({
                                             b.getNamedAttr("chip", b.getStringAttr(known->name)),
                                             b.getNamedAttr("features", b.getStringAttr(known->features)),
                                             b.getNamedAttr("threads", b.getI64IntegerAttr(known->blockThreads)),
                                         }));
  }
};

} // namespace
