// RUN: moe-opt %s --split-input-file --verify-diagnostics

// moe.router C1
func.func @c1(%x: tensor<?x4xf32>, %w: tensor<8x5xf32>, %l: tensor<?x8xf32>, %i: tensor<?x2xi32>, %v: tensor<?x2xf32>) {
  // expected-error @below {{expects one vector of 4 for each expert, got 'tensor<8x5xf32>'}}
  moe.router %x, %w select #moe.top_k<2> rank logits weigh #moe.one over each
      : tensor<?x4xf32>, tensor<8x5xf32>
      outs(%l, %i, %v : tensor<?x8xf32>, tensor<?x2xi32>, tensor<?x2xf32>) -> tensor<?x8xf32>, tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

// moe.router C2
func.func @c2(%x: tensor<?x4xf32>, %w: tensor<8x4xf32>, %l: tensor<?x7xf32>, %i: tensor<?x2xi32>, %v: tensor<?x2xf32>) {
  // expected-error @below {{expects logits of 8 columns, got 'tensor<?x7xf32>'}}
  moe.router %x, %w select #moe.top_k<2> rank logits weigh #moe.one over each
      : tensor<?x4xf32>, tensor<8x4xf32>
      outs(%l, %i, %v : tensor<?x7xf32>, tensor<?x2xi32>, tensor<?x2xf32>) -> tensor<?x7xf32>, tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

// moe.router C3
func.func @c3(%x: tensor<?x4xf32>, %w: tensor<8x4xf32>, %l: tensor<?x8xf32>, %i: tensor<?x3xi32>, %v: tensor<?x2xf32>) {
  // expected-error @below {{expects ids and weights of 2 columns}}
  moe.router %x, %w select #moe.top_k<2> rank logits weigh #moe.one over each
      : tensor<?x4xf32>, tensor<8x4xf32>
      outs(%l, %i, %v : tensor<?x8xf32>, tensor<?x3xi32>, tensor<?x2xf32>) -> tensor<?x8xf32>, tensor<?x3xi32>, tensor<?x2xf32>
  return
}

// -----

// moe.router C4
func.func @c4(%x: tensor<?x4xf32>, %w: tensor<8x4xf32>, %b: tensor<7xf32>, %l: tensor<?x8xf32>, %i: tensor<?x2xi32>, %v: tensor<?x2xf32>) {
  // expected-error @below {{expects a bias for each expert, got 'tensor<7xf32>'}}
  moe.router %x, %w bias %b select #moe.top_k<2> rank logits weigh #moe.one over each
      : tensor<?x4xf32>, tensor<8x4xf32> bias tensor<7xf32>
      outs(%l, %i, %v : tensor<?x8xf32>, tensor<?x2xi32>, tensor<?x2xf32>) -> tensor<?x8xf32>, tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

// moe.router C4
func.func @c4_rank(%x: tensor<?x4xf32>, %w: tensor<8x4xf32>, %r: tensor<9xf32>, %l: tensor<?x8xf32>, %i: tensor<?x2xi32>, %v: tensor<?x2xf32>) {
  // expected-error @below {{expects a bias for each expert, got 'tensor<9xf32>'}}
  moe.router %x, %w rank_bias %r select #moe.top_k<2> rank logits weigh #moe.one over each
      : tensor<?x4xf32>, tensor<8x4xf32> rank_bias tensor<9xf32>
      outs(%l, %i, %v : tensor<?x8xf32>, tensor<?x2xi32>, tensor<?x2xf32>) -> tensor<?x8xf32>, tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

// moe.router C5
func.func @c5(%x: tensor<?x4xf32>, %w: tensor<8x4xf32>, %l: tensor<?x8xf32>, %i: tensor<?x2xi32>, %v: tensor<?x2xf32>) {
  // expected-error @below {{expects a selection that picks experts, got #moe.top_k<2, axis = row>}}
  moe.router %x, %w select #moe.top_k<2, axis = row> rank logits weigh #moe.one over each
      : tensor<?x4xf32>, tensor<8x4xf32>
      outs(%l, %i, %v : tensor<?x8xf32>, tensor<?x2xi32>, tensor<?x2xf32>) -> tensor<?x8xf32>, tensor<?x2xi32>, tensor<?x2xf32>
  return
}
