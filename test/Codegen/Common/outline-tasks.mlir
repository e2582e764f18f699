// RUN: moe-opt %s --moe-outline-tasks --canonicalize --cse --split-input-file --verify-diagnostics | FileCheck %s

// CHECK: func.func private @moe_parallel_for(!llvm.ptr, i64, !llvm.ptr, !llvm.ptr)
// CHECK: func.func private @k_task0(%[[CTX:.*]]: !llvm.ptr, %{{.*}}: i64, %{{.*}}: i64)
// CHECK: llvm.load %[[CTX]]
// CHECK: scf.for
// CHECK: memref.store
// CHECK: func.func @k(%[[X:.*]]: memref<4xf32>, %[[N:.*]]: index, %[[POOL:.*]]: !llvm.ptr)
// CHECK: %[[F:.*]] = constant @k_task0
// CHECK: %[[CTX:.*]] = llvm.alloca
// CHECK: arith.ceildivui %[[N]], %c2
// CHECK: llvm.store %{{.*}}, %[[CTX]]
// CHECK: call @moe_parallel_for(%[[POOL]], %{{.*}}, %{{.*}}, %[[CTX]])
func.func @k(%x: memref<4xf32>, %n: index) {
  %zero = arith.constant 0.0 : f32
  scf.forall (%i) = (0) to (%n) step (2) {
    memref.store %zero, %x[%i] : memref<4xf32>
  }
  return
}
// -----

// Two loops, two tasks. A loop of two dimensions is counted in one number, the last dimension fastest: 3 * ceil((n - l) / s)
// iterations. Constants are made again in the task; a stack buffer belongs to the task, not to an iteration.
// CHECK-LABEL: func.func private @two_task0
// CHECK: %[[STACK:.*]] = memref.alloca() : memref<2xf32>
// CHECK: scf.for %[[I:[^ ]*]] =
// CHECK: %[[COLUMN:.*]] = arith.remui %[[I]], %[[COUNT:.*]] : index
// CHECK: %[[ROW:.*]] = arith.divui %[[I]], %[[COUNT]] : index
// CHECK: %[[SCALED:.*]] = arith.muli %[[COLUMN]], %[[STEP:.*]] : index
// CHECK: %[[PLACE:.*]] = arith.addi %[[SCALED]], %[[LOWER:.*]] : index
// CHECK: %[[V:.*]] = memref.load %[[STACK]]
// CHECK: memref.store %[[V]], %{{.*}}[%[[ROW]], %[[PLACE]]]
// CHECK-LABEL: func.func private @two_task1
// CHECK-LABEL: func.func @two(
// CHECK-SAME: %[[X:.*]]: memref<3x?xf32>, %[[L:.*]]: index, %[[N:.*]]: index, %[[S:.*]]: index, %{{.*}}: !llvm.ptr)
// CHECK: %[[SPAN:.*]] = arith.subi %[[N]], %[[L]]
// CHECK: %[[STEPS:.*]] = arith.ceildivui %[[SPAN]], %[[S]]
// CHECK: %[[TOTAL:.*]] = arith.muli %[[STEPS]], %c3
// CHECK: arith.index_cast %[[TOTAL]] : index to i64
// CHECK-COUNT-2: call @moe_parallel_for
// CHECK-NOT: scf.forall
func.func @two(%x: memref<3x?xf32>, %l: index, %n: index, %s: index) {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  scf.forall (%i, %j) = (0, %l) to (3, %n) step (1, %s) {
    %own = memref.alloca() : memref<2xf32>
    memref.store %zero, %own[%c0] : memref<2xf32>
    %v = memref.load %own[%c0] : memref<2xf32>
    memref.store %v, %x[%i, %j] : memref<3x?xf32>
  }
  scf.forall (%i) in (3) {
    memref.store %zero, %x[%i, %l] : memref<3x?xf32>
  }
  return
}

// -----

// Neither a declaration, a private function nor a workspace query is a kernel; the runtime's function is declared once.
// CHECK: func.func private @moe_parallel_for
// CHECK-NOT: @moe_parallel_for
// CHECK: func.func private @helper(%{{.*}}: memref<4xf32>) {
// CHECK: func.func @k_workspace(%{{.*}}: index) -> i64 {
func.func private @moe_parallel_for(!llvm.ptr, i64, !llvm.ptr, !llvm.ptr)
func.func private @declared(memref<4xf32>)
func.func private @helper(%x: memref<4xf32>) {
  return
}
func.func @k_workspace(%n: index) -> i64 {
  %zero = arith.constant 0 : i64
  return %zero : i64
}

// -----

func.func @tensors(%x: memref<4xf32>, %init: tensor<4xf32>) {
  // expected-error @+1 {{still works on tensors: tasks are outlined after bufferization}}
  %y = scf.forall (%i) in (4) shared_outs(%o = %init) -> (tensor<4xf32>) {
    scf.forall.in_parallel {
    }
  }
  bufferization.materialize_in_destination %y in writable %x : (tensor<4xf32>, memref<4xf32>) -> ()
  return
}
