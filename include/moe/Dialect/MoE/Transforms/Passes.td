// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Passes from moe to moe. The example of each description is the first case of test/Dialect/MoE/Transforms/<pass>.mlir,
// word for word; test/Meta/pass-examples.test holds the two together.

#ifndef MOE_TRANSFORMS_PASSES
#define MOE_TRANSFORMS_PASSES

include "mlir/Pass/PassBase.td"

def ToGrouped : Pass<"moe-to-grouped", "::mlir::ModuleOp"> {
  let summary = "Lower the model form to plain tensors whose rows are sorted by expert";
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

#endif // MOE_TRANSFORMS_PASSES
