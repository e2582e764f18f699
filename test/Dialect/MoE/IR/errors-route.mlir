// RUN: moe-opt %s --split-input-file --verify-diagnostics

// moe.route C1
func.func @c1(%l: tensor<?x8xf32>) {
  // expected-error @below {{expects select to be a selection such as #moe.top_k<2>, got 1 : i64}}
  moe.route %l select 1 rank logits weigh #moe.one over each : tensor<?x8xf32> -> !moe.routing<8, 1, f32>
  return
}

// -----

// moe.route C2
func.func @c2(%l: tensor<?x8xf32>) {
  // expected-error @below {{expects weigh to be a score function such as #moe.softmax, got "relu"}}
  moe.route %l select #moe.top_k<1> rank logits weigh "relu" over each : tensor<?x8xf32> -> !moe.routing<8, 1, f32>
  return
}

// -----

// moe.route C3
func.func @c3(%l: tensor<?x8xf32>) {
  // expected-error @below {{expects a routing of 8 experts, got '!moe.routing<4, 1, f32>'}}
  moe.route %l select #moe.top_k<1> rank logits weigh #moe.one over each
      : tensor<?x8xf32> -> !moe.routing<4, 1, f32>
  return
}

// -----

// moe.route C4
func.func @c4(%l: tensor<?x8xf32>) {
  // expected-error @below {{expects a routing of count 1, got '!moe.routing<8, 2, f32>'}}
  moe.route %l select #moe.top_k<1> rank logits weigh #moe.one over each
      : tensor<?x8xf32> -> !moe.routing<8, 2, f32>
  return
}

// -----

// moe.route C4: #moe.all selects every expert
func.func @c4_all(%l: tensor<?x8xf32>) {
  // expected-error @below {{expects a routing of count 8, got '!moe.routing<8, 2, f32>'}}
  moe.route %l select #moe.all rank logits weigh #moe.one over each : tensor<?x8xf32> -> !moe.routing<8, 2, f32>
  return
}

// -----

// moe.route C5
func.func @c5(%l: tensor<?x8xf32>) {
  // expected-error @below {{expects a routing along row, got '!moe.routing<8, 1, f32>'}}
  moe.route %l select #moe.top_k<1, axis = row> rank logits weigh #moe.one over each
      : tensor<?x8xf32> -> !moe.routing<8, 1, f32>
  return
}

// -----

// moe.route C6
func.func @c6(%l: tensor<?x8xf32>, %b: tensor<4xf32>) {
  // expected-error @below {{expects a bias for each expert, got 'tensor<4xf32>'}}
  moe.route %l bias %b select #moe.top_k<1> rank logits weigh #moe.one over each
      : tensor<?x8xf32>, tensor<4xf32> -> !moe.routing<8, 1, f32>
  return
}

// -----

// moe.route C7
func.func @c7_normalizing(%l: tensor<?x8xf32>) {
  // expected-error @below {{expects over all, selected or group for #moe.softmax, got over each}}
  moe.route %l select #moe.top_k<1> rank logits weigh #moe.softmax over each
      : tensor<?x8xf32> -> !moe.routing<8, 1, f32>
  return
}

// -----

// moe.route C7
func.func @c7_each(%l: tensor<?x8xf32>) {
  // expected-error @below {{expects over each for #moe.sigmoid, got over all}}
  moe.route %l select #moe.top_k<1> rank logits weigh #moe.sigmoid over all
      : tensor<?x8xf32> -> !moe.routing<8, 1, f32>
  return
}

// -----

// moe.route C8
func.func @c8(%l: tensor<?x8xf32>) {
  // expected-error @below {{expects a selection with groups for over group, got #moe.top_k<1>}}
  moe.route %l select #moe.top_k<1> rank logits weigh #moe.softmax over group
      : tensor<?x8xf32> -> !moe.routing<8, 1, f32>
  return
}

// -----

// moe.route C9
func.func @c9(%l: tensor<?x8xf32>) {
  // expected-error @below {{expects a finite scale other than zero}}
  moe.route %l select #moe.top_k<1> rank logits weigh #moe.one over each scale 0.0
      : tensor<?x8xf32> -> !moe.routing<8, 1, f32>
  return
}

// -----

// moe.route C9
func.func @c9_infinite(%l: tensor<?x8xf32>) {
  // expected-error @below {{expects a finite scale other than zero}}
  moe.route %l select #moe.top_k<1> rank logits weigh #moe.one over each scale 0x7FF0000000000000
      : tensor<?x8xf32> -> !moe.routing<8, 1, f32>
  return
}

// -----

// moe.route C10
func.func @c10(%l: tensor<?x8xf32>) {
  // expected-error @below {{cannot rank by scores that are normalised over the selected experts}}
  moe.route %l select #moe.top_k<1> rank scores weigh #moe.softmax over selected
      : tensor<?x8xf32> -> !moe.routing<8, 1, f32>
  return
}
