// RUN: moe-opt %s --moe-convert-to-nvvm | FileCheck %s

// CHECK-LABEL: llvm.func @k
// CHECK-SAME: attributes {gpu.kernel, nvvm.kernel}
// CHECK: llvm.intr.floor
// CHECK: llvm.intr.fma
// CHECK: nvvm.barrier0
// CHECK-NOT: __nv_
gpu.module @moe_device {
  gpu.func @k(%x: f32, %y: !llvm.ptr) kernel {
    %thread = gpu.thread_id x
    %floor = math.floor %x : f32
    %z = math.fma %x, %floor, %x : f32
    llvm.store %z, %y : f32, !llvm.ptr
    gpu.barrier
    gpu.return
  }
}
