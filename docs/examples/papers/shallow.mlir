// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The shallow mixture of Wang and E (NeurIPS 2025, arXiv 2505.24205): one layer, a linear gate without a bias, and 4
// ReLU networks of one hidden layer of width 10 with biases, for a function of rows in 16 dimensions near a manifold of
// fewer. The weight of the selected expert is its part of a softmax over all of them, so that the gate can be trained;
// over the selected ones it would be 1.

moe.weight @gate : tensor<4x16xf32> from "gate"
moe.weight @hidden : tensor<4x10x16xf32> from "hidden"
moe.weight @hidden_bias : tensor<4x10xf32> from "hidden_bias"
moe.weight @head : tensor<4x1x10xf32> from "head"
moe.weight @head_bias : tensor<4x1xf32> from "head_bias"

moe.layer @moe0 block 0 = @shallow(@gate, @hidden, @hidden_bias, @head, @head_bias)

func.func @shallow(%x: tensor<?x16xf32>, %gate: tensor<4x16xf32>, %hidden: tensor<4x10x16xf32>,
    %hidden_bias: tensor<4x10xf32>, %head: tensor<4x1x10xf32>, %head_bias: tensor<4x1xf32>) -> tensor<?x1xf32> {
  %logits = moe.score.affine %x, %gate : tensor<?x16xf32>, tensor<4x16xf32> -> tensor<?x4xf32>
  %routing = moe.route %logits select #moe.top_k<1> rank logits weigh #moe.softmax over all
      : tensor<?x4xf32> -> !moe.routing<4, 1, f32>
  %rows = moe.dispatch %x by %routing : tensor<?x16xf32>, !moe.routing<4, 1, f32> -> !moe.ragged<4, 16, f32>
  %y = moe.experts %rows weights %hidden, %hidden_bias, %head, %head_bias
      : !moe.ragged<4, 16, f32>, tensor<4x10x16xf32>, tensor<4x10xf32>, tensor<4x1x10xf32>, tensor<4x1xf32>
      -> !moe.ragged<4, 1, f32> {
  ^bb0(%r: tensor<?x16xf32>, %w: tensor<10x16xf32>, %wb: tensor<10xf32>, %h: tensor<1x10xf32>, %hb: tensor<1xf32>):
    %z = moe.linear %r, %w : tensor<?x16xf32>, tensor<10x16xf32> -> tensor<?x10xf32>
    %zr = moe.map %z, %wb : tensor<?x10xf32>, tensor<10xf32> -> tensor<?x10xf32> {
    ^bb0(%v: f32, %shift: f32):
      %zero = arith.constant 0.0 : f32
      %sum = arith.addf %v, %shift : f32
      %max = arith.maximumf %sum, %zero : f32
      moe.yield %max : f32
    }
    %o = moe.linear %zr, %h : tensor<?x10xf32>, tensor<1x10xf32> -> tensor<?x1xf32>
    %ob = moe.map %o, %hb : tensor<?x1xf32>, tensor<1xf32> -> tensor<?x1xf32> {
    ^bb0(%v: f32, %shift: f32):
      %sum = arith.addf %v, %shift : f32
      moe.yield %sum : f32
    }
    moe.yield %ob : tensor<?x1xf32>
  }
  %output = moe.combine %y by %routing weighted_sum
      : !moe.ragged<4, 1, f32>, !moe.routing<4, 1, f32> -> tensor<?x1xf32>
  return %output : tensor<?x1xf32>
}
