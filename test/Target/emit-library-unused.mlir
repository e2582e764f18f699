// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: moe-opt %s --moe-emit-library | FileCheck %s
// Experts that none of an operand's weights needs are ranges of its descriptor, of vectors as of matrices.

moe.weight @gate : tensor<4x3x5xf32> from "{e}.gate" unused [0, 3]
moe.weight @up : tensor<4x3x5xf32> from "{e}.up" unused [0, 1, 2, 4]
moe.weight @bias : tensor<4x3xf32> from "{e}.bias" unused [3, 4]
moe.weight @down : tensor<4x3x5xf32> from "{e}.down"
moe.layer @moe0 block 0 = @k(@gate, @up, @bias, @down)

func.func @k_workspace(%t: index) -> i64 {
  %c = arith.constant 0 : i64
  return %c : i64
}
func.func @k(%x: memref<?x5xf32>, %gu: memref<4xi64> {moe.packing = #moe.packing<weights = [0, 1], experts = 4, rows = 3, cols = 5, panel = 16, k_group = 1, type = f32>},
             %bias: memref<4x3xf32> {moe.packing = #moe.packing<weights = [2], experts = 1, rows = 4, cols = 3, panel = 0, k_group = 1, type = f32>},
             %down: memref<4xi64> {moe.packing = #moe.packing<weights = [3], experts = 4, rows = 3, cols = 5, panel = 16, k_group = 1, type = f32>},
             %ws: memref<?xi8>, %pool: !llvm.ptr) {
  return
}

// CHECK-LABEL: @moe.moe0.0.unused() {{.*}} !llvm.array<2 x struct<"moe_expert_range", (i64, i64)>>
// CHECK: mlir.constant(0 : i64)
// CHECK: mlir.constant(1 : i64)
// CHECK: mlir.constant(2 : i64)
// CHECK: mlir.constant(3 : i64)
// CHECK-LABEL: @moe.moe0.1.unused() {{.*}} !llvm.array<1 x struct<"moe_expert_range", (i64, i64)>>
// CHECK: mlir.constant(3 : i64)
// CHECK: mlir.constant(4 : i64)
// CHECK-NOT: @moe.moe0.2.unused
// CHECK: @moe.moe0.weights()
// CHECK: mlir.addressof @moe.moe0.0.unused
// CHECK: mlir.constant(2 : i64)
// CHECK: mlir.addressof @moe.moe0.1.unused
// CHECK: mlir.constant(1 : i64)
