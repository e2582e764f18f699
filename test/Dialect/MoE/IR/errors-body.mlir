// RUN: moe-opt %s --split-input-file --verify-diagnostics --allow-unregistered-dialect

// moe.linear C1
func.func @linear_c1(%x: tensor<?x4xf32>, %w: tensor<6x4xf32>) {
  // expected-error @below {{expects one result for each matrix, got 1 matrices and 2 results}}
  %a, %b = "moe.linear"(%x, %w) : (tensor<?x4xf32>, tensor<6x4xf32>) -> (tensor<?x6xf32>, tensor<?x6xf32>)
  return
}

// -----

// moe.linear C1
func.func @linear_c1_none(%x: tensor<?x4xf32>) {
  // expected-error @below {{expects one result for each matrix, got 0 matrices and 0 results}}
  "moe.linear"(%x) : (tensor<?x4xf32>) -> ()
  return
}

// -----

// moe.linear C2
func.func @linear_c2(%x: tensor<?x4xf32>, %w: tensor<6x5xf32>) {
  // expected-error @below {{expects matrices of 4 columns, got 'tensor<6x5xf32>'}}
  moe.linear %x, %w : tensor<?x4xf32>, tensor<6x5xf32> -> tensor<?x6xf32>
  return
}

// -----

// moe.linear C3
func.func @linear_c3_columns(%x: tensor<?x4xf32>, %w: tensor<6x4xf32>) {
  // expected-error @below {{expects a result of the rows' row count and 6 columns, got 'tensor<?x7xf32>'}}
  moe.linear %x, %w : tensor<?x4xf32>, tensor<6x4xf32> -> tensor<?x7xf32>
  return
}

// -----

// moe.linear C3
func.func @linear_c3_rows(%x: tensor<3x4xf32>, %w: tensor<6x4xf32>) {
  // expected-error @below {{expects a result of the rows' row count and 6 columns, got 'tensor<2x6xf32>'}}
  moe.linear %x, %w : tensor<3x4xf32>, tensor<6x4xf32> -> tensor<2x6xf32>
  return
}

// -----

// moe.linear C4
func.func @linear_c4_matrices(%x: tensor<?x4xf32>, %v: tensor<6x4xf32>, %w: tensor<6x4xbf16>) {
  // expected-error @below {{expects all matrices to have one type, and all results}}
  moe.linear %x, %v, %w : tensor<?x4xf32>, tensor<6x4xf32>, tensor<6x4xbf16> -> tensor<?x6xf32>, tensor<?x6xf32>
  return
}

// -----

// moe.linear C4
func.func @linear_c4_results(%x: tensor<?x4xf32>, %v: tensor<6x4xf32>, %w: tensor<6x4xf32>) {
  // expected-error @below {{expects all matrices to have one type, and all results}}
  moe.linear %x, %v, %w : tensor<?x4xf32>, tensor<6x4xf32>, tensor<6x4xf32> -> tensor<?x6xf32>, tensor<?x6xbf16>
  return
}

// -----

// moe.map C1
func.func @map_c1(%b: tensor<6xf32>) {
  // expected-error @below {{expects a first operand of rank 2}}
  moe.map %b : tensor<6xf32> -> tensor<?x6xf32> {
  ^bb0(%v: f32):
    moe.yield %v : f32
  }
  return
}

// -----

// moe.map C2
func.func @map_c2(%x: tensor<?x6xf32>, %b: tensor<5xf32>) {
  // expected-error @below {{expects operands of the result's shape, or vectors of its columns, got 'tensor<5xf32>' and a result 'tensor<?x6xf32>'}}
  moe.map %x, %b : tensor<?x6xf32>, tensor<5xf32> -> tensor<?x6xf32> {
  ^bb0(%v: f32, %c: f32):
    moe.yield %v : f32
  }
  return
}

// -----

// moe.map C3
func.func @map_c3(%x: tensor<?x6xbf16>) {
  // expected-error @below {{expects a block argument of the element type of each operand}}
  moe.map %x : tensor<?x6xbf16> -> tensor<?x6xf32> {
  ^bb0(%v: f32):
    moe.yield %v : f32
  }
  return
}

// -----

// moe.map C4
func.func @map_c4(%x: tensor<?x6xf32>) {
  // expected-error @below {{expects to yield one 'bf16'}}
  moe.map %x : tensor<?x6xf32> -> tensor<?x6xbf16> {
  ^bb0(%v: f32):
    moe.yield %v : f32
  }
  return
}

// -----

// moe.map C5
func.func @map_c5(%x: tensor<?x6xf32>, %m: memref<f32>) {
  moe.map %x : tensor<?x6xf32> -> tensor<?x6xf32> {
  ^bb0(%v: f32):
    // expected-error @below {{has side effects, but is in the region of a moe.map}}
    memref.store %v, %m[] : memref<f32>
    moe.yield %v : f32
  }
  return
}
