// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// LongCat-Flash: one router over 512 MLPs and 256 identity experts; softmax scores plus a bias for the choice, scaled
// weights. A part of the routing goes to the MLPs, the other part gives rows back as they are.

moe.weight @router : tensor<768x6144xf32> from "model.layers.0.mlp.router.classifier.weight"
moe.weight @bias : tensor<768xf32> from "model.layers.0.mlp.router.e_score_correction_bias"
moe.weight @gate : tensor<512x2048x6144xbf16> from "model.layers.0.mlp.experts.{e}.gate_proj.weight"
moe.weight @up : tensor<512x2048x6144xbf16> from "model.layers.0.mlp.experts.{e}.up_proj.weight"
moe.weight @down : tensor<512x6144x2048xbf16> from "model.layers.0.mlp.experts.{e}.down_proj.weight"

moe.layer @moe0 block 0 = @longcat_flash(@router, @bias, @gate, @up, @down)

func.func @longcat_flash(%x: tensor<?x6144xbf16>, %router: tensor<768x6144xf32>, %bias: tensor<768xf32>,
                         %gate: tensor<512x2048x6144xbf16>, %up: tensor<512x2048x6144xbf16>,
                         %down: tensor<512x6144x2048xbf16>) -> tensor<?x6144xbf16> {
  %logits = moe.score.affine %x, %router : tensor<?x6144xbf16>, tensor<768x6144xf32> -> tensor<?x768xf32>
  %routing = moe.route %logits bias %bias select #moe.top_k<12> rank scores weigh #moe.softmax over all scale 6.0
      : tensor<?x768xf32>, tensor<768xf32> -> !moe.routing<768, 12, f32>

  %mlps = moe.narrow_routing %routing from 0 to 512 : !moe.routing<768, 12, f32> -> !moe.routing<512, 12, f32>
  %rows = moe.dispatch %x by %mlps
      : tensor<?x6144xbf16>, !moe.routing<512, 12, f32> -> !moe.ragged<512, 6144, bf16>
  %outputs = moe.experts %rows weights %gate, %up, %down
      : !moe.ragged<512, 6144, bf16>, tensor<512x2048x6144xbf16>, tensor<512x2048x6144xbf16>,
        tensor<512x6144x2048xbf16> -> !moe.ragged<512, 6144, f32> {
  ^bb0(%r: tensor<?x6144xbf16>, %wg: tensor<2048x6144xbf16>, %wu: tensor<2048x6144xbf16>, %wd: tensor<6144x2048xbf16>):
    %g, %u = moe.linear %r, %wg, %wu
        : tensor<?x6144xbf16>, tensor<2048x6144xbf16>, tensor<2048x6144xbf16> -> tensor<?x2048xf32>, tensor<?x2048xf32>
    %h = moe.map %g, %u : tensor<?x2048xf32>, tensor<?x2048xf32> -> tensor<?x2048xbf16> {
    ^bb0(%a: f32, %b: f32):
      %one = arith.constant 1.0 : f32
      %neg = arith.negf %a : f32
      %exp = math.exp %neg : f32
      %den = arith.addf %exp, %one : f32
      %silu = arith.divf %a, %den : f32
      %prod = arith.mulf %silu, %b : f32
      %out = arith.truncf %prod : f32 to bf16
      moe.yield %out : bf16
    }
    %y = moe.linear %h, %wd : tensor<?x2048xbf16>, tensor<6144x2048xbf16> -> tensor<?x6144xf32>
    moe.yield %y : tensor<?x6144xf32>
  }
  %routed = moe.combine %outputs by %mlps weighted_sum
      : !moe.ragged<512, 6144, f32>, !moe.routing<512, 12, f32> -> tensor<?x6144xf32>

  %identities = moe.narrow_routing %routing from 512 to 768
      : !moe.routing<768, 12, f32> -> !moe.routing<256, 12, f32>
  %same = moe.dispatch %x by %identities
      : tensor<?x6144xbf16>, !moe.routing<256, 12, f32> -> !moe.ragged<256, 6144, bf16>
  %unchanged = moe.experts %same : !moe.ragged<256, 6144, bf16> -> !moe.ragged<256, 6144, bf16> {
  ^bb0(%r: tensor<?x6144xbf16>):
    moe.yield %r : tensor<?x6144xbf16>
  }
  %kept = moe.combine %unchanged by %identities weighted_sum
      : !moe.ragged<256, 6144, bf16>, !moe.routing<256, 12, f32> -> tensor<?x6144xf32>

  %output = moe.map %routed, %kept : tensor<?x6144xf32>, tensor<?x6144xf32> -> tensor<?x6144xbf16> {
  ^bb0(%a: f32, %b: f32):
    %sum = arith.addf %a, %b : f32
    %out = arith.truncf %sum : f32 to bf16
    moe.yield %out : bf16
  }
  return %output : tensor<?x6144xbf16>
}
