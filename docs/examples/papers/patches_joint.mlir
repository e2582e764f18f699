// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Patch-level routing with routers that are trained with the experts (pMoE, Chowdhury et al., ICML 2023): each of 8
// experts of 5 neurons takes its l = 6 best of the 16 patches of a sample, weighted by a softmax over these 6, divided
// by l. The output of a sample is the sum of its 16 rows.

moe.weight @router : tensor<8x784xf32> from "router"
moe.weight @hidden : tensor<8x5x784xf32> from "hidden"
moe.weight @head : tensor<8x1x5xf32> from "head"

moe.layer @moe0 block 0 = @patches_joint(@router, @hidden, @head)

func.func @patches_joint(%patches: tensor<?x784xf32>, %router: tensor<8x784xf32>, %hidden: tensor<8x5x784xf32>,
                  %head: tensor<8x1x5xf32>) -> tensor<?x1xf32> {
  %logits = moe.score.affine %patches, %router : tensor<?x784xf32>, tensor<8x784xf32> -> tensor<?x8xf32>
  %routing = moe.route %logits select #moe.top_k<6, axis = row, window = 16> rank logits weigh #moe.softmax over selected scale 0.16666666666666666
      : tensor<?x8xf32> -> !moe.routing<8, 6, f32, row>
  %rows = moe.dispatch %patches by %routing : tensor<?x784xf32>, !moe.routing<8, 6, f32, row> -> !moe.ragged<8, 784, f32>
  %outputs = moe.experts %rows weights %hidden, %head
      : !moe.ragged<8, 784, f32>, tensor<8x5x784xf32>, tensor<8x1x5xf32> -> !moe.ragged<8, 1, f32> {
  ^bb0(%r: tensor<?x784xf32>, %w: tensor<5x784xf32>, %a: tensor<1x5xf32>):
    %z = moe.linear %r, %w : tensor<?x784xf32>, tensor<5x784xf32> -> tensor<?x5xf32>
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
      : !moe.ragged<8, 1, f32>, !moe.routing<8, 6, f32, row>, tensor<?x784xf32> -> tensor<?x1xf32>
  return %output : tensor<?x1xf32>
}
