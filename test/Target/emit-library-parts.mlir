// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: moe-opt %s --moe-emit-library | FileCheck %s
// A source says which rows of the stored matrix a weight takes; a vector for each expert has an expert's elements as rows.

moe.weight @up : tensor<2x3x5xf32> from "gate_up" transposed part<rows 1 step 2 of 6>
moe.weight @up_bias : tensor<2x3xf32> from "gate_up_bias" part<columns 3 step 1 of 6>
moe.weight @down_bias : tensor<2x5xf32> from "{e}.bias"
moe.layer @moe0 block 0 = @k(@up, @up_bias, @down_bias)

func.func @k_workspace(%t: index) -> i64 {
  %c = arith.constant 0 : i64
  return %c : i64
}
func.func @k(%x: memref<?x5xf32>, %up: memref<2xi64> {moe.packing = #moe.packing<weights = [0], experts = 2, rows = 3, cols = 5, panel = 16, k_group = 1, type = f32>},
             %up_bias: memref<2x3xf32> {moe.packing = #moe.packing<weights = [1], experts = 1, rows = 2, cols = 3, panel = 0, k_group = 1, type = f32>},
             %down_bias: memref<2x5xf32> {moe.packing = #moe.packing<weights = [2], experts = 1, rows = 2, cols = 5, panel = 0, k_group = 1, type = f32>},
             %ws: memref<?xi8>, %pool: !llvm.ptr) {
  return
}

// rows, cols, row_begin, row_step, stored_rows, transposed
// CHECK-LABEL: @moe.moe0.0.sources()
// CHECK-COUNT-1: mlir.addressof @moe.text
// CHECK: mlir.constant(3 : i64)
// CHECK: mlir.constant(5 : i64)
// CHECK: mlir.constant(1 : i64)
// CHECK: mlir.constant(2 : i64)
// CHECK: mlir.constant(6 : i64)
// CHECK: mlir.constant(1 : i32)
// CHECK-LABEL: @moe.moe0.1.sources()
// CHECK: mlir.constant(3 : i64)
// CHECK: mlir.constant(1 : i64)
// CHECK: mlir.constant(3 : i64)
// CHECK: mlir.constant(1 : i64)
// CHECK: mlir.constant(6 : i64)
// CHECK: mlir.constant(0 : i32)
// CHECK-LABEL: @moe.moe0.2.sources()
// CHECK: mlir.constant(5 : i64)
// CHECK: mlir.constant(1 : i64)
// CHECK: mlir.constant(0 : i64)
// CHECK: mlir.constant(1 : i64)
// CHECK: mlir.constant(5 : i64)
// CHECK: mlir.constant(0 : i32)
