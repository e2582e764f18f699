// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A deep mixture that represents 3^2 = 9 pieces with 2 layers of 3 experts, constructed as in Wang and E (NeurIPS 2025,
// arXiv 2505.24205): layer l sends a row to the expert of the interval [i - 1, i] that its coordinate x_l is in, and the
// expert, a ReLU network of one hidden layer of width m = 16, replaces the coordinate by the piecewise linear
// interpolant of f_i(x_l). It gives what it adds to the row. Results are the row at the end and the expert of each layer.

moe.weight @gate0 : tensor<3x2xf32> from "gate0"
moe.weight @gate_bias0 : tensor<3xf32> from "gate_bias0"
moe.weight @hidden0 : tensor<3x16x2xf32> from "hidden0"
moe.weight @hidden_bias0 : tensor<3x16xf32> from "hidden_bias0"
moe.weight @head0 : tensor<3x2x16xf32> from "head0"
moe.weight @head_bias0 : tensor<3x2xf32> from "head_bias0"
moe.weight @gate1 : tensor<3x2xf32> from "gate1"
moe.weight @gate_bias1 : tensor<3xf32> from "gate_bias1"
moe.weight @hidden1 : tensor<3x16x2xf32> from "hidden1"
moe.weight @hidden_bias1 : tensor<3x16xf32> from "hidden_bias1"
moe.weight @head1 : tensor<3x2x16xf32> from "head1"
moe.weight @head_bias1 : tensor<3x2xf32> from "head_bias1"

moe.layer @moe0 block 0 = @deep(@gate0, @gate_bias0, @hidden0, @hidden_bias0, @head0, @head_bias0,
    @gate1, @gate_bias1, @hidden1, @hidden_bias1, @head1, @head_bias1)

func.func @deep(%x0: tensor<?x2xf32>, %gate0: tensor<3x2xf32>, %gate_bias0: tensor<3xf32>, %hidden0: tensor<3x16x2xf32>,
    %hidden_bias0: tensor<3x16xf32>, %head0: tensor<3x2x16xf32>, %head_bias0: tensor<3x2xf32>,
    %gate1: tensor<3x2xf32>, %gate_bias1: tensor<3xf32>, %hidden1: tensor<3x16x2xf32>,
    %hidden_bias1: tensor<3x16xf32>, %head1: tensor<3x2x16xf32>, %head_bias1: tensor<3x2xf32>)
    -> (tensor<?x2xf32>, tensor<?x1xi32>, tensor<?x1xi32>) {
  %logits0 = moe.score.affine %x0, %gate0 bias %gate_bias0
      : tensor<?x2xf32>, tensor<3x2xf32>, tensor<3xf32> -> tensor<?x3xf32>
  %r0 = moe.route %logits0 select #moe.top_k<1> rank logits weigh #moe.one over each : tensor<?x3xf32> -> !moe.routing<3, 1, f32>
  %rows0 = moe.dispatch %x0 by %r0 : tensor<?x2xf32>, !moe.routing<3, 1, f32> -> !moe.ragged<3, 2, f32>
  %y0 = moe.experts %rows0 weights %hidden0, %hidden_bias0, %head0, %head_bias0
      : !moe.ragged<3, 2, f32>, tensor<3x16x2xf32>, tensor<3x16xf32>, tensor<3x2x16xf32>, tensor<3x2xf32>
      -> !moe.ragged<3, 2, f32> {
  ^bb0(%r: tensor<?x2xf32>, %w: tensor<16x2xf32>, %wb: tensor<16xf32>, %h: tensor<2x16xf32>, %hb: tensor<2xf32>):
    %z = moe.linear %r, %w : tensor<?x2xf32>, tensor<16x2xf32> -> tensor<?x16xf32>
    %zr = moe.map %z, %wb : tensor<?x16xf32>, tensor<16xf32> -> tensor<?x16xf32> {
    ^bb0(%v: f32, %shift: f32):
      %zero = arith.constant 0.0 : f32
      %sum = arith.addf %v, %shift : f32
      %max = arith.maximumf %sum, %zero : f32
      moe.yield %max : f32
    }
    %o = moe.linear %zr, %h : tensor<?x16xf32>, tensor<2x16xf32> -> tensor<?x2xf32>
    %ob = moe.map %o, %hb : tensor<?x2xf32>, tensor<2xf32> -> tensor<?x2xf32> {
    ^bb0(%v: f32, %shift: f32):
      %sum = arith.addf %v, %shift : f32
      moe.yield %sum : f32
    }
    moe.yield %ob : tensor<?x2xf32>
  }
  %added0 = moe.combine %y0 by %r0 sum : !moe.ragged<3, 2, f32>, !moe.routing<3, 1, f32> -> tensor<?x2xf32>
  %x1 = moe.map %x0, %added0 : tensor<?x2xf32>, tensor<?x2xf32> -> tensor<?x2xf32> {
  ^bb0(%a: f32, %b: f32):
    %sum = arith.addf %a, %b : f32
    moe.yield %sum : f32
  }
  %ids0, %ones0 = moe.unpack_routing %r0 : !moe.routing<3, 1, f32> -> tensor<?x1xi32>, tensor<?x1xf32>
  %logits1 = moe.score.affine %x1, %gate1 bias %gate_bias1
      : tensor<?x2xf32>, tensor<3x2xf32>, tensor<3xf32> -> tensor<?x3xf32>
  %r1 = moe.route %logits1 select #moe.top_k<1> rank logits weigh #moe.one over each : tensor<?x3xf32> -> !moe.routing<3, 1, f32>
  %rows1 = moe.dispatch %x1 by %r1 : tensor<?x2xf32>, !moe.routing<3, 1, f32> -> !moe.ragged<3, 2, f32>
  %y1 = moe.experts %rows1 weights %hidden1, %hidden_bias1, %head1, %head_bias1
      : !moe.ragged<3, 2, f32>, tensor<3x16x2xf32>, tensor<3x16xf32>, tensor<3x2x16xf32>, tensor<3x2xf32>
      -> !moe.ragged<3, 2, f32> {
  ^bb0(%r: tensor<?x2xf32>, %w: tensor<16x2xf32>, %wb: tensor<16xf32>, %h: tensor<2x16xf32>, %hb: tensor<2xf32>):
    %z = moe.linear %r, %w : tensor<?x2xf32>, tensor<16x2xf32> -> tensor<?x16xf32>
    %zr = moe.map %z, %wb : tensor<?x16xf32>, tensor<16xf32> -> tensor<?x16xf32> {
    ^bb0(%v: f32, %shift: f32):
      %zero = arith.constant 0.0 : f32
      %sum = arith.addf %v, %shift : f32
      %max = arith.maximumf %sum, %zero : f32
      moe.yield %max : f32
    }
    %o = moe.linear %zr, %h : tensor<?x16xf32>, tensor<2x16xf32> -> tensor<?x2xf32>
    %ob = moe.map %o, %hb : tensor<?x2xf32>, tensor<2xf32> -> tensor<?x2xf32> {
    ^bb0(%v: f32, %shift: f32):
      %sum = arith.addf %v, %shift : f32
      moe.yield %sum : f32
    }
    moe.yield %ob : tensor<?x2xf32>
  }
  %added1 = moe.combine %y1 by %r1 sum : !moe.ragged<3, 2, f32>, !moe.routing<3, 1, f32> -> tensor<?x2xf32>
  %x2 = moe.map %x1, %added1 : tensor<?x2xf32>, tensor<?x2xf32> -> tensor<?x2xf32> {
  ^bb0(%a: f32, %b: f32):
    %sum = arith.addf %a, %b : f32
    moe.yield %sum : f32
  }
  %ids1, %ones1 = moe.unpack_routing %r1 : !moe.routing<3, 1, f32> -> tensor<?x1xi32>, tensor<?x1xf32>
  return %x2, %ids0, %ids1 : tensor<?x2xf32>, tensor<?x1xi32>, tensor<?x1xi32>
}
