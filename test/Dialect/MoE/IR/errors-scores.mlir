// RUN: moe-opt %s --split-input-file --verify-diagnostics

// moe.score.affine C1
func.func @affine_c1(%x: tensor<?x64xf32>, %w: tensor<8x63xf32>) {
  // expected-error @below {{expects one vector of 64 for each expert, got 'tensor<8x63xf32>'}}
  moe.score.affine %x, %w : tensor<?x64xf32>, tensor<8x63xf32> -> tensor<?x8xf32>
  return
}

// -----

// moe.score.affine C2
func.func @affine_c2(%x: tensor<?x64xf32>, %w: tensor<8x64xf32>) {
  // expected-error @below {{expects logits of 8 columns, got 'tensor<?x7xf32>'}}
  moe.score.affine %x, %w : tensor<?x64xf32>, tensor<8x64xf32> -> tensor<?x7xf32>
  return
}

// -----

// moe.score.affine C3
func.func @affine_c3(%x: tensor<?x64xf32>, %w: tensor<8x64xf32>, %b: tensor<7xf32>) {
  // expected-error @below {{expects a bias for each expert, got 'tensor<7xf32>'}}
  moe.score.affine %x, %w bias %b : tensor<?x64xf32>, tensor<8x64xf32>, tensor<7xf32> -> tensor<?x8xf32>
  return
}

// -----

// moe.score.neg_distance C1
func.func @distance_c1(%x: tensor<?x2xf32>, %p: tensor<16x3xf32>) {
  // expected-error @below {{expects one vector of 2 for each expert, got 'tensor<16x3xf32>'}}
  moe.score.neg_distance %x, %p power 2 : tensor<?x2xf32>, tensor<16x3xf32> -> tensor<?x16xf32>
  return
}

// -----

// moe.score.neg_distance C2
func.func @distance_c2(%x: tensor<?x2xf32>, %p: tensor<16x2xf32>) {
  // expected-error @below {{expects logits of 16 columns, got 'tensor<?x4xf32>'}}
  moe.score.neg_distance %x, %p power 2 : tensor<?x2xf32>, tensor<16x2xf32> -> tensor<?x4xf32>
  return
}

// -----

// moe.score.neg_distance C3
func.func @distance_c3(%x: tensor<?x2xf32>, %p: tensor<16x2xf32>) {
  // expected-error @below {{expects power 1 or 2, got 3}}
  moe.score.neg_distance %x, %p power 3 : tensor<?x2xf32>, tensor<16x2xf32> -> tensor<?x16xf32>
  return
}
