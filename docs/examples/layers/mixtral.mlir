// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Mixtral 8x7B, one block: softmax over all experts, the two best, renormalised; SwiGLU experts.

moe.weight @l0.router : tensor<8x4096xbf16> from "model.layers.0.block_sparse_moe.gate.weight"
moe.weight @l0.gate : tensor<8x14336x4096xbf16> from "model.layers.0.block_sparse_moe.experts.{e}.w1.weight"
moe.weight @l0.up : tensor<8x14336x4096xbf16> from "model.layers.0.block_sparse_moe.experts.{e}.w3.weight"
moe.weight @l0.down : tensor<8x4096x14336xbf16> from "model.layers.0.block_sparse_moe.experts.{e}.w2.weight"

moe.layer @moe0 block 0 = @mixtral(@l0.router, @l0.gate, @l0.up, @l0.down)

func.func @mixtral(%x: tensor<?x4096xbf16>, %router: tensor<8x4096xbf16>, %gate: tensor<8x14336x4096xbf16>,
                   %up: tensor<8x14336x4096xbf16>, %down: tensor<8x4096x14336xbf16>)
    -> (tensor<?x4096xbf16> {moe.name = "output"}, tensor<?x8xbf16> {moe.name = "logits"},
        tensor<?x2xi32> {moe.name = "experts"}, tensor<?x2xf32> {moe.name = "weights"}) {
  %logits = moe.score.affine %x, %router : tensor<?x4096xbf16>, tensor<8x4096xbf16> -> tensor<?x8xbf16>
  %routing = moe.route %logits select #moe.top_k<2> rank scores weigh #moe.softmax over all
      renormalize : tensor<?x8xbf16> -> !moe.routing<8, 2, f32>
  %experts, %weights = moe.unpack_routing %routing : !moe.routing<8, 2, f32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %rows = moe.dispatch %x by %routing
      : tensor<?x4096xbf16>, !moe.routing<8, 2, f32> -> !moe.ragged<8, 4096, bf16>
  %outputs = moe.experts %rows weights %gate, %up, %down
      : !moe.ragged<8, 4096, bf16>, tensor<8x14336x4096xbf16>, tensor<8x14336x4096xbf16>, tensor<8x4096x14336xbf16>
      -> !moe.ragged<8, 4096, f32> {
  ^bb0(%r: tensor<?x4096xbf16>, %wg: tensor<14336x4096xbf16>, %wu: tensor<14336x4096xbf16>,
       %wd: tensor<4096x14336xbf16>):
    %g = moe.linear %r, %wg : tensor<?x4096xbf16>, tensor<14336x4096xbf16> -> tensor<?x14336xf32>
    %u = moe.linear %r, %wu : tensor<?x4096xbf16>, tensor<14336x4096xbf16> -> tensor<?x14336xf32>
    %h = moe.map %g, %u : tensor<?x14336xf32>, tensor<?x14336xf32> -> tensor<?x14336xbf16> {
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
    %y = moe.linear %h, %wd : tensor<?x14336xbf16>, tensor<4096x14336xbf16> -> tensor<?x4096xf32>
    moe.yield %y : tensor<?x4096xf32>
  }
  %output = moe.combine %outputs by %routing weighted_sum
      : !moe.ragged<8, 4096, f32>, !moe.routing<8, 2, f32> -> tensor<?x4096xbf16>
  return %output, %logits, %experts, %weights : tensor<?x4096xbf16>, tensor<?x8xbf16>, tensor<?x2xi32>, tensor<?x2xf32>
}
