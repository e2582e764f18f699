// RUN: moe-opt %s --moe-distribute-tasks --split-input-file --verify-diagnostics | FileCheck %s

// CHECK-LABEL: gpu.func @k
// CHECK: %[[THREAD:.*]] = gpu.thread_id x
// CHECK: %[[COUNT:.*]] = arith.constant 32 : index
// CHECK: %[[FIRST:.*]] = arith.cmpi eq, %[[THREAD]]
// CHECK: scf.for %{{.*}} = %[[THREAD]] to %{{.*}} step %[[COUNT]]
// CHECK: gpu.barrier
// CHECK: scf.if %[[FIRST]]
// CHECK-NEXT: memref.store
// CHECK-NOT: gpu.barrier
gpu.module @moe_device {
  gpu.func @k(%x: memref<64xf32>) kernel attributes {known_block_size = array<i32: 32, 1, 1>, moe.task_code} {
    %zero = arith.constant 0.0 : f32
    %one = arith.constant 1.0 : f32
    %c0 = arith.constant 0 : index
    scf.forall (%i) in (64) {
      memref.store %zero, %x[%i] : memref<64xf32>
    }
    memref.store %one, %x[%c0] : memref<64xf32>
    gpu.return
  }
}
// -----

// A loop that all threads enter begins with a barrier: they may still read what the iteration before left.
// CHECK-LABEL: gpu.func @nested
// CHECK: scf.for
// CHECK-NEXT: gpu.barrier
// CHECK-NOT: gpu.barrier
// CHECK: scf.for
// CHECK: memref.store
gpu.module @moe_device {
  gpu.func @nested(%x: memref<64xf32>, %n: index) kernel
      attributes {known_block_size = array<i32: 32, 1, 1>, moe.task_code} {
    %zero = arith.constant 0.0 : f32
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    scf.for %j = %c0 to %n step %c1 {
      scf.forall (%i) in (64) {
        memref.store %zero, %x[%i] : memref<64xf32>
      }
    }
    gpu.return
  }
}
// -----

// A value that the first thread found while it wrote goes to all by shared memory.
// CHECK-LABEL: gpu.func @broadcast
// CHECK-SAME: workgroup(%[[PLACE:.*]] : memref<1xindex, #gpu.address_space<workgroup>>)
// CHECK: scf.if
// CHECK: memref.store %{{.*}}, %[[PLACE]]
// CHECK: gpu.barrier
// CHECK: %[[N:[^ ]*]] = memref.load %[[PLACE]]
// CHECK: arith.subi %[[N]]
// CHECK: scf.for
gpu.module @moe_device {
  gpu.func @broadcast(%x: memref<64xf32>, %y: memref<64xindex>) kernel
      attributes {known_block_size = array<i32: 32, 1, 1>, moe.task_code} {
    %zero = arith.constant 0.0 : f32
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c64 = arith.constant 64 : index
    %n = scf.for %j = %c0 to %c64 step %c1 iter_args(%sum = %c0) -> (index) {
      %next = arith.addi %sum, %j : index
      memref.store %next, %y[%j] : memref<64xindex>
      scf.yield %next : index
    }
    scf.forall (%i) in (%n) {
      memref.store %zero, %x[%i] : memref<64xf32>
    }
    gpu.return
  }
}
// -----

gpu.module @moe_device {
  gpu.func @reduction(%x: memref<64xf32>) kernel
      attributes {known_block_size = array<i32: 32, 1, 1>, moe.task_code} {
    %zero = arith.constant 0.0 : f32
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c64 = arith.constant 64 : index
    // expected-error @below {{has a reduction, which would be of all threads}}
    %sum = scf.parallel (%i) = (%c0) to (%c64) step (%c1) init (%zero) -> f32 {
      %v = memref.load %x[%i] : memref<64xf32>
      memref.store %zero, %x[%i] : memref<64xf32>
      scf.reduce(%v : f32) {
      ^bb0(%a: f32, %b: f32):
        %r = arith.addf %a, %b : f32
        scf.reduce.return %r : f32
      }
    }
    gpu.return
  }
}
