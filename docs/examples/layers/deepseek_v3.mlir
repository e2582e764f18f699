// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// DeepSeek-V3: sigmoid scores plus a bias for the choice, groups of experts, renormalised and scaled weights, and a
// shared expert that every row runs through.

moe.weight @router : tensor<256x7168xf32> from "model.layers.3.mlp.gate.weight"
moe.weight @bias : tensor<256xf32> from "model.layers.3.mlp.gate.e_score_correction_bias"
moe.weight @gate : tensor<256x2048x7168xbf16> from "model.layers.3.mlp.experts.{e}.gate_proj.weight"
moe.weight @up : tensor<256x2048x7168xbf16> from "model.layers.3.mlp.experts.{e}.up_proj.weight"
moe.weight @down : tensor<256x7168x2048xbf16> from "model.layers.3.mlp.experts.{e}.down_proj.weight"
moe.weight @shared_gate : tensor<2048x7168xbf16> from "model.layers.3.mlp.shared_experts.gate_proj.weight"
moe.weight @shared_up : tensor<2048x7168xbf16> from "model.layers.3.mlp.shared_experts.up_proj.weight"
moe.weight @shared_down : tensor<7168x2048xbf16> from "model.layers.3.mlp.shared_experts.down_proj.weight"

moe.layer @moe0 block 0 = @deepseek_v3(@router, @bias, @gate, @up, @down, @shared_gate, @shared_up, @shared_down)

func.func @deepseek_v3(%x: tensor<?x7168xbf16>, %router: tensor<256x7168xf32>, %bias: tensor<256xf32>,
                       %gate: tensor<256x2048x7168xbf16>, %up: tensor<256x2048x7168xbf16>,
                       %down: tensor<256x7168x2048xbf16>, %shared_gate: tensor<2048x7168xbf16>,
                       %shared_up: tensor<2048x7168xbf16>, %shared_down: tensor<7168x2048xbf16>)
    -> tensor<?x7168xbf16> {
  %logits = moe.score.affine %x, %router : tensor<?x7168xbf16>, tensor<256x7168xf32> -> tensor<?x256xf32>
  %routing = moe.route %logits bias %bias select #moe.group_top_k<8, groups = 8, keep = 4, reduce = top2_sum>
      rank scores weigh #moe.sigmoid over each renormalize<eps = 1.0e-20> scale 2.5
      : tensor<?x256xf32>, tensor<256xf32> -> !moe.routing<256, 8, f32>
  %rows = moe.dispatch %x by %routing
      : tensor<?x7168xbf16>, !moe.routing<256, 8, f32> -> !moe.ragged<256, 7168, bf16>
  %outputs = moe.experts %rows weights %gate, %up, %down
      : !moe.ragged<256, 7168, bf16>, tensor<256x2048x7168xbf16>, tensor<256x2048x7168xbf16>,
        tensor<256x7168x2048xbf16> -> !moe.ragged<256, 7168, f32> {
  ^bb0(%r: tensor<?x7168xbf16>, %wg: tensor<2048x7168xbf16>, %wu: tensor<2048x7168xbf16>, %wd: tensor<7168x2048xbf16>):
    %g, %u = moe.linear %r, %wg, %wu
        : tensor<?x7168xbf16>, tensor<2048x7168xbf16>, tensor<2048x7168xbf16> -> tensor<?x2048xf32>, tensor<?x2048xf32>
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
    %y = moe.linear %h, %wd : tensor<?x2048xbf16>, tensor<7168x2048xbf16> -> tensor<?x7168xf32>
    moe.yield %y : tensor<?x7168xf32>
  }
  %routed = moe.combine %outputs by %routing weighted_sum
      : !moe.ragged<256, 7168, f32>, !moe.routing<256, 8, f32> -> tensor<?x7168xf32>

  // The shared expert: the same body on plain rows.
  %sg, %su = moe.linear %x, %shared_gate, %shared_up
      : tensor<?x7168xbf16>, tensor<2048x7168xbf16>, tensor<2048x7168xbf16> -> tensor<?x2048xf32>, tensor<?x2048xf32>
  %sh = moe.map %sg, %su : tensor<?x2048xf32>, tensor<?x2048xf32> -> tensor<?x2048xbf16> {
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
  %shared = moe.linear %sh, %shared_down : tensor<?x2048xbf16>, tensor<7168x2048xbf16> -> tensor<?x7168xf32>
  %output = moe.map %routed, %shared : tensor<?x7168xf32>, tensor<?x7168xf32> -> tensor<?x7168xbf16> {
  ^bb0(%a: f32, %b: f32):
    %sum = arith.addf %a, %b : f32
    %out = arith.truncf %sum : f32 to bf16
    moe.yield %out : bf16
  }
  return %output : tensor<?x7168xbf16>
}
