// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Patch-level routing (pMoE): each expert picks the 2 patches it scores best among the 16 of a sample; experts are
// two-layer patch networks; every patch gets the weighted sum of what the experts that picked it gave.

moe.weight @router : tensor<8x64xf32> from "router"
moe.weight @hidden : tensor<8x5x64xf32> from "hidden"
moe.weight @head : tensor<8x1x5xf32> from "head"

moe.layer @moe0 block 0 = @patch_expert_choice(@router, @hidden, @head)

func.func @patch_expert_choice(%patches: tensor<?x64xf32>, %router: tensor<8x64xf32>, %hidden: tensor<8x5x64xf32>,
                               %head: tensor<8x1x5xf32>) -> tensor<?x1xf32> {
  %logits = moe.score.affine %patches, %router : tensor<?x64xf32>, tensor<8x64xf32> -> tensor<?x8xf32>
  %routing = moe.route %logits select #moe.top_k<2, axis = row, window = 16> rank logits weigh #moe.softmax
      over selected : tensor<?x8xf32> -> !moe.routing<8, 2, f32, row>
  %rows = moe.dispatch %patches by %routing
      : tensor<?x64xf32>, !moe.routing<8, 2, f32, row> -> !moe.ragged<8, 64, f32>
  %outputs = moe.experts %rows weights %hidden, %head
      : !moe.ragged<8, 64, f32>, tensor<8x5x64xf32>, tensor<8x1x5xf32> -> !moe.ragged<8, 1, f32> {
  ^bb0(%r: tensor<?x64xf32>, %w: tensor<5x64xf32>, %a: tensor<1x5xf32>):
    %z = moe.linear %r, %w : tensor<?x64xf32>, tensor<5x64xf32> -> tensor<?x5xf32>
    %relu = moe.map %z : tensor<?x5xf32> -> tensor<?x5xf32> {
    ^bb0(%v: f32):
      %zero = arith.constant 0.0 : f32
      %max = arith.maximumf %v, %zero : f32
      moe.yield %max : f32
    }
    %y = moe.linear %relu, %a : tensor<?x5xf32>, tensor<1x5xf32> -> tensor<?x1xf32>
    moe.yield %y : tensor<?x1xf32>
  }
  %output = moe.combine %outputs by %routing weighted_sum like %patches
      : !moe.ragged<8, 1, f32>, !moe.routing<8, 2, f32, row>, tensor<?x64xf32> -> tensor<?x1xf32>
  return %output : tensor<?x1xf32>
}
