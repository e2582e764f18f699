// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- ExpandBF16.cpp - conversions to and from bf16 where the machine has none ---------------------------===//

#include "moe/Codegen/CPU/MachineLevel.h"
#include "moe/Codegen/CPU/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::moe {
#define GEN_PASS_DEF_EXPANDBF16
#include "moe/Codegen/CPU/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

namespace {

struct ExpandBF16 : moe::impl::ExpandBF16Base<ExpandBF16> {
  using ExpandBF16Base::ExpandBF16Base;

  void runOnOperation() override {
    RewritePatternSet expansions(&getContext());
    arith::populateExpandBFloat16Patterns(expansions);
    FrozenRewritePatternSet patterns(std::move(expansions));
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      const MachineLevel *machine = machineLevelOf(function, level);
      if (!machine)
        return signalPassFailure();
      if (!machine->convertsToBF16() && failed(applyPatternsGreedily(function, patterns)))
        return signalPassFailure();
    }
  }
};

} // namespace
