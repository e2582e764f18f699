// RUN: moe-opt %s --moe-plan-workspace --canonicalize --cse --split-input-file | FileCheck %s \
// RUN:   --implicit-check-not=memref.alloc(

// 16 KiB fit on the stack of a task. One element more does not: the workspace has a place for each of the 8 tasks, of
// whole cache lines.
// CHECK-LABEL: func.func @too_large(
// CHECK-SAME: %[[WORKSPACE:[^:]*]]: memref<?xi8>)
// CHECK: %[[ALL:.*]] = memref.view %[[WORKSPACE]][%c0][] : memref<?xi8> to memref<131584xi8>
// CHECK: scf.forall (%[[I:.*]]) in (8)
// CHECK: memref.alloca() {alignment = 64 : i64} : memref<4096xf32>
// CHECK: %[[AT:.*]] = arith.muli %[[I]], %c16448
// CHECK: memref.view %[[ALL]][%[[AT]]][] : memref<131584xi8> to memref<4097xf32>
// CHECK-LABEL: func.func @too_large_workspace
// CHECK: %[[BYTES:.*]] = arith.constant 131584 : i64
// CHECK: return %[[BYTES]]
func.func @too_large(%x: memref<?x4xf32>, %f: f32) {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (8) {
    %fits = memref.alloc() : memref<4096xf32>
    %large = memref.alloc() : memref<4097xf32>
    memref.store %f, %fits[%c0] : memref<4096xf32>
    %v = memref.load %fits[%c0] : memref<4096xf32>
    memref.store %v, %large[%c0] : memref<4097xf32>
  }
  return
}

// -----

// Buffers that fit one by one, but not together.
// CHECK-LABEL: func.func @together(
// CHECK: scf.forall
// CHECK: memref.alloca() {alignment = 64 : i64} : memref<4096xf32>
// CHECK: memref.view %{{.*}} : memref<128000xi8> to memref<4000xf32>
func.func @together(%x: memref<?x4xf32>, %f: f32) {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (8) {
    %a = memref.alloc() : memref<4096xf32>
    %b = memref.alloc() : memref<4000xf32>
    memref.store %f, %a[%c0] : memref<4096xf32>
    %v = memref.load %a[%c0] : memref<4096xf32>
    memref.store %v, %b[%c0] : memref<4000xf32>
  }
  return
}

// -----

// A block of 16 rows of 257 elements may be too large, though the last block of a call need not be; how many tasks
// there are is a function of the number of tokens.
// CHECK-LABEL: func.func @block(
// CHECK: %[[TASKS:.*]] = arith.ceildivui %{{.*}}, %c16
// CHECK: %[[SIZE:.*]] = arith.muli %[[TASKS]], %c16448
// CHECK: %[[ALL:.*]] = memref.view %{{.*}}[%c0][%[[SIZE]]]
// CHECK: scf.forall (%[[I:.*]]) = (0)
// CHECK: %[[M:.*]] = affine.min
// CHECK: %[[TASK:.*]] = arith.divui %[[I]], %c16
// CHECK: %[[AT:.*]] = arith.muli %[[TASK]], %c16448
// CHECK: memref.view %[[ALL]][%[[AT]]][%[[M]]] : memref<?xi8> to memref<?x257xf32>
func.func @block(%x: memref<?x257xf32>, %f: f32) {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?x257xf32>
  scf.forall (%i) = (0) to (%n) step (16) {
    %m = affine.min affine_map<(d0)[s0] -> (16, -d0 + s0)>(%i)[%n]
    %a = memref.alloc(%m) : memref<?x257xf32>
    memref.store %f, %a[%c0, %c0] : memref<?x257xf32>
  }
  return
}
