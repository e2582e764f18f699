// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- SetFunctionTargets.cpp - functions of other machine levels than their module -----------------------===//

#include "moe/Target/Machine.h"
#include "moe/Target/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace mlir::moe {
#define GEN_PASS_DEF_SETFUNCTIONTARGETS
#include "moe/Target/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

namespace {

struct SetFunctionTargets : mlir::moe::impl::SetFunctionTargetsBase<SetFunctionTargets> {
  void runOnOperation() override {
    for (auto function : getOperation().getOps<LLVM::LLVMFuncOp>()) {
      if (!function->hasAttr(kTargetAttr))
        continue;
      TargetSpec spec = targetSpecOf(function);
      function.setTargetCpu(spec.cpu);
      if (!spec.features.empty())
        function.setTargetFeaturesAttr(LLVM::TargetFeaturesAttr::get(&getContext(), spec.features));
      function->removeAttr(kTargetAttr);
      function->removeAttr(kLevelAttr);
    }
  }
};

} // namespace
