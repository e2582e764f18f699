// RUN: moe-opt %s --moe-analyze --split-input-file | FileCheck %s

// CHECK: // layer @sparse: 8 experts, 2 selected
// CHECK-NEXT: parameters            exact  total 80, active 50, expert 5
// CHECK-NEXT: bytes                 exact  total 320, loaded 200, share 0.625, scores_visited 8
// CHECK-NEXT: flops                 exact  rows 1, experts 20, router 80, dense 0, total 100
// CHECK-NEXT: load                  exact  needs rows
// CHECK-NEXT: natarajan             bound  features 5, lower 0, upper 40
// CHECK-NEXT: generalization_bound  order  value 0.4355575, lipschitz 1, rademacher 0.01, natarajan 40, samples 10000, confidence 0.05
// CHECK-NEXT: pieces                exact  paths 28, log2_paths 4.807355, naive 8, layers 1
// The module follows as it was.
// CHECK-NEXT: module
// CHECK-NEXT: func.func @sparse(
func.func @sparse(%x: tensor<?x5xf32>, %router: tensor<8x5xf32>, %w: tensor<8x1x5xf32>) -> tensor<?x1xf32>
    attributes {moe.assume = {samples = 10000, confidence = 0.05, rademacher = 0.01}} {
  %logits = moe.score.affine %x, %router : tensor<?x5xf32>, tensor<8x5xf32> -> tensor<?x8xf32>
  %routing = moe.route %logits select #moe.top_k<2> rank logits weigh #moe.softmax over selected
      : tensor<?x8xf32> -> !moe.routing<8, 2, f32>
  %rows = moe.dispatch %x by %routing : tensor<?x5xf32>, !moe.routing<8, 2, f32> -> !moe.ragged<8, 5, f32>
  %outputs = moe.experts %rows weights %w : !moe.ragged<8, 5, f32>, tensor<8x1x5xf32> -> !moe.ragged<8, 1, f32> {
  ^bb0(%r: tensor<?x5xf32>, %v: tensor<1x5xf32>):
    %y = moe.linear %r, %v : tensor<?x5xf32>, tensor<1x5xf32> -> tensor<?x1xf32>
    moe.yield %y : tensor<?x1xf32>
  }
  %y = moe.combine %outputs by %routing weighted_sum
      : !moe.ragged<8, 1, f32>, !moe.routing<8, 2, f32> -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

// Linear experts have a Rademacher complexity of at most 2 * 3 / sqrt(400) = 0.3. A bias of the score is a feature.
// CHECK: // layer @norms: 3 experts, 1 selected
// CHECK: natarajan             bound  features 3, lower 4, upper 9
// CHECK-NEXT: generalization_bound  order  value {{.*}}, lipschitz 2, rademacher 0.3, natarajan 9, samples 400, confidence 0.1
// CHECK-NEXT: vc_order              order  value 18, depth 1, parameters 2
// With d = 3: the largest m <= 3 * 3 * log2(e m / 3) + 3 * 3 * log2(e m / 3).
// CHECK-NEXT: vc_bound              bound  value 122, half_spaces 3, expert_vc 3
func.func @norms(%x: tensor<?x2xf32>, %router: tensor<3x2xf32>, %b: tensor<3xf32>, %w: tensor<3x1x2xf32>) -> tensor<?x1xf32>
    attributes {moe.assume = {samples = 4.0e2, confidence = 0.1, weight_norm = 2, input_norm = 3.0, lipschitz = 2,
                              expert_vc = 3}} {
  %logits = moe.score.affine %x, %router bias %b : tensor<?x2xf32>, tensor<3x2xf32>, tensor<3xf32> -> tensor<?x3xf32>
  %routing = moe.route %logits select #moe.top_k<1> rank logits weigh #moe.softmax over all
      : tensor<?x3xf32> -> !moe.routing<3, 1, f32>
  %rows = moe.dispatch %x by %routing : tensor<?x2xf32>, !moe.routing<3, 1, f32> -> !moe.ragged<3, 2, f32>
  %outputs = moe.experts %rows weights %w : !moe.ragged<3, 2, f32>, tensor<3x1x2xf32> -> !moe.ragged<3, 1, f32> {
  ^bb0(%r: tensor<?x2xf32>, %v: tensor<1x2xf32>):
    %y = moe.linear %r, %v : tensor<?x2xf32>, tensor<1x2xf32> -> tensor<?x1xf32>
    moe.yield %y : tensor<?x1xf32>
  }
  %y = moe.combine %outputs by %routing weighted_sum
      : !moe.ragged<3, 1, f32>, !moe.routing<3, 1, f32> -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

// Weights of two bytes; a shared expert that every row takes; a capacity; a layer's own name and assumptions. Groups
// are no linear ranking, and admit fewer sets than all.
// CHECK: // layer @block (block 3, kernel @kernel): 4 experts, 2 selected
// CHECK-NEXT: parameters            exact  total 88, active 56, expert 16
// CHECK-NEXT: bytes                 exact  total 176, loaded 112, share 0.6363636, scores_visited 4
// CHECK-NEXT: flops                 exact  rows 1, experts 64, router 32, dense 16, total 112
// CHECK-NEXT: load                  exact  least 0, mean 5, most 10
// CHECK-NEXT: generalization_bound  order  needs samples, confidence, rademacher, natarajan
// CHECK-NEXT: pieces                exact  paths_at_most 6, log2_paths 2.584963, naive 4, layers 1
moe.weight @router : tensor<4x4xbf16> from "router"
moe.weight @w : tensor<4x4x4xbf16> from "w"
moe.weight @shared : tensor<2x4xbf16> from "shared"
moe.layer @block block 3 = @kernel(@router, @w, @shared) {moe.assume = {rows = 10}}
func.func @kernel(%x: tensor<?x4xbf16>, %router: tensor<4x4xbf16>, %w: tensor<4x4x4xbf16>, %shared: tensor<2x4xbf16>)
    -> (tensor<?x4xf32>, tensor<?x2xf32>) {
  %logits = moe.score.affine %x, %router : tensor<?x4xbf16>, tensor<4x4xbf16> -> tensor<?x4xf32>
  %routing = moe.route %logits select #moe.group_top_k<2, groups = 2, keep = 1> rank logits weigh #moe.sigmoid over each
      : tensor<?x4xf32> -> !moe.routing<4, 2, f32>
  %rows = moe.dispatch %x by %routing : tensor<?x4xbf16>, !moe.routing<4, 2, f32> -> !moe.ragged<4, 4, bf16>
  %outputs = moe.experts %rows weights %w : !moe.ragged<4, 4, bf16>, tensor<4x4x4xbf16> -> !moe.ragged<4, 4, f32> {
  ^bb0(%r: tensor<?x4xbf16>, %v: tensor<4x4xbf16>):
    %y = moe.linear %r, %v : tensor<?x4xbf16>, tensor<4x4xbf16> -> tensor<?x4xf32>
    moe.yield %y : tensor<?x4xf32>
  }
  %y = moe.combine %outputs by %routing weighted_sum
      : !moe.ragged<4, 4, f32>, !moe.routing<4, 2, f32> -> tensor<?x4xf32>
  %s = moe.linear %x, %shared : tensor<?x4xbf16>, tensor<2x4xbf16> -> tensor<?x2xf32>
  return %y, %s : tensor<?x4xf32>, tensor<?x2xf32>
}

// -----

// CHECK: // no layer in the model form
func.func @nothing(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  return %x : tensor<?x4xf32>
}

// -----

// CHECK: // layer @grouped (block 0, kernel @grouped_kernel): no routing in the model form
moe.weight @w : tensor<2x4xf32> from "w"
moe.layer @grouped block 0 = @grouped_kernel(@w)
func.func @grouped_kernel(%x: tensor<?x4xf32>, %w: tensor<2x4xf32>) -> tensor<?x2xf32> {
  %y = moe.linear %x, %w : tensor<?x4xf32>, tensor<2x4xf32> -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}
