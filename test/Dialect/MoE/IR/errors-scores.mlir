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

// -----

// moe.score.cosine C1
func.func @cosine_c1(%x: tensor<?x4xf32>, %v: tensor<3x4xf32>, %w: tensor<3x5xf32>) {
  // expected-error @below {{expects one vector of 4 for each expert, got 'tensor<3x5xf32>'}}
  moe.score.cosine %x, %w : tensor<?x4xf32>, tensor<3x5xf32> -> tensor<?x3xf32>
  return
}

// -----

// moe.score.cosine C2
func.func @cosine_c2(%x: tensor<?x4xf32>, %v: tensor<3x4xf32>, %w: tensor<3x5xf32>) {
  // expected-error @below {{expects logits of 3 columns, got 'tensor<?x2xf32>'}}
  moe.score.cosine %x, %v : tensor<?x4xf32>, tensor<3x4xf32> -> tensor<?x2xf32>
  return
}

// -----

// moe.score.cosine C3
func.func @cosine_c3_row(%x: tensor<?x4xf32>, %v: tensor<3x4xf32>, %w: tensor<3x5xf32>) {
  // expected-error @below {{expects eps to be finite and at least 0, got -1}}
  moe.score.cosine %x, %v row_eps -1.0 : tensor<?x4xf32>, tensor<3x4xf32> -> tensor<?x3xf32>
  return
}

// -----

// moe.score.cosine C3
func.func @cosine_c3_vector(%x: tensor<?x4xf32>, %v: tensor<3x4xf32>, %w: tensor<3x5xf32>) {
  // expected-error @below {{expects eps to be finite and at least 0, got INF}}
  moe.score.cosine %x, %v vector_eps 0x7FF0000000000000 : tensor<?x4xf32>, tensor<3x4xf32> -> tensor<?x3xf32>
  return
}

// -----

// moe.score.cosine C4
func.func @cosine_c4(%x: tensor<?x4xf32>, %v: tensor<3x4xf32>, %w: tensor<3x5xf32>) {
  // expected-error @below {{expects a finite scale other than zero}}
  moe.score.cosine %x, %v scale 0.0 : tensor<?x4xf32>, tensor<3x4xf32> -> tensor<?x3xf32>
  return
}
