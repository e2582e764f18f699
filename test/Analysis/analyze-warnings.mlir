// RUN: moe-opt %s --moe-analyze --split-input-file --verify-diagnostics | FileCheck %s

func.func @no_gradient(%x: tensor<?x4xf32>, %logits: tensor<?x3xf32>, %leaves: tensor<?x6xf32>)
    -> (!moe.ragged<6, 4, f32>, !moe.ragged<3, 4, f32>) {
  // expected-warning@+1 {{the router gets no gradient: the weight of the one selected entry, normalised over the selected, is 1}}
  %r = moe.route %logits select #moe.top_k<1> rank logits weigh #moe.softmax over selected
      : tensor<?x3xf32> -> !moe.routing<3, 1, f32>
  // expected-warning@+1 {{the router gets no gradient}}
  %leaf = moe.route_within %r, %leaves select #moe.top_k<1> weigh #moe.softmax over selected
      : !moe.routing<3, 1, f32>, tensor<?x6xf32> -> !moe.routing<6, 1, f32>
  // expected-warning@+1 {{the router gets no gradient}}
  %s = moe.route %logits select #moe.top_k<1> rank logits weigh #moe.sigmoid over each renormalize
      : tensor<?x3xf32> -> !moe.routing<3, 1, f32>
  %rows = moe.dispatch %x by %leaf : tensor<?x4xf32>, !moe.routing<6, 1, f32> -> !moe.ragged<6, 4, f32>
  %more = moe.dispatch %x by %s : tensor<?x4xf32>, !moe.routing<3, 1, f32> -> !moe.ragged<3, 4, f32>
  %y = moe.experts %rows : !moe.ragged<6, 4, f32> -> !moe.ragged<6, 4, f32> {
  ^bb0(%v: tensor<?x4xf32>):
    moe.yield %v : tensor<?x4xf32>
  }
  %z = moe.experts %more : !moe.ragged<3, 4, f32> -> !moe.ragged<3, 4, f32> {
  ^bb0(%v: tensor<?x4xf32>):
    moe.yield %v : tensor<?x4xf32>
  }
  return %y, %z : !moe.ragged<6, 4, f32>, !moe.ragged<3, 4, f32>
}
// CHECK: // layer @no_gradient: 6 experts, 1 selected in 2 levels; 3 experts, 1 selected
// CHECK: warning: no_router_gradient: the router gets no gradient

// -----

// Over all, and hard by name: nothing to say.
func.func @fine(%x: tensor<?x4xf32>, %logits: tensor<?x3xf32>) -> (!moe.ragged<3, 4, f32>, !moe.ragged<3, 4, f32>)
    attributes {moe.assume = {true_experts = 3, true_selected = 1}} {
  %r = moe.route %logits select #moe.top_k<1> rank logits weigh #moe.softmax over all
      : tensor<?x3xf32> -> !moe.routing<3, 1, f32>
  %s = moe.route %logits select #moe.top_k<1> rank logits weigh #moe.one over each
      : tensor<?x3xf32> -> !moe.routing<3, 1, f32>
  %rows = moe.dispatch %x by %r : tensor<?x4xf32>, !moe.routing<3, 1, f32> -> !moe.ragged<3, 4, f32>
  %more = moe.dispatch %x by %s : tensor<?x4xf32>, !moe.routing<3, 1, f32> -> !moe.ragged<3, 4, f32>
  %y = moe.experts %rows : !moe.ragged<3, 4, f32> -> !moe.ragged<3, 4, f32> {
  ^bb0(%v: tensor<?x4xf32>):
    moe.yield %v : tensor<?x4xf32>
  }
  %z = moe.experts %more : !moe.ragged<3, 4, f32> -> !moe.ragged<3, 4, f32> {
  ^bb0(%v: tensor<?x4xf32>):
    moe.yield %v : tensor<?x4xf32>
  }
  return %y, %z : !moe.ragged<3, 4, f32>, !moe.ragged<3, 4, f32>
}
// CHECK: // layer @fine
// CHECK-NOT: warning:
// CHECK: module

// -----

func.func @capacity(%x: tensor<?x4xf32>, %logits: tensor<?x8xf32>) -> !moe.ragged<8, 4, f32>
    attributes {moe.assume = {rows = 100}} {
  // expected-warning@+1 {{of 200 slots of 100 rows at least 40 and up to 160 are dropped: experts take 20 rows each at most}}
  %r = moe.route %logits select #moe.top_k<2, capacity = 20> rank logits weigh #moe.softmax over selected
      : tensor<?x8xf32> -> !moe.routing<8, 2, f32>
  %rows = moe.dispatch %x by %r : tensor<?x4xf32>, !moe.routing<8, 2, f32> -> !moe.ragged<8, 4, f32>
  %y = moe.experts %rows : !moe.ragged<8, 4, f32> -> !moe.ragged<8, 4, f32> {
  ^bb0(%v: tensor<?x4xf32>):
    moe.yield %v : tensor<?x4xf32>
  }
  return %y : !moe.ragged<8, 4, f32>
}
// CHECK: load                  exact  capacity 20, least 0, mean 25, most 20, least_dropped 40, most_dropped 160

// -----

func.func @capacity_of_any_batch(%x: tensor<?x4xf32>, %logits: tensor<?x8xf32>) -> !moe.ragged<8, 4, f32> {
  // expected-warning@+1 {{experts take 20 rows each at most: batches of more than 20 rows may lose some}}
  %r = moe.route %logits select #moe.top_k<2, capacity = 20> rank logits weigh #moe.softmax over selected
      : tensor<?x8xf32> -> !moe.routing<8, 2, f32>
  %rows = moe.dispatch %x by %r : tensor<?x4xf32>, !moe.routing<8, 2, f32> -> !moe.ragged<8, 4, f32>
  %y = moe.experts %rows : !moe.ragged<8, 4, f32> -> !moe.ragged<8, 4, f32> {
  ^bb0(%v: tensor<?x4xf32>):
    moe.yield %v : tensor<?x4xf32>
  }
  return %y : !moe.ragged<8, 4, f32>
}
// CHECK: load                  exact  capacity 20; needs rows

// -----

// Cells (2, 2, 1): two of them hold four experts.
func.func @voronoi(%x: tensor<?x4xf32>, %logits: tensor<?x5xf32>) -> !moe.ragged<5, 4, f32>
    attributes {moe.assume = {true_experts = 3, true_selected = 2, cells = [2, 2, 1]}} {
  // expected-warning@+1 {{selects 3 experts, but 5 fitted to 3 that select 2 may need 4}}
  %r = moe.route %logits select #moe.top_k<3> rank logits weigh #moe.softmax over selected
      : tensor<?x5xf32> -> !moe.routing<5, 3, f32>
  %rows = moe.dispatch %x by %r : tensor<?x4xf32>, !moe.routing<5, 3, f32> -> !moe.ragged<5, 4, f32>
  %y = moe.experts %rows : !moe.ragged<5, 4, f32> -> !moe.ragged<5, 4, f32> {
  ^bb0(%v: tensor<?x4xf32>):
    moe.yield %v : tensor<?x4xf32>
  }
  return %y : !moe.ragged<5, 4, f32>
}
// CHECK: voronoi               exact  selected 3, worst_required 4, meets_worst false, required 4, meets false, gate_slope 0.125, expert_slope 0.25

// -----

// 25 x > 0 on the whole domain: without its bias the second expert is never selected.
func.func @always_first(%x: tensor<?x1xf32>) -> !moe.ragged<2, 1, f32> attributes {moe.assume = {domain = [0.0, 1.0]}} {
  %w = arith.constant dense<[[25.0], [0.0]]> : tensor<2x1xf32>
  %logits = moe.score.affine %x, %w : tensor<?x1xf32>, tensor<2x1xf32> -> tensor<?x2xf32>
  // expected-warning@+1 {{every row of the domain selects expert 0: the ranking has no bias, the others are never reached}}
  %r = moe.route %logits select #moe.top_k<1> rank logits weigh #moe.softmax over all
      : tensor<?x2xf32> -> !moe.routing<2, 1, f32>
  %rows = moe.dispatch %x by %r : tensor<?x1xf32>, !moe.routing<2, 1, f32> -> !moe.ragged<2, 1, f32>
  %y = moe.experts %rows : !moe.ragged<2, 1, f32> -> !moe.ragged<2, 1, f32> {
  ^bb0(%v: tensor<?x1xf32>):
    moe.yield %v : tensor<?x1xf32>
  }
  return %y : !moe.ragged<2, 1, f32>
}

// -----

// With the bias the experts meet at 0.32; on a wider domain without it at 0.
func.func @reaches_both(%x: tensor<?x1xf32>) -> (!moe.ragged<2, 1, f32>, !moe.ragged<2, 1, f32>)
    attributes {moe.assume = {domain = [-1.0, 1.0]}} {
  %w = arith.constant dense<[[25.0], [0.0]]> : tensor<2x1xf32>
  %b = arith.constant dense<[-8.0, 0.0]> : tensor<2xf32>
  %logits = moe.score.affine %x, %w bias %b : tensor<?x1xf32>, tensor<2x1xf32>, tensor<2xf32> -> tensor<?x2xf32>
  %r = moe.route %logits select #moe.top_k<1> rank logits weigh #moe.softmax over all
      : tensor<?x2xf32> -> !moe.routing<2, 1, f32>
  %rows = moe.dispatch %x by %r : tensor<?x1xf32>, !moe.routing<2, 1, f32> -> !moe.ragged<2, 1, f32>
  %y = moe.experts %rows : !moe.ragged<2, 1, f32> -> !moe.ragged<2, 1, f32> {
  ^bb0(%v: tensor<?x1xf32>):
    moe.yield %v : tensor<?x1xf32>
  }
  %unbiased = moe.score.affine %x, %w : tensor<?x1xf32>, tensor<2x1xf32> -> tensor<?x2xf32>
  %s = moe.route %unbiased select #moe.top_k<1> rank logits weigh #moe.softmax over all
      : tensor<?x2xf32> -> !moe.routing<2, 1, f32>
  %more = moe.dispatch %x by %s : tensor<?x1xf32>, !moe.routing<2, 1, f32> -> !moe.ragged<2, 1, f32>
  %z = moe.experts %more : !moe.ragged<2, 1, f32> -> !moe.ragged<2, 1, f32> {
  ^bb0(%v: tensor<?x1xf32>):
    moe.yield %v : tensor<?x1xf32>
  }
  return %y, %z : !moe.ragged<2, 1, f32>, !moe.ragged<2, 1, f32>
}

// -----

// Weights that are arguments are given; two of three experts have nothing that parts them from the third, whose bias for
// the comparison is out of reach. Equal leads go to the lower index: 0 and 1 are selected.
func.func @always_two(%x: tensor<?x2xf32>, %w: tensor<3x2xf32>) -> !moe.ragged<3, 2, f32>
    attributes {moe.assume = {domain = [0, 1, 0, 2], router_weights = [1, 0, 1, 0, 0, 3]}} {
  %b = arith.constant dense<[6.0, 6.0, 0.0]> : tensor<3xf32>
  %logits = moe.score.affine %x, %w : tensor<?x2xf32>, tensor<3x2xf32> -> tensor<?x3xf32>
  // expected-warning@+1 {{every row of the domain selects experts 0, 1, the others are never reached}}
  %r = moe.route %logits bias %b select #moe.top_k<2> rank logits weigh #moe.softmax over all
      : tensor<?x3xf32>, tensor<3xf32> -> !moe.routing<3, 2, f32>
  %rows = moe.dispatch %x by %r : tensor<?x2xf32>, !moe.routing<3, 2, f32> -> !moe.ragged<3, 2, f32>
  %y = moe.experts %rows : !moe.ragged<3, 2, f32> -> !moe.ragged<3, 2, f32> {
  ^bb0(%v: tensor<?x2xf32>):
    moe.yield %v : tensor<?x2xf32>
  }
  return %y : !moe.ragged<3, 2, f32>
}
