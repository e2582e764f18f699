// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A mixture of 64 MLPs behind a tree of prototypes (MoMLP, Kratsios et al., TMLR 2025): 3 levels, each of which goes to
// the nearest of 4 children. So 12 distances are computed instead of 64, and a row needs 4836 of 304032 bytes. Where
// cells nest, as those of a dyadic grid do, the leaf is the nearest of all prototypes; in general it need not be.

moe.weight @top : tensor<4x2xf32> from "top"
moe.weight @middle : tensor<16x2xf32> from "middle"
moe.weight @prototypes : tensor<64x2xf32> from "prototypes"
moe.weight @w1 : tensor<64x32x2xf32> from "w1"
moe.weight @b1 : tensor<64x32xf32> from "b1"
moe.weight @w2 : tensor<64x32x32xf32> from "w2"
moe.weight @b2 : tensor<64x32xf32> from "b2"
moe.weight @w3 : tensor<64x1x32xf32> from "w3"
moe.weight @b3 : tensor<64x1xf32> from "b3"

moe.layer @moe0 block 0 = @momlp_tree(@top, @middle, @prototypes, @w1, @b1, @w2, @b2, @w3, @b3)

func.func @momlp_tree(%x: tensor<?x2xf32>, %top: tensor<4x2xf32>, %middle: tensor<16x2xf32>, %prototypes: tensor<64x2xf32>,
    %w1: tensor<64x32x2xf32>, %b1: tensor<64x32xf32>, %w2: tensor<64x32x32xf32>, %b2: tensor<64x32xf32>,
    %w3: tensor<64x1x32xf32>, %b3: tensor<64x1xf32>) -> (tensor<?x1xf32>, tensor<?x1xi32>) {
  %d4 = moe.score.neg_distance %x, %top power 2 : tensor<?x2xf32>, tensor<4x2xf32> -> tensor<?x4xf32>
  %node4 = moe.route %d4 select #moe.top_k<1> rank logits weigh #moe.one over each
      : tensor<?x4xf32> -> !moe.routing<4, 1, f32>
  %d16 = moe.score.neg_distance %x, %middle power 2 : tensor<?x2xf32>, tensor<16x2xf32> -> tensor<?x16xf32>
  %node16 = moe.route_within %node4, %d16 select #moe.top_k<1> weigh #moe.one over each
      : !moe.routing<4, 1, f32>, tensor<?x16xf32> -> !moe.routing<16, 1, f32>
  %d64 = moe.score.neg_distance %x, %prototypes power 2 : tensor<?x2xf32>, tensor<64x2xf32> -> tensor<?x64xf32>
  %node64 = moe.route_within %node16, %d64 select #moe.top_k<1> weigh #moe.one over each
      : !moe.routing<16, 1, f32>, tensor<?x64xf32> -> !moe.routing<64, 1, f32>
  %rows = moe.dispatch %x by %node64 : tensor<?x2xf32>, !moe.routing<64, 1, f32> -> !moe.ragged<64, 2, f32>
  %outputs = moe.experts %rows weights %w1, %b1, %w2, %b2, %w3, %b3
      : !moe.ragged<64, 2, f32>, tensor<64x32x2xf32>, tensor<64x32xf32>, tensor<64x32x32xf32>, tensor<64x32xf32>,
        tensor<64x1x32xf32>, tensor<64x1xf32> -> !moe.ragged<64, 1, f32> {
  ^bb0(%r: tensor<?x2xf32>, %u: tensor<32x2xf32>, %ub: tensor<32xf32>, %mid: tensor<32x32xf32>, %vb: tensor<32xf32>,
       %h: tensor<1x32xf32>, %hb: tensor<1xf32>):
    %z = moe.linear %r, %u : tensor<?x2xf32>, tensor<32x2xf32> -> tensor<?x32xf32>
    %zr = moe.map %z, %ub : tensor<?x32xf32>, tensor<32xf32> -> tensor<?x32xf32> {
    ^bb0(%v: f32, %shift: f32):
      %zero = arith.constant 0.0 : f32
      %sum = arith.addf %v, %shift : f32
      %max = arith.maximumf %sum, %zero : f32
      moe.yield %max : f32
    }
    %y = moe.linear %zr, %mid : tensor<?x32xf32>, tensor<32x32xf32> -> tensor<?x32xf32>
    %yr = moe.map %y, %vb : tensor<?x32xf32>, tensor<32xf32> -> tensor<?x32xf32> {
    ^bb0(%v: f32, %shift: f32):
      %zero = arith.constant 0.0 : f32
      %sum = arith.addf %v, %shift : f32
      %max = arith.maximumf %sum, %zero : f32
      moe.yield %max : f32
    }
    %o = moe.linear %yr, %h : tensor<?x32xf32>, tensor<1x32xf32> -> tensor<?x1xf32>
    %ob = moe.map %o, %hb : tensor<?x1xf32>, tensor<1xf32> -> tensor<?x1xf32> {
    ^bb0(%v: f32, %shift: f32):
      %sum = arith.addf %v, %shift : f32
      moe.yield %sum : f32
    }
    moe.yield %ob : tensor<?x1xf32>
  }
  %output = moe.combine %outputs by %node64 sum : !moe.ragged<64, 1, f32>, !moe.routing<64, 1, f32> -> tensor<?x1xf32>
  %leaves, %weights = moe.unpack_routing %node64 : !moe.routing<64, 1, f32> -> tensor<?x1xi32>, tensor<?x1xf32>
  return %output, %leaves : tensor<?x1xf32>, tensor<?x1xi32>
}
