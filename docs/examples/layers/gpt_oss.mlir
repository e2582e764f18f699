// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// gpt-oss-20b: a router with bias, softmax over the chosen logits, experts with biases and a clamped activation:
// g = min(gate, 7), u = clamp(up, -7, 7), (u + 1) * g * sigmoid(1.702 * g). On disk, gate and up are interleaved
// columns of one tensor; here they are the two weights that the importer's description makes of it.

moe.weight @router : tensor<32x2880xbf16> from "model.layers.0.mlp.router.weight"
moe.weight @router_bias : tensor<32xbf16> from "model.layers.0.mlp.router.bias"
moe.weight @gate : tensor<32x2880x2880xbf16> from "model.layers.0.mlp.experts.gate_up_proj" transposed
    part<rows 0 step 2 of 5760>
moe.weight @up : tensor<32x2880x2880xbf16> from "model.layers.0.mlp.experts.gate_up_proj" transposed
    part<rows 1 step 2 of 5760>
moe.weight @gate_bias : tensor<32x2880xbf16> from "model.layers.0.mlp.experts.gate_up_proj_bias"
    part<columns 0 step 2 of 5760>
moe.weight @up_bias : tensor<32x2880xbf16> from "model.layers.0.mlp.experts.gate_up_proj_bias"
    part<columns 1 step 2 of 5760>
moe.weight @down : tensor<32x2880x2880xbf16> from "model.layers.0.mlp.experts.down_proj" transposed
moe.weight @down_bias : tensor<32x2880xbf16> from "model.layers.0.mlp.experts.down_proj_bias"

moe.layer @moe0 block 0 =
    @gpt_oss(@router, @router_bias, @gate, @up, @gate_bias, @up_bias, @down, @down_bias)

func.func @gpt_oss(%x: tensor<?x2880xbf16>, %router: tensor<32x2880xbf16>, %router_bias: tensor<32xbf16>,
                   %gate: tensor<32x2880x2880xbf16>, %up: tensor<32x2880x2880xbf16>, %gate_bias: tensor<32x2880xbf16>,
                   %up_bias: tensor<32x2880xbf16>, %down: tensor<32x2880x2880xbf16>, %down_bias: tensor<32x2880xbf16>)
    -> tensor<?x2880xbf16> {
  %logits = moe.score.affine %x, %router bias %router_bias
      : tensor<?x2880xbf16>, tensor<32x2880xbf16>, tensor<32xbf16> -> tensor<?x32xbf16>
  %routing = moe.route %logits select #moe.top_k<4> rank logits weigh #moe.softmax over selected
      : tensor<?x32xbf16> -> !moe.routing<32, 4, bf16>
  %rows = moe.dispatch %x by %routing
      : tensor<?x2880xbf16>, !moe.routing<32, 4, bf16> -> !moe.ragged<32, 2880, bf16>
  %outputs = moe.experts %rows weights %gate, %up, %gate_bias, %up_bias, %down, %down_bias
      : !moe.ragged<32, 2880, bf16>, tensor<32x2880x2880xbf16>, tensor<32x2880x2880xbf16>, tensor<32x2880xbf16>,
        tensor<32x2880xbf16>, tensor<32x2880x2880xbf16>, tensor<32x2880xbf16> -> !moe.ragged<32, 2880, f32> {
  ^bb0(%r: tensor<?x2880xbf16>, %wg: tensor<2880x2880xbf16>, %wu: tensor<2880x2880xbf16>, %bg: tensor<2880xbf16>,
       %bu: tensor<2880xbf16>, %wd: tensor<2880x2880xbf16>, %bd: tensor<2880xbf16>):
    %g, %u = moe.linear %r, %wg, %wu
        : tensor<?x2880xbf16>, tensor<2880x2880xbf16>, tensor<2880x2880xbf16> -> tensor<?x2880xf32>, tensor<?x2880xf32>
    %h = moe.map %g, %u, %bg, %bu
        : tensor<?x2880xf32>, tensor<?x2880xf32>, tensor<2880xbf16>, tensor<2880xbf16> -> tensor<?x2880xbf16> {
    ^bb0(%acc_g: f32, %acc_u: f32, %bias_g: bf16, %bias_u: bf16):
      %one = arith.constant 1.0 : f32
      %limit = arith.constant 7.0 : f32
      %neg_limit = arith.constant -7.0 : f32
      %neg_alpha = arith.constant -1.702 : f32
      %bg32 = arith.extf %bias_g : bf16 to f32
      %bu32 = arith.extf %bias_u : bf16 to f32
      %g0 = arith.addf %acc_g, %bg32 : f32
      %u0 = arith.addf %acc_u, %bu32 : f32
      %g1 = arith.minimumf %g0, %limit : f32
      %u1 = arith.minimumf %u0, %limit : f32
      %u2 = arith.maximumf %u1, %neg_limit : f32
      %scaled = arith.mulf %g1, %neg_alpha : f32
      %exp = math.exp %scaled : f32
      %den = arith.addf %exp, %one : f32
      %glu = arith.divf %g1, %den : f32
      %shifted = arith.addf %u2, %one : f32
      %prod = arith.mulf %glu, %shifted : f32
      %out = arith.truncf %prod : f32 to bf16
      moe.yield %out : bf16
    }
    %d = moe.linear %h, %wd : tensor<?x2880xbf16>, tensor<2880x2880xbf16> -> tensor<?x2880xf32>
    %y = moe.map %d, %bd : tensor<?x2880xf32>, tensor<2880xbf16> -> tensor<?x2880xf32> {
    ^bb0(%acc: f32, %bias: bf16):
      %bias32 = arith.extf %bias : bf16 to f32
      %sum = arith.addf %acc, %bias32 : f32
      moe.yield %sum : f32
    }
    moe.yield %y : tensor<?x2880xf32>
  }
  %output = moe.combine %outputs by %routing weighted_sum
      : !moe.ragged<32, 2880, f32>, !moe.routing<32, 4, bf16> -> tensor<?x2880xbf16>
  return %output : tensor<?x2880xbf16>
}
