// RUN: moe-opt %s --moe-plan-workspace --split-input-file --verify-diagnostics

func.func @no_function_of_tokens(%x: memref<?x4xf32>, %counts: memref<2xindex>, %f: f32) {
  %c0 = arith.constant 0 : index
  %n = memref.load %counts[%c0] : memref<2xindex>
  // expected-error @+1 {{has a size that is no function of the number of tokens}}
  %a = memref.alloc(%n) : memref<?xf32>
  memref.store %f, %a[%c0] : memref<?xf32>
  return
}

// -----

func.func @an_argument(%x: memref<?x4xf32>, %n: index, %f: f32) {
  %c0 = arith.constant 0 : index
  // expected-error @+1 {{has a size that is no function of the number of tokens}}
  %a = memref.alloc(%n) : memref<?xf32>
  memref.store %f, %a[%c0] : memref<?xf32>
  return
}

// -----

// 16 KiB would be there, one element more is not.
func.func @too_large(%x: memref<?x4xf32>, %f: f32) {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (8) {
    %fits = memref.alloc() : memref<4096xf32>
    // expected-error @+1 {{cannot be a task's own buffer: expects at most 16384 bytes, whatever the sizes, got 'memref<4097xf32>'}}
    %large = memref.alloc() : memref<4097xf32>
    memref.store %f, %fits[%c0] : memref<4096xf32>
    memref.store %f, %large[%c0] : memref<4097xf32>
  }
  return
}

// -----

// A block of 16 rows of 257 elements may be too large, though the last block of this call need not be.
func.func @block_too_large(%x: memref<?x257xf32>, %f: f32) {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?x257xf32>
  scf.forall (%i) = (0) to (%n) step (16) {
    %m = affine.min affine_map<(d0)[s0] -> (16, -d0 + s0)>(%i)[%n]
    // expected-error @+1 {{cannot be a task's own buffer: expects at most 16384 bytes, whatever the sizes, got 'memref<?x257xf32>'}}
    %a = memref.alloc(%m) : memref<?x257xf32>
    memref.store %f, %a[%c0, %c0] : memref<?x257xf32>
  }
  return
}

// -----

func.func @unbounded(%x: memref<?x4xf32>, %n: index, %f: f32) {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (8) {
    // expected-error @+1 {{cannot be a task's own buffer: expects at most 16384 bytes, whatever the sizes, got 'memref<?xf32>'}}
    %a = memref.alloc(%n) : memref<?xf32>
    memref.store %f, %a[%c0] : memref<?xf32>
  }
  return
}
