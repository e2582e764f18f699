// RUN: moe-opt %s --moe-serial-to-tasks --split-input-file --verify-diagnostics | FileCheck %s

// CHECK-LABEL: func.func @k
// CHECK: scf.forall (%{{.*}}) in (1)
// CHECK-NEXT: memref.store
func.func @k(%x: memref<4xf32>) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  memref.store %zero, %x[%c0] : memref<4xf32>
  return
}
// -----

// Neighbours share a task, in a branch, too; moe.threads is a constant.
// CHECK-LABEL: func.func @branches
// CHECK: scf.if
// CHECK-NEXT: scf.forall (%{{.*}}) in (1)
// CHECK-NEXT: memref.store
// CHECK-NEXT: memref.copy
// CHECK: %[[N:.*]] = arith.constant 256 : index
// CHECK: scf.forall (%{{.*}}) in (%[[N]])
// CHECK-NOT: scf.forall
func.func @branches(%x: memref<4xf32>, %y: memref<4xf32>, %few: i1) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  scf.if %few {
    memref.store %zero, %x[%c0] : memref<4xf32>
    memref.copy %x, %y : memref<4xf32> to memref<4xf32>
    %n = moe.threads : index
    scf.forall (%i) in (%n) {
      memref.store %zero, %y[%c0] : memref<4xf32>
    }
  }
  return
}
// -----

func.func @device_value(%n: memref<index>, %y: memref<4xf32>) {
  %zero = arith.constant 0.0 : f32
  // expected-error @below {{gives a value that is known on the device alone, but is needed to start kernels}}
  %count = memref.load %n[] : memref<index>
  scf.forall (%i) in (%count) {
    memref.store %zero, %y[%i] : memref<4xf32>
  }
  return
}
