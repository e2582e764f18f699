// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Patch-level routing with routers that are trained first, on their own (pMoE, Chowdhury et al., ICML 2023): each of 2
// experts, two-layer networks of 20 neurons, takes the l = 2 patches it scores best of the 16 of a sample, all with the
// same weight, 1 / l. A sample is 16 consecutive rows, and its output the sum of theirs: a patch that no expert picked
// has 0.

moe.weight @router : tensor<2x784xf32> from "router"
moe.weight @hidden : tensor<2x20x784xf32> from "hidden"
moe.weight @head : tensor<2x1x20xf32> from "head"

moe.layer @moe0 block 0 = @patches_separate(@router, @hidden, @head)

func.func @patches_separate(%patches: tensor<?x784xf32>, %router: tensor<2x784xf32>, %hidden: tensor<2x20x784xf32>,
                  %head: tensor<2x1x20xf32>) -> tensor<?x1xf32> {
  %logits = moe.score.affine %patches, %router : tensor<?x784xf32>, tensor<2x784xf32> -> tensor<?x2xf32>
  %routing = moe.route %logits select #moe.top_k<2, axis = row, window = 16> rank logits weigh #moe.one over each scale 0.5
      : tensor<?x2xf32> -> !moe.routing<2, 2, f32, row>
  %rows = moe.dispatch %patches by %routing : tensor<?x784xf32>, !moe.routing<2, 2, f32, row> -> !moe.ragged<2, 784, f32>
  %outputs = moe.experts %rows weights %hidden, %head
      : !moe.ragged<2, 784, f32>, tensor<2x20x784xf32>, tensor<2x1x20xf32> -> !moe.ragged<2, 1, f32> {
  ^bb0(%r: tensor<?x784xf32>, %w: tensor<20x784xf32>, %a: tensor<1x20xf32>):
    %z = moe.linear %r, %w : tensor<?x784xf32>, tensor<20x784xf32> -> tensor<?x20xf32>
    %relu = moe.map %z : tensor<?x20xf32> -> tensor<?x20xf32> {
    ^bb0(%v: f32):
      %zero = arith.constant 0.0 : f32
      %max = arith.maximumf %v, %zero : f32
      moe.yield %max : f32
    }
    %y = moe.linear %relu, %a : tensor<?x20xf32>, tensor<1x20xf32> -> tensor<?x1xf32>
    moe.yield %y : tensor<?x1xf32>
  }
  %output = moe.combine %outputs by %routing weighted_sum like %patches
      : !moe.ragged<2, 1, f32>, !moe.routing<2, 2, f32, row>, tensor<?x784xf32> -> tensor<?x1xf32>
  return %output : tensor<?x1xf32>
}
