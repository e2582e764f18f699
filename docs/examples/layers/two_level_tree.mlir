// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A two-level tree of prototypes: a row goes to the nearest of 4 nodes, then to the nearest of that node's 4 leaves,
// whose expert is a small MLP with a learned PReLU slope.

moe.weight @nodes : tensor<4x2xf32> from "nodes"
moe.weight @leaves : tensor<16x2xf32> from "leaves"
moe.weight @hidden : tensor<16x32x2xf32> from "hidden"
moe.weight @slope : tensor<16x32xf32> from "slope"
moe.weight @head : tensor<16x1x32xf32> from "head"

moe.layer @moe0 block 0 = @two_level_tree(@nodes, @leaves, @hidden, @slope, @head)

func.func @two_level_tree(%x: tensor<?x2xf32>, %nodes: tensor<4x2xf32>, %leaves: tensor<16x2xf32>,
                          %hidden: tensor<16x32x2xf32>, %slope: tensor<16x32xf32>, %head: tensor<16x1x32xf32>)
    -> tensor<?x1xf32> {
  %near = moe.score.neg_distance %x, %nodes power 2 : tensor<?x2xf32>, tensor<4x2xf32> -> tensor<?x4xf32>
  %node = moe.route %near select #moe.top_k<1> rank logits weigh #moe.one over each
      : tensor<?x4xf32> -> !moe.routing<4, 1, f32>
  %nearer = moe.score.neg_distance %x, %leaves power 2 : tensor<?x2xf32>, tensor<16x2xf32> -> tensor<?x16xf32>
  %leaf = moe.route_within %node, %nearer select #moe.top_k<1> weigh #moe.one over each
      : !moe.routing<4, 1, f32>, tensor<?x16xf32> -> !moe.routing<16, 1, f32>
  %rows = moe.dispatch %x by %leaf : tensor<?x2xf32>, !moe.routing<16, 1, f32> -> !moe.ragged<16, 2, f32>
  %outputs = moe.experts %rows weights %hidden, %slope, %head
      : !moe.ragged<16, 2, f32>, tensor<16x32x2xf32>, tensor<16x32xf32>, tensor<16x1x32xf32>
      -> !moe.ragged<16, 1, f32> {
  ^bb0(%r: tensor<?x2xf32>, %w: tensor<32x2xf32>, %a: tensor<32xf32>, %v: tensor<1x32xf32>):
    %z = moe.linear %r, %w : tensor<?x2xf32>, tensor<32x2xf32> -> tensor<?x32xf32>
    %h = moe.map %z, %a : tensor<?x32xf32>, tensor<32xf32> -> tensor<?x32xf32> {
    ^bb0(%value: f32, %alpha: f32):
      %zero = arith.constant 0.0 : f32
      %pos = arith.maximumf %value, %zero : f32
      %neg = arith.minimumf %value, %zero : f32
      %leak = arith.mulf %alpha, %neg : f32
      %prelu = arith.addf %pos, %leak : f32
      moe.yield %prelu : f32
    }
    %y = moe.linear %h, %v : tensor<?x32xf32>, tensor<1x32xf32> -> tensor<?x1xf32>
    moe.yield %y : tensor<?x1xf32>
  }
  %output = moe.combine %outputs by %leaf sum
      : !moe.ragged<16, 1, f32>, !moe.routing<16, 1, f32> -> tensor<?x1xf32>
  return %output : tensor<?x1xf32>
}
