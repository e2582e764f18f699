// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The layers that layers.py runs.

func.func @swiglu(%x: tensor<?x6xf32>, %router: tensor<5x6xf32>, %bias: tensor<5xf32>, %gate: tensor<5x7x6xf32>,
                  %up: tensor<5x7x6xf32>, %down: tensor<5x6x7xf32>, %up_bias: tensor<5x7xf32>)
    -> (tensor<?x6xf32>, tensor<?x5xf32>, tensor<?x2xi32>, tensor<?x2xf32>) {
  %logits = moe.score.affine %x, %router bias %bias
      : tensor<?x6xf32>, tensor<5x6xf32>, tensor<5xf32> -> tensor<?x5xf32>
  %routing = moe.route %logits select #moe.top_k<2> rank scores weigh #moe.softmax over all renormalize
      : tensor<?x5xf32> -> !moe.routing<5, 2, f32>
  %ids, %weights = moe.unpack_routing %routing : !moe.routing<5, 2, f32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %rows = moe.dispatch %x by %routing : tensor<?x6xf32>, !moe.routing<5, 2, f32> -> !moe.ragged<5, 6, f32>
  %outputs = moe.experts %rows weights %gate, %up, %down, %up_bias
      : !moe.ragged<5, 6, f32>, tensor<5x7x6xf32>, tensor<5x7x6xf32>, tensor<5x6x7xf32>, tensor<5x7xf32>
      -> !moe.ragged<5, 6, f32> {
  ^bb0(%r: tensor<?x6xf32>, %wg: tensor<7x6xf32>, %wu: tensor<7x6xf32>, %wd: tensor<6x7xf32>, %bu: tensor<7xf32>):
    %g, %u = moe.linear %r, %wg, %wu
        : tensor<?x6xf32>, tensor<7x6xf32>, tensor<7x6xf32> -> tensor<?x7xf32>, tensor<?x7xf32>
    %h = moe.map %g, %u, %bu : tensor<?x7xf32>, tensor<?x7xf32>, tensor<7xf32> -> tensor<?x7xf32> {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %one = arith.constant 1.0 : f32
      %neg = arith.negf %a : f32
      %exp = math.exp %neg : f32
      %den = arith.addf %exp, %one : f32
      %silu = arith.divf %a, %den : f32
      %shifted = arith.addf %b, %c : f32
      %prod = arith.mulf %silu, %shifted : f32
      moe.yield %prod : f32
    }
    %y = moe.linear %h, %wd : tensor<?x7xf32>, tensor<6x7xf32> -> tensor<?x6xf32>
    moe.yield %y : tensor<?x6xf32>
  }
  %output = moe.combine %outputs by %routing weighted_sum
      : !moe.ragged<5, 6, f32>, !moe.routing<5, 2, f32> -> tensor<?x6xf32>
  return %output, %logits, %ids, %weights : tensor<?x6xf32>, tensor<?x5xf32>, tensor<?x2xi32>, tensor<?x2xf32>
}

// Rows and weights in bf16; the routing weight acts on the input; the input is added at the end.
func.func @rounded(%x: tensor<?x6xbf16>, %router: tensor<5x6xbf16>, %up: tensor<5x7x6xbf16>, %down: tensor<5x6x7xbf16>)
    -> (tensor<?x6xf32>, tensor<?x5xf32>) {
  %logits = moe.score.affine %x, %router : tensor<?x6xbf16>, tensor<5x6xbf16> -> tensor<?x5xbf16>
  %routing = moe.route %logits select #moe.top_k<1> rank logits weigh #moe.sigmoid over each
      : tensor<?x5xbf16> -> !moe.routing<5, 1, bf16>
  %rows = moe.dispatch %x by %routing weighted
      : tensor<?x6xbf16>, !moe.routing<5, 1, bf16> -> !moe.ragged<5, 6, bf16>
  %outputs = moe.experts %rows weights %up, %down
      : !moe.ragged<5, 6, bf16>, tensor<5x7x6xbf16>, tensor<5x6x7xbf16> -> !moe.ragged<5, 6, bf16> {
  ^bb0(%r: tensor<?x6xbf16>, %wu: tensor<7x6xbf16>, %wd: tensor<6x7xbf16>):
    %u = moe.linear %r, %wu : tensor<?x6xbf16>, tensor<7x6xbf16> -> tensor<?x7xf32>
    %h = moe.map %u : tensor<?x7xf32> -> tensor<?x7xbf16> {
    ^bb0(%a: f32):
      %zero = arith.constant 0.0 : f32
      %max = arith.maximumf %a, %zero : f32
      %out = arith.truncf %max : f32 to bf16
      moe.yield %out : bf16
    }
    %y = moe.linear %h, %wd : tensor<?x7xbf16>, tensor<6x7xbf16> -> tensor<?x6xbf16>
    moe.yield %y : tensor<?x6xbf16>
  }
  %routed = moe.combine %outputs by %routing sum
      : !moe.ragged<5, 6, bf16>, !moe.routing<5, 1, bf16> -> tensor<?x6xbf16>
  %output = moe.map %routed, %x : tensor<?x6xbf16>, tensor<?x6xbf16> -> tensor<?x6xf32> {
  ^bb0(%a: bf16, %b: bf16):
    %a32 = arith.extf %a : bf16 to f32
    %b32 = arith.extf %b : bf16 to f32
    %sum = arith.addf %a32, %b32 : f32
    moe.yield %sum : f32
  }
  %logits32 = moe.map %logits : tensor<?x5xbf16> -> tensor<?x5xf32> {
  ^bb0(%a: bf16):
    %a32 = arith.extf %a : bf16 to f32
    moe.yield %a32 : f32
  }
  return %output, %logits32 : tensor<?x6xf32>, tensor<?x5xf32>
}

// Ragged rows and routings cross a call.
func.func @heads(%routing: !moe.routing<5, 3, f32>, %x: tensor<?x6xf32>, %head: tensor<5x2x6xf32>)
    -> !moe.ragged<5, 2, f32> {
  %rows = moe.dispatch %x by %routing : tensor<?x6xf32>, !moe.routing<5, 3, f32> -> !moe.ragged<5, 6, f32>
  %outputs = moe.experts %rows weights %head : !moe.ragged<5, 6, f32>, tensor<5x2x6xf32> -> !moe.ragged<5, 2, f32> {
  ^bb0(%r: tensor<?x6xf32>, %w: tensor<2x6xf32>):
    %y = moe.linear %r, %w : tensor<?x6xf32>, tensor<2x6xf32> -> tensor<?x2xf32>
    moe.yield %y : tensor<?x2xf32>
  }
  return %outputs : !moe.ragged<5, 2, f32>
}

func.func @combinations(%x: tensor<?x6xf32>, %ids: tensor<?x3xi32>, %weights: tensor<?x3xf32>,
                        %head: tensor<5x2x6xf32>)
    -> (tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>) {
  %r = moe.make_routing %ids, %weights : tensor<?x3xi32>, tensor<?x3xf32> -> !moe.routing<5, 3, f32>
  %y = call @heads(%r, %x, %head)
      : (!moe.routing<5, 3, f32>, tensor<?x6xf32>, tensor<5x2x6xf32>) -> !moe.ragged<5, 2, f32>
  %0 = moe.combine %y by %r weighted_sum : !moe.ragged<5, 2, f32>, !moe.routing<5, 3, f32> -> tensor<?x2xf32>
  %1 = moe.combine %y by %r sum : !moe.ragged<5, 2, f32>, !moe.routing<5, 3, f32> -> tensor<?x2xf32>
  %2 = moe.combine %y by %r mean : !moe.ragged<5, 2, f32>, !moe.routing<5, 3, f32> -> tensor<?x2xf32>
  %3 = moe.combine %y by %r max : !moe.ragged<5, 2, f32>, !moe.routing<5, 3, f32> -> tensor<?x2xf32>
  %4 = moe.combine %y by %r log_sum_exp : !moe.ragged<5, 2, f32>, !moe.routing<5, 3, f32> -> tensor<?x2xf32>
  return %0, %1, %2, %3, %4 : tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>
}

func.func @distances(%x: tensor<?x6xf32>, %nodes: tensor<5x6xf32>) -> (tensor<?x5xf32>, tensor<?x5xf32>) {
  %0 = moe.score.neg_distance %x, %nodes power 2 : tensor<?x6xf32>, tensor<5x6xf32> -> tensor<?x5xf32>
  %1 = moe.score.neg_distance %x, %nodes power 1 : tensor<?x6xf32>, tensor<5x6xf32> -> tensor<?x5xf32>
  return %0, %1 : tensor<?x5xf32>, tensor<?x5xf32>
}
