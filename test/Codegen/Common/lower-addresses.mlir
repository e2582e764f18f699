// RUN: moe-opt %s --moe-lower-addresses --split-input-file | FileCheck %s
// RUN: moe-opt %s --moe-lower-addresses --convert-to-llvm --reconcile-unrealized-casts --split-input-file \
// RUN:   | FileCheck %s --check-prefix=LLVM

// CHECK-LABEL: func.func @k
// CHECK-SAME: %[[ADDRESS:.*]]: i64
// CHECK: %[[P:.*]] = llvm.inttoptr %[[ADDRESS]] : i64 to !llvm.ptr
// CHECK: llvm.insertvalue %[[P]], %{{.*}}[0]
// CHECK: llvm.insertvalue %[[P]], %{{.*}}[1]
// CHECK: %[[M:.*]] = builtin.unrealized_conversion_cast %{{.*}} to memref<4xf32>
// CHECK: memref.load %[[M]]
// LLVM-LABEL: llvm.func @k(
// LLVM: llvm.inttoptr
// LLVM: llvm.load
// LLVM-NOT: unrealized_conversion_cast
func.func @k(%address: i64) -> f32 {
  %c0 = arith.constant 0 : index
  %m = moe.from_address %address : memref<4xf32>
  %v = memref.load %m[%c0] : memref<4xf32>
  return %v : f32
}
// -----

// Sizes 2, 4 and strides 4, 1, from offset 0.
// CHECK-LABEL: func.func @rank_two
// CHECK: %[[OFFSET:.*]] = llvm.mlir.constant(0 : index)
// CHECK: llvm.insertvalue %[[OFFSET]], %{{.*}}[2]
// CHECK: %[[S0:.*]] = llvm.mlir.constant(2 : index)
// CHECK: llvm.insertvalue %[[S0]], %{{.*}}[3, 0]
// CHECK: %[[D0:.*]] = llvm.mlir.constant(4 : index)
// CHECK: llvm.insertvalue %[[D0]], %{{.*}}[4, 0]
// CHECK: %[[S1:.*]] = llvm.mlir.constant(4 : index)
// CHECK: llvm.insertvalue %[[S1]], %{{.*}}[3, 1]
// CHECK: %[[D1:.*]] = llvm.mlir.constant(1 : index)
// CHECK: llvm.insertvalue %[[D1]], %{{.*}}[4, 1]
// CHECK-NOT: moe.from_address
func.func @rank_two(%address: i64) -> memref<2x4xbf16> {
  %m = moe.from_address %address : memref<2x4xbf16>
  return %m : memref<2x4xbf16>
}
