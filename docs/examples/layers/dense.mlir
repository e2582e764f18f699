// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A dense mixture, k = all: every row goes to every expert, weighted by a softmax over all of them.

moe.weight @router : tensor<4x96xf32> from "gate.weight"
moe.weight @up : tensor<4x40x96xf32> from "experts.{e}.up.weight"
moe.weight @down : tensor<4x96x40xf32> from "experts.{e}.down.weight"

moe.layer @moe0 block 0 = @dense(@router, @up, @down)

func.func @dense(%x: tensor<?x96xf32>, %router: tensor<4x96xf32>, %up: tensor<4x40x96xf32>, %down: tensor<4x96x40xf32>)
    -> tensor<?x96xf32> {
  %logits = moe.score.affine %x, %router : tensor<?x96xf32>, tensor<4x96xf32> -> tensor<?x4xf32>
  %routing = moe.route %logits select #moe.all rank logits weigh #moe.softmax over all
      : tensor<?x4xf32> -> !moe.routing<4, 4, f32>
  %rows = moe.dispatch %x by %routing : tensor<?x96xf32>, !moe.routing<4, 4, f32> -> !moe.ragged<4, 96, f32>
  %outputs = moe.experts %rows weights %up, %down
      : !moe.ragged<4, 96, f32>, tensor<4x40x96xf32>, tensor<4x96x40xf32> -> !moe.ragged<4, 96, f32> {
  ^bb0(%r: tensor<?x96xf32>, %wu: tensor<40x96xf32>, %wd: tensor<96x40xf32>):
    %u = moe.linear %r, %wu : tensor<?x96xf32>, tensor<40x96xf32> -> tensor<?x40xf32>
    %h = moe.map %u : tensor<?x40xf32> -> tensor<?x40xf32> {
    ^bb0(%v: f32):
      %tanh = math.tanh %v : f32
      moe.yield %tanh : f32
    }
    %y = moe.linear %h, %wd : tensor<?x40xf32>, tensor<96x40xf32> -> tensor<?x96xf32>
    moe.yield %y : tensor<?x96xf32>
  }
  %output = moe.combine %outputs by %routing weighted_sum
      : !moe.ragged<4, 96, f32>, !moe.routing<4, 4, f32> -> tensor<?x96xf32>
  return %output : tensor<?x96xf32>
}
