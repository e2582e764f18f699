// RUN: moe-opt %s --moe-merge-parallel-loops --canonicalize --cse --split-input-file | FileCheck %s
// RUN: moe-opt %s --moe-merge-parallel-loops --remarks-filter=moe-merge-parallel-loops --split-input-file -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// REMARK: [Passed] merged | Category:moe-merge-parallel-loops | Function=two | Remark="two parallel loops into one list of tasks"
// CHECK-LABEL: func.func @two(
// CHECK-SAME: %[[X:.*]]: memref<?x8xf32>, %[[Y:.*]]: memref<?x8xf32>, %[[N:.*]]: index
// CHECK: %[[TASKS:.*]] = arith.addi %[[N]], %c4
// CHECK: scf.forall (%[[TASK:.*]]) in (%[[TASKS]]) {
// CHECK: %[[FIRST:.*]] = arith.cmpi ult, %[[TASK]], %[[N]]
// CHECK: scf.if %[[FIRST]] {
// CHECK: memref.store %{{.*}}, %[[X]][%[[TASK]], %c0]
// CHECK: } else {
// CHECK: %[[NUMBER:.*]] = arith.subi %[[TASK]], %[[N]]
// CHECK: %[[J:.*]] = arith.muli %[[NUMBER]], %c2
// CHECK: memref.store %{{.*}}, %[[Y]][%c0, %[[J]]]
// CHECK-NOT: scf.forall
func.func @two(%x: memref<?x8xf32>, %y: memref<?x8xf32>, %n: index) {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (%n) {
    memref.store %zero, %x[%i, %c0] : memref<?x8xf32>
  }
  scf.forall (%j) = (0) to (8) step (2) {
    memref.store %one, %y[%c0, %j] : memref<?x8xf32>
  }
  return
}

// -----

// The second loop moves over what is in between, with its buffer and its sizes, to the first loop that allows it; the
// larger task is first, and dimensions are counted in one number.
// REMARK: [Missed] not merged | {{.*}} | Function=between | Reason="the second loop needs what the first, or an op in between, reads or writes"
// REMARK: [Passed] merged | {{.*}} | Function=between
// CHECK-LABEL: func.func @between(
// CHECK-SAME: %[[X:.*]]: memref<8xf32>, %[[Y:.*]]: memref<8xf32>, %[[N:.*]]: index
// CHECK: %[[TWICE:.*]] = arith.muli %[[N]], %c2
// CHECK: %[[OWN:.*]] = memref.alloc(%[[TWICE]])
// CHECK: scf.forall (%[[TASK:.*]]) in
// CHECK: scf.if
// CHECK: scf.for
// CHECK: memref.store %{{.*}}, %[[OWN]]
// CHECK: } else {
// CHECK: memref.store %{{.*}}, %[[X]]
// CHECK: memref.load %[[X]]
// CHECK: scf.forall
// CHECK-NOT: scf.if
// CHECK: memref.load %[[X]]
// CHECK: memref.store %{{.*}}, %[[Y]]
func.func @between(%x: memref<8xf32>, %y: memref<8xf32>, %n: index) -> (f32, f32) {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c100 = arith.constant 100 : index
  scf.forall (%i) in (8) {
    memref.store %zero, %x[%i] : memref<8xf32>
  }
  %v = memref.load %x[%c0] : memref<8xf32>
  scf.forall (%i) in (8) {
    %u = memref.load %x[%i] : memref<8xf32>
    memref.store %u, %y[%i] : memref<8xf32>
  }
  %twice = arith.muli %n, %c2 : index
  %own = memref.alloc(%twice) : memref<?xf32>
  scf.forall (%i, %j) in (%n, 2) {
    %row = arith.muli %i, %c2 : index
    %place = arith.addi %row, %j : index
    scf.for %k = %c0 to %c100 step %c1 {
      memref.store %zero, %own[%place] : memref<?xf32>
    }
  }
  %w = memref.load %own[%c0] : memref<?xf32>
  return %v, %w : f32, f32
}

// -----

// A view is of the buffer that it is a view of.
// REMARK: [Missed] not merged | {{.*}} | Function=views | Reason="the second loop needs what
// CHECK-LABEL: func.func @views(
// CHECK-COUNT-2: scf.forall
func.func @views(%x: memref<8x8xf32>, %n: index) {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %part = memref.subview %x[4, 0] [4, 8] [1, 1] : memref<8x8xf32> to memref<4x8xf32, strided<[8, 1], offset: 32>>
  scf.forall (%i) in (%n) {
    memref.store %zero, %x[%i, %c0] : memref<8x8xf32>
  }
  scf.forall (%i) in (%n) {
    memref.store %zero, %part[%i, %c0] : memref<4x8xf32, strided<[8, 1], offset: 32>>
  }
  return
}

// -----

// Writes after reads are in order, too.
// REMARK: [Missed] not merged | {{.*}} | Function=after | Reason="the second loop needs what
// CHECK-LABEL: func.func @after(
// CHECK-COUNT-2: scf.forall
func.func @after(%x: memref<8xf32>, %y: memref<8xf32>) {
  %zero = arith.constant 0.0 : f32
  scf.forall (%i) in (8) {
    %v = memref.load %x[%i] : memref<8xf32>
    memref.store %v, %y[%i] : memref<8xf32>
  }
  scf.forall (%i) in (8) {
    memref.store %zero, %x[%i] : memref<8xf32>
  }
  return
}

// -----

// Neither a value that is read in between nor a call can be passed.
// REMARK: [Missed] not merged | {{.*}} | Function=value | Reason="the second loop needs a value that is computed after the first"
// REMARK: [Missed] not merged | {{.*}} | Function=call | Reason="it cannot be told which buffers are read and written"
// CHECK-LABEL: func.func @value(
// CHECK-COUNT-2: scf.forall
// CHECK-LABEL: func.func @call(
// CHECK-COUNT-2: scf.forall
func.func @value(%x: memref<8xf32>, %y: memref<8xindex>, %z: memref<8xf32>) {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (8) {
    memref.store %zero, %x[%i] : memref<8xf32>
  }
  %n = memref.load %y[%c0] : memref<8xindex>
  scf.forall (%i) in (%n) {
    memref.store %zero, %z[%i] : memref<8xf32>
  }
  return
}
func.func private @somewhere()
func.func @call(%x: memref<8xf32>, %y: memref<8xf32>) {
  %zero = arith.constant 0.0 : f32
  scf.forall (%i) in (8) {
    memref.store %zero, %x[%i] : memref<8xf32>
  }
  call @somewhere() : () -> ()
  scf.forall (%i) in (8) {
    memref.store %zero, %y[%i] : memref<8xf32>
  }
  return
}
