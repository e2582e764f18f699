// RUN: moe-opt %s --split-input-file --verify-diagnostics | FileCheck %s

// CHECK-LABEL: func.func @all
// CHECK: moe.round_rows %{{.*}} : tensor<?x8xbf16> -> tensor<?x8xf32>
// CHECK: moe.look_up_bytes %{{.*}} in [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, -1] : vector<16xi8>
// CHECK: moe.dot_bytes %{{.*}}, %{{.*}}, %{{.*}} : vector<4xi32>, vector<16xi8>
func.func @all(%x: tensor<?x8xbf16>, %sums: vector<4xi32>, %codes: vector<16xi8>, %row: vector<16xi8>)
    -> (tensor<?x8xf32>, vector<4xi32>) {
  %q = moe.round_rows %x : tensor<?x8xbf16> -> tensor<?x8xf32>
  %u = moe.look_up_bytes %codes in [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, -1] : vector<16xi8>
  %next = moe.dot_bytes %sums, %u, %row : vector<4xi32>, vector<16xi8>
  return %q, %next : tensor<?x8xf32>, vector<4xi32>
}

// -----

// moe.round_rows C1
func.func @shape(%x: tensor<?x8xbf16>) -> tensor<?x9xf32> {
  // expected-error @below {{expects a result of the shape of the rows, got 'tensor<?x8xbf16>' and 'tensor<?x9xf32>'}}
  %q = moe.round_rows %x : tensor<?x8xbf16> -> tensor<?x9xf32>
  return %q : tensor<?x9xf32>
}

// -----

// moe.dot_bytes C1
func.func @lanes(%sums: vector<8xi32>, %codes: vector<16xi8>) -> vector<8xi32> {
  // expected-error @below {{expects four bytes for each lane, got 'vector<16xi8>' for 'vector<8xi32>'}}
  %next = moe.dot_bytes %sums, %codes, %codes : vector<8xi32>, vector<16xi8>
  return %next : vector<8xi32>
}

// -----

// moe.look_up_bytes C1
func.func @table(%codes: vector<16xi8>) -> vector<16xi8> {
  // expected-error @below {{expects a table of 16 bytes, got 2}}
  %u = moe.look_up_bytes %codes in [0, 1] : vector<16xi8>
  return %u : vector<16xi8>
}
