// RUN: moe-opt %s --moe-plan-workspace --canonicalize --cse --split-input-file | FileCheck %s \
// RUN:   --implicit-check-not=memref.alloc(

// Two rows of 16 bytes for each token, then 72 bytes: both begin at a cache line.
// CHECK-LABEL: func.func @k(
// CHECK-SAME: %[[X:.*]]: memref<?x4xf32, strided<[?, 1]>>, %[[WORKSPACE:.*]]: memref<?xi8>)
// CHECK: %[[T:.*]] = memref.dim %[[X]]
// CHECK: %[[T2:.*]] = arith.muli %[[T]], %c2
// CHECK: memref.view %[[WORKSPACE]][%c0][%[[T2]]] : memref<?xi8> to memref<?x4xf32>
// CHECK: %[[BYTES:.*]] = arith.muli %[[T]], %c32
// CHECK: %[[MORE:.*]] = arith.addi %[[BYTES]], %c63
// CHECK: %[[LINES:.*]] = arith.andi %[[MORE]], %c-64
// CHECK: memref.view %[[WORKSPACE]][%[[LINES]]][] : memref<?xi8> to memref<9xindex>
// CHECK-LABEL: func.func @k_workspace(
// CHECK-SAME: %[[T:.*]]: index) -> i64
// CHECK: arith.muli %[[T]], %c32
// CHECK: arith.addi %{{.*}}, %c128
func.func @k(%x: memref<?x4xf32, strided<[?, 1]>>) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %zero = arith.constant 0.0 : f32
  %n = memref.dim %x, %c0 : memref<?x4xf32, strided<[?, 1]>>
  %n2 = arith.muli %n, %c2 : index
  %a = memref.alloc(%n2) : memref<?x4xf32>
  %b = memref.alloc() : memref<9xindex>
  memref.store %zero, %a[%c0, %c0] : memref<?x4xf32>
  memref.store %c0, %b[%c0] : memref<9xindex>
  return
}
// -----

// A kernel without buffers has a workspace all the same, of no bytes.
// CHECK-LABEL: func.func @none(
// CHECK-SAME: memref<?xi8>)
// CHECK-LABEL: func.func @none_workspace
// CHECK: %[[ZERO:.*]] = arith.constant 0 : i64
// CHECK: return %[[ZERO]]
func.func @none(%x: memref<?x4xf32>) {
  return
}

// -----

// A size may be computed from the tokens by any arithmetic, also late and inside a loop.
// CHECK-LABEL: func.func @late(
// CHECK: %[[T:.*]] = memref.dim
// CHECK: %[[BLOCKS:.*]] = arith.ceildivui %[[T]], %c16
// CHECK: memref.view %{{.*}}[%c0][%[[BLOCKS]]] : memref<?xi8> to memref<?xbf16>
// CHECK: scf.for
// CHECK-NOT: memref.dealloc
// CHECK-LABEL: func.func @late_workspace(
// CHECK-SAME: %[[T:.*]]: index) -> i64
// CHECK: arith.ceildivui %[[T]], %c16
func.func @late(%x: memref<?x4xf32>, %y: memref<?x4xf32>, %f: bf16) {
  %c0 = arith.constant 0 : index
  %c16 = arith.constant 16 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %c16 step %c1 {
    %n = memref.dim %y, %c0 : memref<?x4xf32>
    %blocks = arith.ceildivui %n, %c16 : index
    %b = memref.alloc(%blocks) : memref<?xbf16>
    memref.store %f, %b[%c0] : memref<?xbf16>
    memref.dealloc %b : memref<?xbf16>
  }
  return
}

// -----

// A task's own buffers are on its stack, at the beginning of the outermost loop's body: a fixed one, and one that has at
// most a block of rows.
// CHECK: #[[$BLOCK:.*]] = affine_map<(d0)[s0] -> (-d0 + s0, 16)>
// CHECK-LABEL: func.func @tasks(
// CHECK: scf.forall (%[[I:.*]]) =
// CHECK-DAG: %[[FIXED:.*]] = memref.alloca() {alignment = 64 : i64} : memref<2xf32>
// CHECK-DAG: %[[STACK:.*]] = memref.alloca() {alignment = 64 : i64} : memref<256xi8>
// CHECK: scf.for
// CHECK: %[[ROWS:.*]] = affine.min #[[$BLOCK]]
// CHECK: %[[VIEW:.*]] = memref.view %[[STACK]][%c0][%[[ROWS]]] : memref<256xi8> to memref<?x4xf32>
// CHECK: memref.store %{{.*}}, %[[VIEW]]
// CHECK: memref.store %{{.*}}, %[[FIXED]]
// CHECK-NOT: memref.dealloc
// CHECK-LABEL: func.func @tasks_workspace
// CHECK: arith.constant 0 : i64
func.func @tasks(%x: memref<?x4xf32>, %f: f32) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = memref.dim %x, %c0 : memref<?x4xf32>
  scf.forall (%i) = (0) to (%n) step (16) {
    scf.for %j = %c0 to %n step %c1 {
      %m = affine.min affine_map<(d0)[s0] -> (16, -d0 + s0)>(%i)[%n]
      %a = memref.alloc(%m) : memref<?x4xf32>
      %b = memref.alloc() : memref<2xf32>
      memref.store %f, %a[%j, %c0] : memref<?x4xf32>
      %u = memref.load %a[%c0, %c0] : memref<?x4xf32>
      memref.store %u, %x[%i, %c1] : memref<?x4xf32>
      memref.store %f, %b[%c0] : memref<2xf32>
      %v = memref.load %b[%c0] : memref<2xf32>
      memref.store %v, %x[%i, %c0] : memref<?x4xf32>
      memref.dealloc %b : memref<2xf32>
    }
  }
  return
}

// -----

// Of two branches one runs: both start at the same place, and what comes after starts behind the larger one.
// CHECK-LABEL: func.func @branches
// CHECK: memref.view %[[W:.*]][%c0]{{.*}} to memref<?x4xf32>
// CHECK: memref.view %[[W]][%c0]{{.*}} to memref<?x8xf32>
// CHECK: %[[END:.*]] = arith.maxui
// CHECK: memref.view %[[W]][%[[END]]]{{.*}} to memref<4xindex>
// CHECK-LABEL: func.func @branches_workspace
// CHECK: %[[LARGER:.*]] = arith.maxui
// CHECK: arith.addi %[[LARGER]], %c64
func.func @branches(%x: memref<?x4xf32, strided<[?, 1]>>, %few: i1) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %n = memref.dim %x, %c0 : memref<?x4xf32, strided<[?, 1]>>
  scf.if %few {
    %a = memref.alloc(%n) : memref<?x4xf32>
    memref.store %zero, %a[%c0, %c0] : memref<?x4xf32>
  } else {
    %b = memref.alloc(%n) : memref<?x8xf32>
    memref.store %zero, %b[%c0, %c0] : memref<?x8xf32>
  }
  %c = memref.alloc() : memref<4xindex>
  memref.store %c0, %c[%c0] : memref<4xindex>
  return
}
