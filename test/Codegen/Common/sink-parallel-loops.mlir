// RUN: moe-opt %s --moe-sink-parallel-loops --split-input-file | FileCheck %s
// RUN: moe-opt %s --moe-sink-parallel-loops --remarks-filter=moe-sink-parallel-loops --split-input-file -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// REMARK: [Passed] sunk | Category:moe-sink-parallel-loops | Function=shared | Remark="a parallel loop to those of 2 branches"
// CHECK-LABEL: func.func @shared(
// CHECK-SAME: %[[X:.*]]: memref<8xf32>, %[[Y:.*]]: memref<8xf32>, %{{.*}}: memref<8xf32>, %[[FEW:.*]]: i1)
// CHECK-NOT: scf.forall
// CHECK: scf.if %[[FEW]] {
// CHECK-NEXT: scf.forall
// CHECK-NEXT: memref.store %{{.*}}, %[[X]]
// CHECK: scf.forall
// CHECK-NEXT: memref.store %{{.*}}, %[[Y]]
// CHECK: } else {
// CHECK-NEXT: scf.forall
// CHECK-NEXT: memref.store %{{.*}}, %[[X]]
// CHECK: scf.forall
// CHECK-NEXT: memref.store %{{.*}}, %[[Y]]
func.func @shared(%x: memref<8xf32>, %y: memref<8xf32>, %z: memref<8xf32>, %few: i1) {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  scf.forall (%i) in (8) {
    memref.store %zero, %x[%i] : memref<8xf32>
  }
  scf.if %few {
    scf.forall (%i) in (8) {
      memref.store %zero, %y[%i] : memref<8xf32>
    }
    memref.copy %x, %z : memref<8xf32> to memref<8xf32>
  } else {
    scf.forall (%i) in (8) {
      memref.store %one, %y[%i] : memref<8xf32>
    }
    memref.copy %x, %z : memref<8xf32> to memref<8xf32>
  }
  return
}

// -----

// Of two loops, one after the other, each finds its own: the second goes to the last that it can join, the first to one
// before that. Branches may have branches.
// REMARK: Function=chain | Remark="a parallel loop to those of 3 branches"
// REMARK: Function=chain | Remark="a parallel loop to those of 3 branches"
// CHECK-LABEL: func.func @chain(
// CHECK-SAME: %[[X:.*]]: memref<8xf32>, %[[Y:.*]]: memref<8xf32>, %[[A:.*]]: memref<8xf32>, %[[B:.*]]: memref<8xf32>, %[[Z:.*]]: memref<8xf32>,
// CHECK-NOT: scf.forall
// CHECK: scf.if
// CHECK: memref.store %{{.*}}, %[[X]]
// CHECK: memref.store %{{.*}}, %[[A]]
// CHECK: memref.store %{{.*}}, %[[Y]]
// CHECK: memref.store %{{.*}}, %[[B]]
// CHECK: memref.store %{{.*}}, %[[Z]]
// CHECK: } else {
// CHECK: scf.if
// CHECK: memref.store %{{.*}}, %[[X]]
// CHECK: memref.store %{{.*}}, %[[A]]
// CHECK: memref.store %{{.*}}, %[[Y]]
// CHECK: memref.store %{{.*}}, %[[B]]
// CHECK: memref.store %{{.*}}, %[[Z]]
// CHECK: } else {
// CHECK: memref.store %{{.*}}, %[[X]]
// CHECK: memref.store %{{.*}}, %[[A]]
// CHECK: memref.store %{{.*}}, %[[Y]]
// CHECK: memref.store %{{.*}}, %[[B]]
// CHECK: memref.store %{{.*}}, %[[Z]]
func.func @chain(%x: memref<8xf32>, %y: memref<8xf32>, %a: memref<8xf32>, %b: memref<8xf32>, %z: memref<8xf32>,
                 %few: i1, %many: i1) {
  %zero = arith.constant 0.0 : f32
  scf.forall (%i) in (8) {
    memref.store %zero, %x[%i] : memref<8xf32>
  }
  scf.forall (%i) in (8) {
    %v = memref.load %x[%i] : memref<8xf32>
    memref.store %v, %y[%i] : memref<8xf32>
  }
  scf.if %few {
    scf.forall (%i) in (8) {
      memref.store %zero, %a[%i] : memref<8xf32>
    }
    scf.forall (%i) in (8) {
      %v = memref.load %a[%i] : memref<8xf32>
      memref.store %v, %b[%i] : memref<8xf32>
    }
    scf.forall (%i) in (8) {
      %v = memref.load %y[%i] : memref<8xf32>
      memref.store %v, %z[%i] : memref<8xf32>
    }
  } else {
    scf.if %many {
      scf.forall (%i) in (8) {
        memref.store %zero, %a[%i] : memref<8xf32>
      }
      scf.forall (%i) in (8) {
        %v = memref.load %a[%i] : memref<8xf32>
        memref.store %v, %b[%i] : memref<8xf32>
      }
      scf.forall (%i) in (8) {
        %v = memref.load %y[%i] : memref<8xf32>
        memref.store %v, %z[%i] : memref<8xf32>
      }
    } else {
      scf.forall (%i) in (8) {
        memref.store %zero, %a[%i] : memref<8xf32>
      }
      scf.forall (%i) in (8) {
        %v = memref.load %a[%i] : memref<8xf32>
        memref.store %v, %b[%i] : memref<8xf32>
      }
      scf.forall (%i) in (8) {
        %v = memref.load %y[%i] : memref<8xf32>
        memref.store %v, %z[%i] : memref<8xf32>
      }
    }
  }
  return
}

// -----

// What an op before the test reads stays.
// CHECK-LABEL: func.func @needed_before(
// CHECK: scf.forall
// CHECK: memref.store %{{.*}}, %arg0
// CHECK: scf.if
// CHECK-NOT: memref.store %{{.*}}, %arg0
// CHECK: return
func.func @needed_before(%x: memref<8xf32>, %y: memref<8xf32>, %z: memref<8xf32>, %few: i1) {
  %zero = arith.constant 0.0 : f32
  scf.forall (%i) in (8) {
    memref.store %zero, %x[%i] : memref<8xf32>
  }
  memref.copy %x, %z : memref<8xf32> to memref<8xf32>
  scf.if %few {
    scf.forall (%i) in (8) {
      memref.store %zero, %y[%i] : memref<8xf32>
    }
  } else {
    scf.forall (%i) in (8) {
      memref.store %zero, %y[%i] : memref<8xf32>
    }
  }
  return
}

// -----

// One branch needs it at once.
// CHECK-LABEL: func.func @needed_in_a_branch(
// CHECK: scf.forall
// CHECK: memref.store %{{.*}}, %arg0
// CHECK: scf.if
// CHECK-NOT: memref.store %{{.*}}, %arg0
// CHECK: return
func.func @needed_in_a_branch(%x: memref<8xf32>, %y: memref<8xf32>, %z: memref<8xf32>, %few: i1) {
  %zero = arith.constant 0.0 : f32
  scf.forall (%i) in (8) {
    memref.store %zero, %x[%i] : memref<8xf32>
  }
  scf.if %few {
    scf.forall (%i) in (8) {
      memref.store %zero, %y[%i] : memref<8xf32>
    }
  } else {
    scf.forall (%i) in (8) {
      %v = memref.load %x[%i] : memref<8xf32>
      memref.store %v, %y[%i] : memref<8xf32>
    }
  }
  return
}

// -----

// Without the other branch nobody would run it.
// CHECK-LABEL: func.func @no_else(
// CHECK: scf.forall
// CHECK: memref.store %{{.*}}, %arg0
// CHECK: scf.if
// CHECK-NOT: memref.store %{{.*}}, %arg0
// CHECK: return
func.func @no_else(%x: memref<8xf32>, %y: memref<8xf32>, %z: memref<8xf32>, %few: i1) {
  %zero = arith.constant 0.0 : f32
  scf.forall (%i) in (8) {
    memref.store %zero, %x[%i] : memref<8xf32>
  }
  scf.if %few {
    scf.forall (%i) in (8) {
      memref.store %zero, %y[%i] : memref<8xf32>
    }
  }
  return
}

// -----

// Serial code is no list to join.
// CHECK-LABEL: func.func @no_loop(
// CHECK: scf.forall
// CHECK: memref.store %{{.*}}, %arg0
// CHECK: scf.if
// CHECK-NOT: memref.store %{{.*}}, %arg0
// CHECK: return
func.func @no_loop(%x: memref<8xf32>, %y: memref<8xf32>, %z: memref<8xf32>, %few: i1) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  scf.forall (%i) in (8) {
    memref.store %zero, %x[%i] : memref<8xf32>
  }
  scf.if %few {
    scf.forall (%i) in (8) {
      memref.store %zero, %y[%i] : memref<8xf32>
    }
  } else {
    memref.store %zero, %y[%c0] : memref<8xf32>
  }
  return
}
