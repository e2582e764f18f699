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

func.func @unbounded(%x: memref<?x4xf32>, %n: index, %f: f32) {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (8) {
    // expected-error @+1 {{cannot be a task's own buffer: expects sizes with an upper bound, got 'memref<?xf32>'}}
    %a = memref.alloc(%n) : memref<?xf32>
    memref.store %f, %a[%c0] : memref<?xf32>
  }
  return
}
