// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Passes from moe to moe. The first example of a description is the first case of its test in
// test/Dialect/MoE/Transforms, word for word, and becomes the second (test/Meta/pass-examples.test).

#ifndef MOE_TRANSFORMS_PASSES
#define MOE_TRANSFORMS_PASSES

include "mlir/Pass/PassBase.td"
include "moe/Dialect/MoE/Transforms/GroupedPasses.td"
include "moe/Dialect/MoE/Transforms/ModelPasses.td"
include "moe/Dialect/MoE/Transforms/VariantPasses.td"

def VerifyForm : Pass<"moe-verify-form"> {
  let summary = "Check that nothing is left of the forms above";
  let description = [{
    Closes a stage of a pipeline. `model` has no op of the grouped form yet,
    `grouped` no op or type of the model form, `linalg` no op of either form
    (`moe.weight` and `moe.layer` are in neither), `kernel` no tensors, and
    `target` consists of the LLVM dialect alone. The error names what is left and what
    would have removed it. Scores and row-wise ops on plain rows are in both
    forms. By default an op of the grouped form is an error:

    ```mlir
    func.func @early(%ids: tensor<?x2xi32>, %o: tensor<9xindex>, %t: tensor<?xindex>) {
      %offsets, %tokens, %slots = moe.plan %ids : tensor<?x2xi32>
          outs(%o, %t, %t : tensor<9xindex>, tensor<?xindex>, tensor<?xindex>)
          -> tensor<9xindex>, tensor<?xindex>, tensor<?xindex>
      return
    }
    ```
  }];
  let options = [
    Option<"form", "form", "::mlir::moe::Form", "::mlir::moe::Form::Model", "the form to check",
      [{::llvm::cl::values(
        clEnumValN(::mlir::moe::Form::Model, "model", "what a layer computes"),
        clEnumValN(::mlir::moe::Form::Grouped, "grouped", "rows sorted by expert, grouped products"),
        clEnumValN(::mlir::moe::Form::Linalg, "linalg", "loops over tiles with linalg inside"),
        clEnumValN(::mlir::moe::Form::Kernel, "kernel", "vector loops on buffers"),
        clEnumValN(::mlir::moe::Form::Target, "target", "the LLVM dialect"))}]>,
  ];
}

#endif // MOE_TRANSFORMS_PASSES
