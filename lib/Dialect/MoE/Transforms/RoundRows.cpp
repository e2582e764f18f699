// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- RoundRows.cpp - rows of products by quantised weights are rounded, too -----------------------------===//

#include "Remarks.h"
#include "moe/Dialect/MoE/IR/MoE.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mlir::moe {
#define GEN_PASS_DEF_ROUNDROWS
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

/// The kernel's argument that `matrix` is, or that the experts' bodies cut it from.
static BlockArgument weightOf(Value matrix) {
  auto argument = dyn_cast<BlockArgument>(matrix);
  if (!argument)
    return {};
  Operation *parent = argument.getOwner()->getParentOp();
  if (auto experts = dyn_cast<ExpertsOp>(parent)) {
    unsigned rows = experts.getRows().size();
    return argument.getArgNumber() < rows ? BlockArgument()
                                          : weightOf(experts.getWeights()[argument.getArgNumber() - rows]);
  }
  return isa<func::FuncOp>(parent) ? argument : BlockArgument();
}

namespace {

struct RoundRows : moe::impl::RoundRowsBase<RoundRows> {
  using RoundRowsBase::RoundRowsBase;

  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      // Products of the same rows go on to share them, as moe-fuse-gate-up looks for.
      DenseMap<Value, Value> rounded;
      function.walk([&](LinearOp linear) {
        if (!llvm::all_of(linear.getMatrices(), [&](Value matrix) { return isRounded(function, matrix); }))
          return;
        Value &rows = rounded[linear.getRows()];
        if (!rows)
          rows = round(linear.getRows());
        linear.getRowsMutable().assign(rows);
      });
      if (!rounded.empty())
        remark::passed(function.getLoc(),
                       remark::RemarkOpts::name("rounded").category(getArgument()).function(function.getName()))
            << "rows of products: " + std::to_string(rounded.size());
    }
  }

private:
  bool isRounded(func::FuncOp function, Value matrix) {
    BlockArgument weight = weightOf(matrix);
    auto format = weight ? function.getArgAttrOfType<StringAttr>(weight.getArgNumber(), kFormatAttr) : StringAttr();
    return format && llvm::is_contained(formats, format.getValue());
  }

  /// As soon as the rows are there, so that it is before every product.
  static Value round(Value rows) {
    OpBuilder b(rows.getContext());
    b.setInsertionPointAfterValue(rows);
    auto type = cast<RankedTensorType>(rows.getType());
    return RoundRowsOp::create(b, rows.getLoc(), type.clone(b.getF32Type()), rows);
  }
};

} // namespace
