// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: moe-opt %s --moe-emit-library -split-input-file -verify-diagnostics

// expected-error @+1 {{expects at least one moe.layer: it says which kernel a block calls with which weights}}
module {
}

// -----

moe.weight @w : tensor<2x3xf32> from "w"
moe.layer @moe0 block 0 = @k(@w)
// expected-error @+1 {{expects a function @k_workspace(index) -> i64 beside the kernel}}
func.func @k(%x: memref<?x3xf32>, %w: memref<2x3xf32> {moe.packing = #moe.packing<weights = [0], experts = 1, rows = 2, cols = 3, panel = 0, k_group = 1, type = f32>},
             %ws: memref<?xi8>, %pool: !llvm.ptr) {
  return
}

// -----

moe.weight @w : tensor<2x3xf32> from "w"
moe.layer @moe0 block 0 = @k(@w)
// expected-error @+1 {{expects a kernel whose last arguments are a workspace of bytes and a pool, got '(memref<?x3xf32>, memref<2x3xf32>) -> ()'}}
func.func @k(%x: memref<?x3xf32>, %w: memref<2x3xf32> {moe.packing = #moe.packing<weights = [0], experts = 1, rows = 2, cols = 3, panel = 0, k_group = 1, type = f32>}) {
  return
}

// -----

moe.weight @w : tensor<2x3xf32> from "w"
moe.layer @moe0 block 0 = @k(@w)
// expected-error @+1 {{expects weight argument 1 to be a table of pointers of #moe.packing<weights = [0], experts = 1, rows = 2, cols = 3, panel = 16, k_group = 1, type = f32>, got 'memref<2x3xf32>'}}
func.func @k(%x: memref<?x3xf32>, %w: memref<2x3xf32> {moe.packing = #moe.packing<weights = [0], experts = 1, rows = 2, cols = 3, panel = 16, k_group = 1, type = f32>},
             %ws: memref<?xi8>, %pool: !llvm.ptr) {
  return
}

// -----

moe.weight @w : tensor<2x3xf32> from "w"
moe.layer @moe0 block 0 = @k(@w)
// expected-error @+1 {{expects argument 0 to be a matrix or vector of f32, bf16, f16 or i32 with dense columns, got 'memref<?x?xf32>'}}
func.func @k(%x: memref<?x?xf32>, %w: memref<2x3xf32> {moe.packing = #moe.packing<weights = [0], experts = 1, rows = 2, cols = 3, panel = 0, k_group = 1, type = f32>},
             %ws: memref<?xi8>, %pool: !llvm.ptr) {
  return
}

// -----

moe.weight @w : tensor<2x3xf32> from "w"
// expected-error @+1 {{expects at least 4 weights, as its kernel packs weight 3}}
moe.layer @moe0 block 0 = @k(@w)
func.func @k_workspace(%t: index) -> i64 {
  %c = arith.constant 0 : i64
  return %c : i64
}
func.func @k(%x: memref<?x3xf32>, %w: memref<2x3xf32> {moe.packing = #moe.packing<weights = [3], experts = 1, rows = 2, cols = 3, panel = 0, k_group = 1, type = f32>},
             %ws: memref<?xi8>, %pool: !llvm.ptr) {
  return
}

// -----

moe.weight @w : tensor<4x3xf32> from "w"
// expected-error @+1 {{expects weight @w to have the 6 elements of}}
moe.layer @moe0 block 0 = @k(@w)
func.func @k_workspace(%t: index) -> i64 {
  %c = arith.constant 0 : i64
  return %c : i64
}
func.func @k(%x: memref<?x3xf32>, %w: memref<2x3xf32> {moe.packing = #moe.packing<weights = [0], experts = 1, rows = 2, cols = 3, panel = 0, k_group = 1, type = f32>},
             %ws: memref<?xi8>, %pool: !llvm.ptr) {
  return
}

// -----

moe.weight @bias : tensor<2x3xf32> from "bias.{e}"
// expected-error @+1 {{expects weight @bias, which holds vectors, to be plain, got #moe.packing<weights = [0], experts = 1, rows = 2, cols = 3, panel = 16}}
moe.layer @moe0 block 0 = @k(@bias)
func.func @k_workspace(%t: index) -> i64 {
  %c = arith.constant 0 : i64
  return %c : i64
}
func.func @k(%x: memref<?x3xf32>, %w: memref<1xi64> {moe.packing = #moe.packing<weights = [0], experts = 1, rows = 2, cols = 3, panel = 16, k_group = 1, type = f32>},
             %ws: memref<?xi8>, %pool: !llvm.ptr) {
  return
}
