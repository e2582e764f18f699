// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- ForkLevels.cpp - one kernel for each machine level, in one library ---------------------------------===//

#include "moe/Codegen/CPU/MachineLevel.h"
#include "moe/Codegen/CPU/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mlir::moe {
#define GEN_PASS_DEF_FORKLEVELS
#include "moe/Codegen/CPU/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

/// A symbol for the kernel of one level: "olmoe" and "x86-64-v4" give "olmoe_x86_64_v4".
static std::string variantName(StringRef kernel, StringRef level) {
  std::string name = (kernel + "_" + level).str();
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

namespace {

struct ForkLevels : moe::impl::ForkLevelsBase<ForkLevels> {
  using ForkLevelsBase::ForkLevelsBase;

  void runOnOperation() override {
    SmallVector<StringRef> names;
    for (const std::string &name : levels) {
      if (!findMachineLevel(name)) {
        getOperation()->emitError("unknown machine level: ") << name;
        return signalPassFailure();
      }
      names.push_back(name);
    }
    if (names.size() < 2)
      return;
    llvm::StringMap<ArrayAttr> forked;
    for (auto layer : getOperation().getOps<LayerOp>()) {
      StringRef kernel = layer.getKernel();
      auto [known, fresh] = forked.try_emplace(kernel);
      if (fresh)
        known->second = fork(kernel, names);
      if (!known->second)
        return signalPassFailure();
      layer.setKernelAttr(cast<FlatSymbolRefAttr>(known->second[0]));
      layer.setVariantsAttr(known->second);
    }
    for (auto &entry : forked)
      getOperation().lookupSymbol(entry.getKey())->erase();
  }

private:
  /// Copies of a kernel, one for each level, that say so.
  ArrayAttr fork(StringRef kernel, ArrayRef<StringRef> names) {
    auto function = getOperation().lookupSymbol<func::FuncOp>(kernel);
    if (!function) {
      getOperation()->emitError("expects the kernel @") << kernel << " to be a func.func";
      return {};
    }
    OpBuilder b(function);
    SmallVector<Attribute> variants;
    for (StringRef level : names) {
      auto copy = cast<func::FuncOp>(b.clone(*function));
      copy.setName(variantName(kernel, level));
      copy->setAttr(kLevelAttr, b.getStringAttr(level));
      variants.push_back(FlatSymbolRefAttr::get(copy.getNameAttr()));
    }
    return b.getArrayAttr(variants);
  }
};

} // namespace
