// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The pass that states what can be read off a layer.

#ifndef MOE_ANALYSIS_PASSES_TD
#define MOE_ANALYSIS_PASSES_TD

include "mlir/Pass/PassBase.td"

def Analyze : Pass<"moe-analyze", "mlir::ModuleOp"> {
  let summary = "State what can be read off each layer: sizes, costs, bounds, warnings";
  let description = [{
    Prints a table of every `moe.layer`, and of every function with a routing
    that no layer names, to standard output, as comments before the module; with
    `json=FILE` it writes JSON to a file instead. The module stays as it is. What
    is suspicious is a warning, too.

    Numbers that IR does not have, such as a number of samples, are given by the
    dictionary `moe.assume` of the layer or function; a quantity that lacks one
    says so (`needs`). Each quantity says where its formula comes from and
    whether it is exact (counted), a bound (an inequality, constants included)
    or an order (constants, mostly logarithms too, left out by the source).

    ```mlir
    func.func @sparse(%x: tensor<?x5xf32>, %router: tensor<8x5xf32>, %w: tensor<8x1x5xf32>) -> tensor<?x1xf32>
        attributes {moe.assume = {samples = 10000, confidence = 0.05, rademacher = 0.01}} {
      %logits = moe.score.affine %x, %router : tensor<?x5xf32>, tensor<8x5xf32> -> tensor<?x8xf32>
      %routing = moe.route %logits select #moe.top_k<2> rank logits weigh #moe.softmax over selected
          : tensor<?x8xf32> -> !moe.routing<8, 2, f32>
      %rows = moe.dispatch %x by %routing : tensor<?x5xf32>, !moe.routing<8, 2, f32> -> !moe.ragged<8, 5, f32>
      %outputs = moe.experts %rows weights %w : !moe.ragged<8, 5, f32>, tensor<8x1x5xf32> -> !moe.ragged<8, 1, f32> {
      ^bb0(%r: tensor<?x5xf32>, %v: tensor<1x5xf32>):
        %y = moe.linear %r, %v : tensor<?x5xf32>, tensor<1x5xf32> -> tensor<?x1xf32>
        moe.yield %y : tensor<?x1xf32>
      }
      %y = moe.combine %outputs by %routing weighted_sum
          : !moe.ragged<8, 1, f32>, !moe.routing<8, 2, f32> -> tensor<?x1xf32>
      return %y : tensor<?x1xf32>
    }
    ```

    gives, among other lines,

    ```
    // layer @sparse: 8 experts, 2 selected
    //   parameters            exact  total 80, active 50, expert 5
    //   natarajan             bound  features 5, lower 0, upper 40
    //   generalization_bound  order  value 0.4355575, lipschitz 1, rademacher 0.01, natarajan 40, samples 10000, confidence 0.05
    ```
  }];
  let options = [Option<"json", "json", "std::string", /*default=*/"", "write JSON to this file instead of a table">];
}

#endif // MOE_ANALYSIS_PASSES_TD
