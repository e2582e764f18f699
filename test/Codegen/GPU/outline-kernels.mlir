// RUN: moe-opt %s --moe-outline-kernels --split-input-file --verify-diagnostics | FileCheck %s

// CHECK: moe.launches = "{\22chip\22:\22\22,\22layers\22:[],\22programs\22:[{\22inputs\22:[{\22alignment\22:4,\22dtype\22:\22f32\22,\22name\22:\22input\22,\22shape\22:[-1,4]}],\22launches\22:[{\22block\22:128,\22grid\22:\22T\22,\22kernel\22:\22k_0\22,\22shared\22:0,\22when\22:\221\22}],\22name\22:\22k\22,\22outputs\22:[],\22weights\22:[],\22workspace\22:\220\22}],\22version\22:1}"
// CHECK: gpu.module @moe_device
// CHECK: gpu.func @k_0(%{{.*}}: index, %{{.*}}: !llvm.ptr, %{{.*}}: index, %{{.*}}: !llvm.ptr) kernel
// CHECK: gpu.block_id
// CHECK-NOT: func.func
module attributes {moe.target = {threads = 128 : i64}} {
  func.func @k(%x: memref<?x4xf32, strided<[?, 1]>>, %workspace: memref<?xi8>) {
    %zero = arith.constant 0.0 : f32
    %c0 = arith.constant 0 : index
    %n = memref.dim %x, %c0 : memref<?x4xf32, strided<[?, 1]>>
    scf.forall (%i) in (%n) {
      memref.store %zero, %x[%i, %c0] : memref<?x4xf32, strided<[?, 1]>>
    }
    return
  }
  func.func @k_workspace(%n: index) -> i64 {
    %none = arith.constant 0 : i64
    return %none : i64
  }
}
// -----

// Sizes of grids and workspace are expressions; a branch is a condition of its kernels; a task's own buffer is shared memory.
// CHECK: \22grid\22:\22T 16 1 - + 16 /\22,\22kernel\22:\22k_0\22,\22shared\22:0,\22when\22:\22T 8 <\22
// CHECK-SAME: \22grid\22:\22T 2 * T 4 max min\22,\22kernel\22:\22k_1\22,\22shared\22:0,\22when\22:\22T 8 < 0 1 ?\22
// CHECK-SAME: \22workspace\22:\22T 512 * 63 + -64 &\22
// CHECK: gpu.func @k_0
// CHECK-SAME: workgroup(%{{.*}} : memref<8xf32, #gpu.address_space<workgroup>> {llvm.align = 64 : i64})
// CHECK: gpu.func @k_1
module attributes {moe.target = {chip = "sm_80", threads = 128 : i64}} {
  func.func @k(%x: memref<?x4xf32, strided<[?, 1]>>, %workspace: memref<?xi8>) {
    %zero = arith.constant 0.0 : f32
    %c0 = arith.constant 0 : index
    %c2 = arith.constant 2 : index
    %c4 = arith.constant 4 : index
    %c8 = arith.constant 8 : index
    %n = memref.dim %x, %c0 : memref<?x4xf32, strided<[?, 1]>>
    %few = arith.cmpi ult, %n, %c8 : index
    scf.if %few {
      scf.forall (%i) = (0) to (%n) step (16) {
        %own = memref.alloca() : memref<8xf32>
        memref.store %zero, %own[%c0] : memref<8xf32>
      }
    } else {
      %twice = arith.muli %n, %c2 : index
      %most = arith.maxui %n, %c4 : index
      %count = arith.minui %twice, %most : index
      scf.forall (%i) in (%count) {
        memref.store %zero, %x[%c0, %c0] : memref<?x4xf32, strided<[?, 1]>>
      }
    }
    return
  }
  func.func @k_workspace(%n: index) -> i64 {
    %c512 = arith.constant 512 : index
    %c63 = arith.constant 63 : index
    %mask = arith.constant -64 : index
    %bytes = arith.muli %n, %c512 : index
    %above = arith.addi %bytes, %c63 : index
    %rounded = arith.andi %above, %mask : index
    %wide = arith.index_cast %rounded : index to i64
    return %wide : i64
  }
}
// -----

module attributes {moe.target = {threads = 128 : i64}} {
  func.func @serial(%x: memref<?x4xf32, strided<[?, 1]>>, %workspace: memref<?xi8>) {
    %zero = arith.constant 0.0 : f32
    %c0 = arith.constant 0 : index
    // expected-error @below {{touches memory outside of a parallel loop; run moe-serial-to-tasks}}
    memref.store %zero, %x[%c0, %c0] : memref<?x4xf32, strided<[?, 1]>>
    return
  }
}
// -----

module attributes {moe.target = {threads = 128 : i64}} {
  func.func @no_query(%x: memref<?x4xf32, strided<[?, 1]>>, %workspace: memref<?xi8>) {
    return
  }
  // expected-error @-3 {{expects a function that tells the size of its workspace; run moe-plan-workspace}}
}
// -----

// expected-error @below {{expects a moe.target with the threads of a block; run moe-select-device-config}}
module {
}
// -----

module attributes {moe.target = {threads = 128 : i64}} {
  func.func @no_size(%x: memref<?x4xf32, strided<[?, 1]>>, %workspace: memref<?xi8>) {
    %zero = arith.constant 0.0 : f32
    %c0 = arith.constant 0 : index
    %n = memref.dim %x, %c0 : memref<?x4xf32, strided<[?, 1]>>
    // expected-error @below {{is no function of the number of tokens that launch records can say}}
    %count = arith.shli %n, %n : index
    scf.forall (%i) in (%count) {
      memref.store %zero, %x[%c0, %c0] : memref<?x4xf32, strided<[?, 1]>>
    }
    return
  }
}
