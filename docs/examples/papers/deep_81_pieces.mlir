// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A deep mixture that represents 3^4 = 81 pieces with 4 layers of 3 experts, constructed as in Wang and E (NeurIPS 2025,
// arXiv 2505.24205): layer l sends a row to the expert of the interval [i - 1, i] that its coordinate x_l is in, and the
// expert, a ReLU network of one hidden layer of width m = 16, replaces the coordinate by the piecewise linear
// interpolant of f_i(x_l). It gives what it adds to the row. Results are the row at the end and the expert of each layer.

moe.weight @gate0 : tensor<3x4xf32> from "gate0"
moe.weight @gate_bias0 : tensor<3xf32> from "gate_bias0"
moe.weight @hidden0 : tensor<3x16x4xf32> from "hidden0"
moe.weight @hidden_bias0 : tensor<3x16xf32> from "hidden_bias0"
moe.weight @head0 : tensor<3x4x16xf32> from "head0"
moe.weight @head_bias0 : tensor<3x4xf32> from "head_bias0"
moe.weight @gate1 : tensor<3x4xf32> from "gate1"
moe.weight @gate_bias1 : tensor<3xf32> from "gate_bias1"
moe.weight @hidden1 : tensor<3x16x4xf32> from "hidden1"
moe.weight @hidden_bias1 : tensor<3x16xf32> from "hidden_bias1"
moe.weight @head1 : tensor<3x4x16xf32> from "head1"
moe.weight @head_bias1 : tensor<3x4xf32> from "head_bias1"
moe.weight @gate2 : tensor<3x4xf32> from "gate2"
moe.weight @gate_bias2 : tensor<3xf32> from "gate_bias2"
moe.weight @hidden2 : tensor<3x16x4xf32> from "hidden2"
moe.weight @hidden_bias2 : tensor<3x16xf32> from "hidden_bias2"
moe.weight @head2 : tensor<3x4x16xf32> from "head2"
moe.weight @head_bias2 : tensor<3x4xf32> from "head_bias2"
moe.weight @gate3 : tensor<3x4xf32> from "gate3"
moe.weight @gate_bias3 : tensor<3xf32> from "gate_bias3"
moe.weight @hidden3 : tensor<3x16x4xf32> from "hidden3"
moe.weight @hidden_bias3 : tensor<3x16xf32> from "hidden_bias3"
moe.weight @head3 : tensor<3x4x16xf32> from "head3"
moe.weight @head_bias3 : tensor<3x4xf32> from "head_bias3"

moe.layer @moe0 block 0 = @deep(@gate0, @gate_bias0, @hidden0, @hidden_bias0, @head0, @head_bias0,
    @gate1, @gate_bias1, @hidden1, @hidden_bias1, @head1, @head_bias1,
    @gate2, @gate_bias2, @hidden2, @hidden_bias2, @head2, @head_bias2,
    @gate3, @gate_bias3, @hidden3, @hidden_bias3, @head3, @head_bias3)

func.func @deep(%x0: tensor<?x4xf32>, %gate0: tensor<3x4xf32>, %gate_bias0: tensor<3xf32>, %hidden0: tensor<3x16x4xf32>,
    %hidden_bias0: tensor<3x16xf32>, %head0: tensor<3x4x16xf32>, %head_bias0: tensor<3x4xf32>,
    %gate1: tensor<3x4xf32>, %gate_bias1: tensor<3xf32>, %hidden1: tensor<3x16x4xf32>,
    %hidden_bias1: tensor<3x16xf32>, %head1: tensor<3x4x16xf32>, %head_bias1: tensor<3x4xf32>,
    %gate2: tensor<3x4xf32>, %gate_bias2: tensor<3xf32>, %hidden2: tensor<3x16x4xf32>,
    %hidden_bias2: tensor<3x16xf32>, %head2: tensor<3x4x16xf32>, %head_bias2: tensor<3x4xf32>,
    %gate3: tensor<3x4xf32>, %gate_bias3: tensor<3xf32>, %hidden3: tensor<3x16x4xf32>,
    %hidden_bias3: tensor<3x16xf32>, %head3: tensor<3x4x16xf32>, %head_bias3: tensor<3x4xf32>)
    -> (tensor<?x4xf32>, tensor<?x1xi32>, tensor<?x1xi32>, tensor<?x1xi32>, tensor<?x1xi32>) {
  %logits0 = moe.score.affine %x0, %gate0 bias %gate_bias0
      : tensor<?x4xf32>, tensor<3x4xf32>, tensor<3xf32> -> tensor<?x3xf32>
  %r0 = moe.route %logits0 select #moe.top_k<1> rank logits weigh #moe.one over each : tensor<?x3xf32> -> !moe.routing<3, 1, f32>
  %rows0 = moe.dispatch %x0 by %r0 : tensor<?x4xf32>, !moe.routing<3, 1, f32> -> !moe.ragged<3, 4, f32>
  %y0 = moe.experts %rows0 weights %hidden0, %hidden_bias0, %head0, %head_bias0
      : !moe.ragged<3, 4, f32>, tensor<3x16x4xf32>, tensor<3x16xf32>, tensor<3x4x16xf32>, tensor<3x4xf32>
      -> !moe.ragged<3, 4, f32> {
  ^bb0(%r: tensor<?x4xf32>, %w: tensor<16x4xf32>, %wb: tensor<16xf32>, %h: tensor<4x16xf32>, %hb: tensor<4xf32>):
    %z = moe.linear %r, %w : tensor<?x4xf32>, tensor<16x4xf32> -> tensor<?x16xf32>
    %zr = moe.map %z, %wb : tensor<?x16xf32>, tensor<16xf32> -> tensor<?x16xf32> {
    ^bb0(%v: f32, %shift: f32):
      %zero = arith.constant 0.0 : f32
      %sum = arith.addf %v, %shift : f32
      %max = arith.maximumf %sum, %zero : f32
      moe.yield %max : f32
    }
    %o = moe.linear %zr, %h : tensor<?x16xf32>, tensor<4x16xf32> -> tensor<?x4xf32>
    %ob = moe.map %o, %hb : tensor<?x4xf32>, tensor<4xf32> -> tensor<?x4xf32> {
    ^bb0(%v: f32, %shift: f32):
      %sum = arith.addf %v, %shift : f32
      moe.yield %sum : f32
    }
    moe.yield %ob : tensor<?x4xf32>
  }
  %added0 = moe.combine %y0 by %r0 sum : !moe.ragged<3, 4, f32>, !moe.routing<3, 1, f32> -> tensor<?x4xf32>
  %x1 = moe.map %x0, %added0 : tensor<?x4xf32>, tensor<?x4xf32> -> tensor<?x4xf32> {
  ^bb0(%a: f32, %b: f32):
    %sum = arith.addf %a, %b : f32
    moe.yield %sum : f32
  }
  %ids0, %ones0 = moe.unpack_routing %r0 : !moe.routing<3, 1, f32> -> tensor<?x1xi32>, tensor<?x1xf32>
  %logits1 = moe.score.affine %x1, %gate1 bias %gate_bias1
      : tensor<?x4xf32>, tensor<3x4xf32>, tensor<3xf32> -> tensor<?x3xf32>
  %r1 = moe.route %logits1 select #moe.top_k<1> rank logits weigh #moe.one over each : tensor<?x3xf32> -> !moe.routing<3, 1, f32>
  %rows1 = moe.dispatch %x1 by %r1 : tensor<?x4xf32>, !moe.routing<3, 1, f32> -> !moe.ragged<3, 4, f32>
  %y1 = moe.experts %rows1 weights %hidden1, %hidden_bias1, %head1, %head_bias1
      : !moe.ragged<3, 4, f32>, tensor<3x16x4xf32>, tensor<3x16xf32>, tensor<3x4x16xf32>, tensor<3x4xf32>
      -> !moe.ragged<3, 4, f32> {
  ^bb0(%r: tensor<?x4xf32>, %w: tensor<16x4xf32>, %wb: tensor<16xf32>, %h: tensor<4x16xf32>, %hb: tensor<4xf32>):
    %z = moe.linear %r, %w : tensor<?x4xf32>, tensor<16x4xf32> -> tensor<?x16xf32>
    %zr = moe.map %z, %wb : tensor<?x16xf32>, tensor<16xf32> -> tensor<?x16xf32> {
    ^bb0(%v: f32, %shift: f32):
      %zero = arith.constant 0.0 : f32
      %sum = arith.addf %v, %shift : f32
      %max = arith.maximumf %sum, %zero : f32
      moe.yield %max : f32
    }
    %o = moe.linear %zr, %h : tensor<?x16xf32>, tensor<4x16xf32> -> tensor<?x4xf32>
    %ob = moe.map %o, %hb : tensor<?x4xf32>, tensor<4xf32> -> tensor<?x4xf32> {
    ^bb0(%v: f32, %shift: f32):
      %sum = arith.addf %v, %shift : f32
      moe.yield %sum : f32
    }
    moe.yield %ob : tensor<?x4xf32>
  }
  %added1 = moe.combine %y1 by %r1 sum : !moe.ragged<3, 4, f32>, !moe.routing<3, 1, f32> -> tensor<?x4xf32>
  %x2 = moe.map %x1, %added1 : tensor<?x4xf32>, tensor<?x4xf32> -> tensor<?x4xf32> {
  ^bb0(%a: f32, %b: f32):
    %sum = arith.addf %a, %b : f32
    moe.yield %sum : f32
  }
  %ids1, %ones1 = moe.unpack_routing %r1 : !moe.routing<3, 1, f32> -> tensor<?x1xi32>, tensor<?x1xf32>
  %logits2 = moe.score.affine %x2, %gate2 bias %gate_bias2
      : tensor<?x4xf32>, tensor<3x4xf32>, tensor<3xf32> -> tensor<?x3xf32>
  %r2 = moe.route %logits2 select #moe.top_k<1> rank logits weigh #moe.one over each : tensor<?x3xf32> -> !moe.routing<3, 1, f32>
  %rows2 = moe.dispatch %x2 by %r2 : tensor<?x4xf32>, !moe.routing<3, 1, f32> -> !moe.ragged<3, 4, f32>
  %y2 = moe.experts %rows2 weights %hidden2, %hidden_bias2, %head2, %head_bias2
      : !moe.ragged<3, 4, f32>, tensor<3x16x4xf32>, tensor<3x16xf32>, tensor<3x4x16xf32>, tensor<3x4xf32>
      -> !moe.ragged<3, 4, f32> {
  ^bb0(%r: tensor<?x4xf32>, %w: tensor<16x4xf32>, %wb: tensor<16xf32>, %h: tensor<4x16xf32>, %hb: tensor<4xf32>):
    %z = moe.linear %r, %w : tensor<?x4xf32>, tensor<16x4xf32> -> tensor<?x16xf32>
    %zr = moe.map %z, %wb : tensor<?x16xf32>, tensor<16xf32> -> tensor<?x16xf32> {
    ^bb0(%v: f32, %shift: f32):
      %zero = arith.constant 0.0 : f32
      %sum = arith.addf %v, %shift : f32
      %max = arith.maximumf %sum, %zero : f32
      moe.yield %max : f32
    }
    %o = moe.linear %zr, %h : tensor<?x16xf32>, tensor<4x16xf32> -> tensor<?x4xf32>
    %ob = moe.map %o, %hb : tensor<?x4xf32>, tensor<4xf32> -> tensor<?x4xf32> {
    ^bb0(%v: f32, %shift: f32):
      %sum = arith.addf %v, %shift : f32
      moe.yield %sum : f32
    }
    moe.yield %ob : tensor<?x4xf32>
  }
  %added2 = moe.combine %y2 by %r2 sum : !moe.ragged<3, 4, f32>, !moe.routing<3, 1, f32> -> tensor<?x4xf32>
  %x3 = moe.map %x2, %added2 : tensor<?x4xf32>, tensor<?x4xf32> -> tensor<?x4xf32> {
  ^bb0(%a: f32, %b: f32):
    %sum = arith.addf %a, %b : f32
    moe.yield %sum : f32
  }
  %ids2, %ones2 = moe.unpack_routing %r2 : !moe.routing<3, 1, f32> -> tensor<?x1xi32>, tensor<?x1xf32>
  %logits3 = moe.score.affine %x3, %gate3 bias %gate_bias3
      : tensor<?x4xf32>, tensor<3x4xf32>, tensor<3xf32> -> tensor<?x3xf32>
  %r3 = moe.route %logits3 select #moe.top_k<1> rank logits weigh #moe.one over each : tensor<?x3xf32> -> !moe.routing<3, 1, f32>
  %rows3 = moe.dispatch %x3 by %r3 : tensor<?x4xf32>, !moe.routing<3, 1, f32> -> !moe.ragged<3, 4, f32>
  %y3 = moe.experts %rows3 weights %hidden3, %hidden_bias3, %head3, %head_bias3
      : !moe.ragged<3, 4, f32>, tensor<3x16x4xf32>, tensor<3x16xf32>, tensor<3x4x16xf32>, tensor<3x4xf32>
      -> !moe.ragged<3, 4, f32> {
  ^bb0(%r: tensor<?x4xf32>, %w: tensor<16x4xf32>, %wb: tensor<16xf32>, %h: tensor<4x16xf32>, %hb: tensor<4xf32>):
    %z = moe.linear %r, %w : tensor<?x4xf32>, tensor<16x4xf32> -> tensor<?x16xf32>
    %zr = moe.map %z, %wb : tensor<?x16xf32>, tensor<16xf32> -> tensor<?x16xf32> {
    ^bb0(%v: f32, %shift: f32):
      %zero = arith.constant 0.0 : f32
      %sum = arith.addf %v, %shift : f32
      %max = arith.maximumf %sum, %zero : f32
      moe.yield %max : f32
    }
    %o = moe.linear %zr, %h : tensor<?x16xf32>, tensor<4x16xf32> -> tensor<?x4xf32>
    %ob = moe.map %o, %hb : tensor<?x4xf32>, tensor<4xf32> -> tensor<?x4xf32> {
    ^bb0(%v: f32, %shift: f32):
      %sum = arith.addf %v, %shift : f32
      moe.yield %sum : f32
    }
    moe.yield %ob : tensor<?x4xf32>
  }
  %added3 = moe.combine %y3 by %r3 sum : !moe.ragged<3, 4, f32>, !moe.routing<3, 1, f32> -> tensor<?x4xf32>
  %x4 = moe.map %x3, %added3 : tensor<?x4xf32>, tensor<?x4xf32> -> tensor<?x4xf32> {
  ^bb0(%a: f32, %b: f32):
    %sum = arith.addf %a, %b : f32
    moe.yield %sum : f32
  }
  %ids3, %ones3 = moe.unpack_routing %r3 : !moe.routing<3, 1, f32> -> tensor<?x1xi32>, tensor<?x1xf32>
  return %x4, %ids0, %ids1, %ids2, %ids3 : tensor<?x4xf32>, tensor<?x1xi32>, tensor<?x1xi32>, tensor<?x1xi32>, tensor<?x1xi32>
}
