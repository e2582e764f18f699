// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A mixture of MLPs, one for each row: that of the nearest of 16 prototypes (MoMLP, Kratsios et al., TMLR 2025). Experts
// have two hidden layers of 32. A row needs the weights of one expert, whatever the number of prototypes is.

moe.weight @prototypes : tensor<16x2xf32> from "prototypes"
moe.weight @w1 : tensor<16x32x2xf32> from "w1"
moe.weight @b1 : tensor<16x32xf32> from "b1"
moe.weight @w2 : tensor<16x32x32xf32> from "w2"
moe.weight @b2 : tensor<16x32xf32> from "b2"
moe.weight @w3 : tensor<16x1x32xf32> from "w3"
moe.weight @b3 : tensor<16x1xf32> from "b3"

moe.layer @moe0 block 0 = @momlp_flat(@prototypes, @w1, @b1, @w2, @b2, @w3, @b3) {moe.assume = {expert_vc = 10}}

func.func @momlp_flat(%x: tensor<?x2xf32>, %prototypes: tensor<16x2xf32>, %w1: tensor<16x32x2xf32>, %b1: tensor<16x32xf32>, %w2: tensor<16x32x32xf32>, %b2: tensor<16x32xf32>,
    %w3: tensor<16x1x32xf32>, %b3: tensor<16x1xf32>) -> (tensor<?x1xf32>, tensor<?x1xi32>) {
  %near = moe.score.neg_distance %x, %prototypes power 2
      : tensor<?x2xf32>, tensor<16x2xf32> -> tensor<?x16xf32>
  %leaf = moe.route %near select #moe.top_k<1> rank logits weigh #moe.one over each
      : tensor<?x16xf32> -> !moe.routing<16, 1, f32>
  %rows = moe.dispatch %x by %leaf : tensor<?x2xf32>, !moe.routing<16, 1, f32> -> !moe.ragged<16, 2, f32>
  %outputs = moe.experts %rows weights %w1, %b1, %w2, %b2, %w3, %b3
      : !moe.ragged<16, 2, f32>, tensor<16x32x2xf32>, tensor<16x32xf32>, tensor<16x32x32xf32>, tensor<16x32xf32>,
        tensor<16x1x32xf32>, tensor<16x1xf32> -> !moe.ragged<16, 1, f32> {
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
  %output = moe.combine %outputs by %leaf sum : !moe.ragged<16, 1, f32>, !moe.routing<16, 1, f32> -> tensor<?x1xf32>
  %leaves, %weights = moe.unpack_routing %leaf : !moe.routing<16, 1, f32> -> tensor<?x1xi32>, tensor<?x1xf32>
  return %output, %leaves : tensor<?x1xf32>, tensor<?x1xi32>
}
