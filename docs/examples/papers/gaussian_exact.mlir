// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The exactly specified top-1 mixture of 2 Gaussian experts of Nguyen, Akbarian, Yan and Ho (ICLR 2024): the log density
//   log sum_i w_i(x) N(y | a_i . x + b_i, s_i^2)
// of y given x. The one selected expert has a weight of 1, so its gate gets no gradient: moe-analyze warns.

moe.weight @gate : tensor<2x1xf32> from "gate"
moe.weight @gate_bias : tensor<2xf32> from "gate_bias"
moe.weight @slope : tensor<2x1x1xf32> from "slope"
moe.weight @mean : tensor<2x1xf32> from "mean"
moe.weight @log_sigma : tensor<2x1xf32> from "log_sigma"

moe.layer @moe0 block 0 = @gaussian_exact(@gate, @gate_bias, @slope, @mean, @log_sigma)
    {moe.assume = {true_experts = 2, true_selected = 1, cells = [1, 1]}}

func.func @gaussian_exact(%x: tensor<?x1xf32>, %y: tensor<?x1xf32>, %gate: tensor<2x1xf32>, %gate_bias: tensor<2xf32>,
    %slope: tensor<2x1x1xf32>, %mean: tensor<2x1xf32>, %log_sigma: tensor<2x1xf32>) -> tensor<?x1xf32> {
  %logits = moe.score.affine %x, %gate bias %gate_bias
      : tensor<?x1xf32>, tensor<2x1xf32>, tensor<2xf32> -> tensor<?x2xf32>
  %routing = moe.route %logits select #moe.top_k<1> rank logits weigh #moe.softmax over selected
      : tensor<?x2xf32> -> !moe.routing<2, 1, f32>
  %xs = moe.dispatch %x by %routing : tensor<?x1xf32>, !moe.routing<2, 1, f32> -> !moe.ragged<2, 1, f32>
  %ys = moe.dispatch %y by %routing : tensor<?x1xf32>, !moe.routing<2, 1, f32> -> !moe.ragged<2, 1, f32>
  %densities = moe.experts %xs, %ys weights %slope, %mean, %log_sigma
      : !moe.ragged<2, 1, f32>, !moe.ragged<2, 1, f32>, tensor<2x1x1xf32>, tensor<2x1xf32>, tensor<2x1xf32>
      -> !moe.ragged<2, 1, f32> {
  ^bb0(%xr: tensor<?x1xf32>, %yr: tensor<?x1xf32>, %a: tensor<1x1xf32>, %b: tensor<1xf32>, %ls: tensor<1xf32>):
    %ax = moe.linear %xr, %a : tensor<?x1xf32>, tensor<1x1xf32> -> tensor<?x1xf32>
    %log_density = moe.map %ax, %yr, %b, %ls
        : tensor<?x1xf32>, tensor<?x1xf32>, tensor<1xf32>, tensor<1xf32> -> tensor<?x1xf32> {
    ^bb0(%m: f32, %value: f32, %shift: f32, %log_s: f32):
      %half = arith.constant -0.5 : f32
      %log_sqrt_2pi = arith.constant 0.918938517 : f32
      %mu = arith.addf %m, %shift : f32
      %diff = arith.subf %value, %mu : f32
      %neg_log_s = arith.negf %log_s : f32
      %inv_s = math.exp %neg_log_s : f32
      %z = arith.mulf %diff, %inv_s : f32
      %z2 = arith.mulf %z, %z : f32
      %quad = arith.mulf %z2, %half : f32
      %norm = arith.addf %log_s, %log_sqrt_2pi : f32
      %log_n = arith.subf %quad, %norm : f32
      moe.yield %log_n : f32
    }
    moe.yield %log_density : tensor<?x1xf32>
  }
  %log_p = moe.combine %densities by %routing log_sum_exp : !moe.ragged<2, 1, f32>, !moe.routing<2, 1, f32> -> tensor<?x1xf32>
  return %log_p : tensor<?x1xf32>
}
