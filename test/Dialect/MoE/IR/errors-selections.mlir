// RUN: moe-opt %s --split-input-file --verify-diagnostics

// #moe.top_k C1
func.func @top_k_c1(%l: tensor<?x8xf32>) {
  // expected-error @below {{expects k >= 1, got k = 0}}
  moe.route %l select #moe.top_k<0> rank logits weigh #moe.one over each : tensor<?x8xf32> -> !moe.routing<8, 1, f32>
  return
}

// -----

// #moe.top_k C2
func.func @top_k_c2(%l: tensor<?x8xf32>) {
  // expected-error @below {{expects k <= number of experts, got k = 9 and 8 experts}}
  moe.route %l select #moe.top_k<9> rank logits weigh #moe.one over each : tensor<?x8xf32> -> !moe.routing<8, 1, f32>
  return
}

// -----

// #moe.top_k C3: a window without axis = row
func.func @top_k_c3_axis(%l: tensor<?x8xf32>) {
  // expected-error @below {{expects window only with axis = row and window >= k, got window = 16 and k = 2}}
  moe.route %l select #moe.top_k<2, window = 16> rank logits weigh #moe.one over each
      : tensor<?x8xf32> -> !moe.routing<8, 2, f32>
  return
}

// -----

// #moe.top_k C3: k > window
func.func @top_k_c3_window(%l: tensor<?x8xf32>) {
  // expected-error @below {{expects window only with axis = row and window >= k, got window = 2 and k = 4}}
  moe.route %l select #moe.top_k<4, axis = row, window = 2> rank logits weigh #moe.one over each
      : tensor<?x8xf32> -> !moe.routing<8, 4, f32, row>
  return
}

// -----

// #moe.top_k C4: capacity with axis = row
func.func @top_k_c4_axis(%l: tensor<?x8xf32>) {
  // expected-error @below {{expects capacity only with axis = expert and >= 0, got 4}}
  moe.route %l select #moe.top_k<2, axis = row, capacity = 4> rank logits weigh #moe.one over each
      : tensor<?x8xf32> -> !moe.routing<8, 2, f32, row>
  return
}

// -----

// #moe.top_k C4: negative capacity
func.func @top_k_c4_negative(%l: tensor<?x8xf32>) {
  // expected-error @below {{expects capacity only with axis = expert and >= 0, got -1}}
  moe.route %l select #moe.top_k<2, capacity = -1> rank logits weigh #moe.one over each
      : tensor<?x8xf32> -> !moe.routing<8, 2, f32>
  return
}

// -----

// #moe.group_top_k C1
func.func @group_top_k_c1(%l: tensor<?x8xf32>) {
  // expected-error @below {{expects k >= 1, got k = 0}}
  moe.route %l select #moe.group_top_k<0, groups = 4, keep = 2> rank logits weigh #moe.one over each
      : tensor<?x8xf32> -> !moe.routing<8, 1, f32>
  return
}

// -----

// #moe.group_top_k C1
func.func @group_top_k_c1_experts(%l: tensor<?x8xf32>) {
  // expected-error @below {{expects k <= number of experts, got k = 9 and 8 experts}}
  moe.route %l select #moe.group_top_k<9, groups = 4, keep = 4> rank logits weigh #moe.one over each
      : tensor<?x8xf32> -> !moe.routing<8, 1, f32>
  return
}

// -----

// #moe.group_top_k C2
func.func @group_top_k_c2(%l: tensor<?x8xf32>) {
  // expected-error @below {{expects groups to divide the experts, got 3 groups and 8 experts}}
  moe.route %l select #moe.group_top_k<2, groups = 3, keep = 2> rank logits weigh #moe.one over each
      : tensor<?x8xf32> -> !moe.routing<8, 2, f32>
  return
}

// -----

// #moe.group_top_k C3
func.func @group_top_k_c3(%l: tensor<?x8xf32>) {
  // expected-error @below {{expects 1 <= keep <= groups, got keep = 5 and 4 groups}}
  moe.route %l select #moe.group_top_k<2, groups = 4, keep = 5> rank logits weigh #moe.one over each
      : tensor<?x8xf32> -> !moe.routing<8, 2, f32>
  return
}

// -----

// #moe.group_top_k C4
func.func @group_top_k_c4(%l: tensor<?x8xf32>) {
  // expected-error @below {{expects k <= experts in the kept groups, got k = 3 and 2 experts}}
  moe.route %l select #moe.group_top_k<3, groups = 4, keep = 1> rank logits weigh #moe.one over each
      : tensor<?x8xf32> -> !moe.routing<8, 3, f32>
  return
}

// -----

// #moe.group_top_k C4 is of neg_inf alone: entries masked to zero can be taken.
func.func @group_top_k_zero(%l: tensor<?x8xf32>) {
  moe.route %l select #moe.group_top_k<3, groups = 4, keep = 1, mask = zero> rank logits weigh #moe.one over each
      : tensor<?x8xf32> -> !moe.routing<8, 3, f32>
  return
}

// -----

// #moe.group_top_k C5
func.func @group_top_k_c5(%l: tensor<?x8xf32>) {
  // expected-error @below {{expects two experts a group for top2_sum, got 1}}
  moe.route %l select #moe.group_top_k<2, groups = 8, keep = 2, reduce = top2_sum> rank logits weigh #moe.one over each
      : tensor<?x8xf32> -> !moe.routing<8, 2, f32>
  return
}
