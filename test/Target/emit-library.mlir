// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: moe-opt %S/Inputs/kernel.mlir --moe-emit-library | FileCheck %s
// The output is text that can be read back, and the whole pipeline ends in the LLVM dialect alone.
// RUN: moe-opt %S/Inputs/kernel.mlir --moe-emit-library | moe-opt | FileCheck %s
// RUN: moe-opt %S/Inputs/kernel.mlir --moe-to-llvm-pipeline | FileCheck %s --check-prefix=LLVM

// CHECK-NOT: moe.weight
// CHECK-NOT: moe.layer
// CHECK: func.func private @moe_parallel_for
// CHECK: func.func private @tiny_workspace({{.*}}) -> i64 attributes {llvm.linkage = #llvm.linkage<internal>}
// CHECK: llvm.func internal @tiny_task
// CHECK: func.func private @tiny(
// CHECK-NOT: moe.packing

// CHECK: llvm.func internal @tiny_bytes(%[[T:.*]]: i64) -> i64
// CHECK: call @tiny_workspace

// The tokens are the rows of input and outputs; their strides come from the caller.
// CHECK: llvm.func internal @tiny_run(%[[ARGS:.*]]: !llvm.ptr)
// CHECK: %[[AT:.*]] = llvm.getelementptr %[[ARGS]][0, 0]
// CHECK: %[[TOKENS:.*]] = llvm.load %[[AT]] : !llvm.ptr -> i64
// CHECK: llvm.insertvalue %[[TOKENS]], {{.*}}[3, 0]
// CHECK: to memref<?x3xf32, strided<[?, 1]>>
// CHECK: to memref<2x3xf32>
// CHECK: to memref<2xi64>
// CHECK: llvm.call @tiny_bytes(%[[TOKENS]])
// CHECK: to memref<?xi8>
// CHECK: call @tiny(

// CHECK: llvm.mlir.global internal unnamed_addr constant @moe.text.0("layers.0.router\00")
// CHECK: llvm.mlir.global internal constant @moe.moe0.0.sources() {{.*}} !llvm.array<1 x struct<"moe_source_desc", (ptr, i64, i64, i64, i64, i64, i32, i32)>>
// CHECK: llvm.mlir.global internal constant @moe.moe0.weights() {{.*}} !llvm.array<2 x struct<"moe_weight_desc", (ptr, ptr, i64, i64, i64, i64, i32, i32, ptr, i64, ptr)>>
// CHECK: llvm.mlir.global internal constant @moe.moe0.outputs() {{.*}} !llvm.array<3 x struct<"moe_operand_desc", (ptr, i64, array<2 x i64>, i32, i32)>>
// CHECK: llvm.mlir.global internal constant @moe.layers() {{.*}} !llvm.array<2 x struct<"moe_layer_desc"
// CHECK: llvm.mlir.global internal constant @moe.library()
// CHECK: llvm.func @moe_get_library() -> !llvm.ptr
// CHECK: llvm.mlir.addressof @moe.library

// LLVM-NOT: func.func
// LLVM-NOT: memref
// LLVM-NOT: scf.
// LLVM-NOT: unrealized_conversion_cast
// LLVM: llvm.func @moe_get_library
