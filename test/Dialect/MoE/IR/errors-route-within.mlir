// RUN: moe-opt %s --split-input-file --verify-diagnostics

// moe.route_within C1
func.func @c1(%p: !moe.routing<4, 1, f32>, %l: tensor<?x16xf32>) {
  // expected-error @below {{expects select to be a selection such as #moe.top_k<2>, got 1 : i64}}
  moe.route_within %p, %l select 1 weigh #moe.one over each
      : !moe.routing<4, 1, f32>, tensor<?x16xf32> -> !moe.routing<16, 1, f32>
  return
}

// -----

// moe.route_within C2
func.func @c2(%p: !moe.routing<4, 1, f32>, %l: tensor<?x16xf32>) {
  // expected-error @below {{expects weigh to be a score function such as #moe.softmax, got "relu"}}
  moe.route_within %p, %l select #moe.top_k<1> weigh "relu" over each
      : !moe.routing<4, 1, f32>, tensor<?x16xf32> -> !moe.routing<16, 1, f32>
  return
}

// -----

// moe.route_within C3
func.func @c3(%p: !moe.routing<5, 1, f32>, %l: tensor<?x16xf32>) {
  // expected-error @below {{expects the number of nodes to divide the experts, got 5 nodes, 16 logits and}}
  moe.route_within %p, %l select #moe.top_k<1> weigh #moe.one over each
      : !moe.routing<5, 1, f32>, tensor<?x16xf32> -> !moe.routing<16, 1, f32>
  return
}

// -----

// moe.route_within C4
func.func @c4(%p: !moe.routing<4, 2, f32>, %l: tensor<?x16xf32>) {
  // expected-error @below {{expects a routing of count 4, got '!moe.routing<16, 2, f32>'}}
  moe.route_within %p, %l select #moe.top_k<2> weigh #moe.one over each
      : !moe.routing<4, 2, f32>, tensor<?x16xf32> -> !moe.routing<16, 2, f32>
  return
}

// -----

// moe.route_within C5
func.func @c5(%p: !moe.routing<4, 1, f32, row>, %l: tensor<?x16xf32>) {
  // expected-error @below {{expects parent, selection and result to pick experts, not rows}}
  moe.route_within %p, %l select #moe.top_k<1> weigh #moe.one over each
      : !moe.routing<4, 1, f32, row>, tensor<?x16xf32> -> !moe.routing<16, 1, f32>
  return
}

// -----

// moe.route_within C6
func.func @c6(%p: !moe.routing<4, 1, f32>, %l: tensor<?x16xf32>) {
  // expected-error @below {{expects k <= number of experts, got k = 5 and 4 experts}}
  moe.route_within %p, %l select #moe.top_k<5> weigh #moe.one over each
      : !moe.routing<4, 1, f32>, tensor<?x16xf32> -> !moe.routing<16, 5, f32>
  return
}

// -----

// moe.route_within C7
func.func @c7_normalizing(%p: !moe.routing<4, 1, f32>, %l: tensor<?x16xf32>) {
  // expected-error @below {{expects over all or selected for #moe.softmax, got over group}}
  moe.route_within %p, %l select #moe.top_k<1> weigh #moe.softmax over group
      : !moe.routing<4, 1, f32>, tensor<?x16xf32> -> !moe.routing<16, 1, f32>
  return
}

// -----

// moe.route_within C7
func.func @c7_each(%p: !moe.routing<4, 1, f32>, %l: tensor<?x16xf32>) {
  // expected-error @below {{expects over each for #moe.one, got over all}}
  moe.route_within %p, %l select #moe.top_k<1> weigh #moe.one over all
      : !moe.routing<4, 1, f32>, tensor<?x16xf32> -> !moe.routing<16, 1, f32>
  return
}
