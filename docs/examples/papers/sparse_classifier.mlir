// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A sparse mixture of experts for two classes, as in Zhao, Wang and Wang (arXiv 2403.17404): each row is given to the 2
// best of 8 experts, whose outputs are weighted by a softmax over the two; the sign of the result is the class. Experts
// are tanh of a linear function. What the bound on its generalisation error takes and IR does not have is in moe.assume:
//   moe-opt sparse_classifier.mlir --moe-analyze -o /dev/null

moe.weight @router : tensor<8x5xf32> from "router"
moe.weight @expert : tensor<8x1x5xf32> from "expert"

moe.layer @moe0 block 0 = @sparse_classifier(@router, @expert)
    {moe.assume = {samples = 10000, confidence = 0.05, rademacher = 0.01}}

func.func @sparse_classifier(%x: tensor<?x5xf32>, %router: tensor<8x5xf32>, %expert: tensor<8x1x5xf32>)
    -> tensor<?x1xf32> {
  %logits = moe.score.affine %x, %router : tensor<?x5xf32>, tensor<8x5xf32> -> tensor<?x8xf32>
  %routing = moe.route %logits select #moe.top_k<2> rank logits weigh #moe.softmax over selected
      : tensor<?x8xf32> -> !moe.routing<8, 2, f32>
  %rows = moe.dispatch %x by %routing : tensor<?x5xf32>, !moe.routing<8, 2, f32> -> !moe.ragged<8, 5, f32>
  %outputs = moe.experts %rows weights %expert
      : !moe.ragged<8, 5, f32>, tensor<8x1x5xf32> -> !moe.ragged<8, 1, f32> {
  ^bb0(%r: tensor<?x5xf32>, %w: tensor<1x5xf32>):
    %z = moe.linear %r, %w : tensor<?x5xf32>, tensor<1x5xf32> -> tensor<?x1xf32>
    %h = moe.map %z : tensor<?x1xf32> -> tensor<?x1xf32> {
    ^bb0(%v: f32):
      %tanh = math.tanh %v : f32
      moe.yield %tanh : f32
    }
    moe.yield %h : tensor<?x1xf32>
  }
  %score = moe.combine %outputs by %routing weighted_sum
      : !moe.ragged<8, 1, f32>, !moe.routing<8, 2, f32> -> tensor<?x1xf32>
  return %score : tensor<?x1xf32>
}
