// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How score functions and selections become IR. External models implement these, so that the dialect links no lowering.

#ifndef MOE_ROUTER_INTERFACES_TD
#define MOE_ROUTER_INTERFACES_TD

include "mlir/IR/OpBase.td"

def ScoreFunctionEmitter : AttrInterface<"ScoreFunctionEmitter"> {
  let cppNamespace = "::mlir::moe";
  let description = [{
    Emission of a score function. All values are f32 or vectors of f32; a
    score is computed for one logit or for a vector of them by the same code.
  }];
  let methods = [
    InterfaceMethod<[{
        Emits the statistics (f32 each) that scores over a set of logits need.
        `reduce(kind, map)` folds `map(logit)` over the set. A function that
        looks at one logit alone has none.
      }],
      "::llvm::SmallVector<::mlir::Value>", "emitStatistics",
      (ins "::mlir::OpBuilder &":$b, "::mlir::Location":$loc, "::mlir::moe::ReduceFn":$reduce)>,
    InterfaceMethod<"Emits the score of a logit (f32, or a vector of f32) given the statistics of its set.",
      "::mlir::Value", "emitScore",
      (ins "::mlir::OpBuilder &":$b, "::mlir::Location":$loc, "::mlir::Value":$logit,
           "::mlir::ValueRange":$statistics)>,
  ];
}

def SelectEmitter : AttrInterface<"SelectEmitter"> {
  let cppNamespace = "::mlir::moe";
  let description = [{
    Emission of a selection of experts for one row. Both forms obey one total
    order: larger first, ties to the lowest index, -0 equal to +0, NaN last;
    ids are distinct and in range whatever the numbers are. Selections of rows
    need none: their window and count say all there is to them (RowChoice).
  }];
  let methods = [
    InterfaceMethod<"Emits the plain form: from rank values `tensor<Exf32>` to ids `tensor<Kxi32>`, best first.",
      "::mlir::Value", "emitReference",
      (ins "::mlir::OpBuilder &":$b, "::mlir::Location":$loc, "::mlir::Value":$rank)>,
    InterfaceMethod<[{
        Types of the tensors that `emitSelection` works in. They are passed in
        from outside of the loop over rows, so that they become one buffer for
        all rows.
      }],
      "::llvm::SmallVector<::mlir::RankedTensorType>", "getScratchTypes", (ins "int64_t":$experts)>,
    InterfaceMethod<[{
        Emits the fast form. `rankAt(index, lanes)` gives rank values. Returns
        ids `tensor<Kxi32>`, best first, written to `idsInit`, and leaves the
        new values of the scratch tensors in `scratch`.
      }],
      "::mlir::Value", "emitSelection",
      (ins "::mlir::OpBuilder &":$b, "::mlir::Location":$loc, "int64_t":$experts, "::mlir::moe::RankAtFn":$rankAt,
           "::mlir::Value":$idsInit, "::llvm::MutableArrayRef<::mlir::Value>":$scratch)>,
  ];
}

#endif // MOE_ROUTER_INTERFACES_TD
