// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Llama 4: the best logit, through a sigmoid, multiplies the expert's *input* (`dispatch ... weighted`), so that the
// combination is a plain sum; a shared expert is added.

moe.weight @router : tensor<16x5120xbf16> from "model.layers.0.feed_forward.router.weight"
moe.weight @gate : tensor<16x8192x5120xbf16> from "model.layers.0.feed_forward.experts.gate_up_proj" transposed
    part<rows 0 step 1 of 16384>
moe.weight @up : tensor<16x8192x5120xbf16> from "model.layers.0.feed_forward.experts.gate_up_proj" transposed
    part<rows 8192 step 1 of 16384>
moe.weight @down : tensor<16x5120x8192xbf16> from "model.layers.0.feed_forward.experts.down_proj" transposed
moe.weight @shared_gate : tensor<8192x5120xbf16> from "model.layers.0.feed_forward.shared_expert.gate_proj.weight"
moe.weight @shared_up : tensor<8192x5120xbf16> from "model.layers.0.feed_forward.shared_expert.up_proj.weight"
moe.weight @shared_down : tensor<5120x8192xbf16> from "model.layers.0.feed_forward.shared_expert.down_proj.weight"

moe.layer @moe0 block 0 = @llama4(@router, @gate, @up, @down, @shared_gate, @shared_up, @shared_down)

func.func @llama4(%x: tensor<?x5120xbf16>, %router: tensor<16x5120xbf16>, %gate: tensor<16x8192x5120xbf16>,
                  %up: tensor<16x8192x5120xbf16>, %down: tensor<16x5120x8192xbf16>, %shared_gate: tensor<8192x5120xbf16>,
                  %shared_up: tensor<8192x5120xbf16>, %shared_down: tensor<5120x8192xbf16>) -> tensor<?x5120xbf16> {
  %logits = moe.score.affine %x, %router : tensor<?x5120xbf16>, tensor<16x5120xbf16> -> tensor<?x16xbf16>
  %routing = moe.route %logits select #moe.top_k<1> rank logits weigh #moe.sigmoid over each
      : tensor<?x16xbf16> -> !moe.routing<16, 1, bf16>
  %rows = moe.dispatch %x by %routing weighted
      : tensor<?x5120xbf16>, !moe.routing<16, 1, bf16> -> !moe.ragged<16, 5120, bf16>
  %outputs = moe.experts %rows weights %gate, %up, %down
      : !moe.ragged<16, 5120, bf16>, tensor<16x8192x5120xbf16>, tensor<16x8192x5120xbf16>, tensor<16x5120x8192xbf16>
      -> !moe.ragged<16, 5120, f32> {
  ^bb0(%r: tensor<?x5120xbf16>, %wg: tensor<8192x5120xbf16>, %wu: tensor<8192x5120xbf16>, %wd: tensor<5120x8192xbf16>):
    %g, %u = moe.linear %r, %wg, %wu
        : tensor<?x5120xbf16>, tensor<8192x5120xbf16>, tensor<8192x5120xbf16> -> tensor<?x8192xf32>, tensor<?x8192xf32>
    %h = moe.map %g, %u : tensor<?x8192xf32>, tensor<?x8192xf32> -> tensor<?x8192xbf16> {
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
    %y = moe.linear %h, %wd : tensor<?x8192xbf16>, tensor<5120x8192xbf16> -> tensor<?x5120xf32>
    moe.yield %y : tensor<?x5120xf32>
  }
  %routed = moe.combine %outputs by %routing sum
      : !moe.ragged<16, 5120, f32>, !moe.routing<16, 1, bf16> -> tensor<?x5120xf32>

  %sg, %su = moe.linear %x, %shared_gate, %shared_up
      : tensor<?x5120xbf16>, tensor<8192x5120xbf16>, tensor<8192x5120xbf16> -> tensor<?x8192xf32>, tensor<?x8192xf32>
  %sh = moe.map %sg, %su : tensor<?x8192xf32>, tensor<?x8192xf32> -> tensor<?x8192xbf16> {
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
  %shared = moe.linear %sh, %shared_down : tensor<?x8192xbf16>, tensor<5120x8192xbf16> -> tensor<?x5120xf32>
  %output = moe.map %routed, %shared : tensor<?x5120xf32>, tensor<?x5120xf32> -> tensor<?x5120xbf16> {
  ^bb0(%a: f32, %b: f32):
    %sum = arith.addf %a, %b : f32
    %out = arith.truncf %sum : f32 to bf16
    moe.yield %out : bf16
  }
  return %output : tensor<?x5120xbf16>
}
