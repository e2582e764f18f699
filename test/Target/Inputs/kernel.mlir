// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A module at the kernel stage, written by hand: 2 experts, the best one for each row, y = exp(W_e x), D = 3.
// W is packed in panels of 2 rows; two layers share the kernel. A task is a row.

module attributes {moe.model_type = "tiny", moe.checkpoint = "some/folder", moe.digest = "0123abcd",
                   moe.target = {level = "x86-64-v3", cpu = "x86-64-v3", features = "", required = 1 : i64}} {

moe.weight @l0.router : tensor<2x3xf32> from "layers.0.router"
moe.weight @l0.w : tensor<2x3x3xf32> from "layers.0.experts.{e}.w"
moe.weight @l1.router : tensor<2x3xf32> from "layers.1.router"
moe.weight @l1.w : tensor<2x3x3xf32> from "layers.1.experts.{e}.w" transposed
moe.layer @moe0 block 0 = @tiny(@l0.router, @l0.w) info {experts = 2, top_k = 1, model_width = 3, expert_width = 3}
moe.layer @moe1 block 1 = @tiny(@l1.router, @l1.w)

func.func private @moe_parallel_for(!llvm.ptr, i64, !llvm.ptr, !llvm.ptr)

func.func @tiny_workspace(%tokens: index) -> i64 {
  %c16 = arith.constant 16 : index
  %bytes = arith.muli %tokens, %c16 : index
  %result = arith.index_cast %bytes : index to i64
  return %result : i64
}

// Rows begin..end-1: what the kernel knows comes through the workspace, as 16 bytes a row: the expert's address and id.
llvm.func @tiny_task(%ctx: !llvm.ptr, %begin: i64, %end: i64) {
  %c1 = arith.constant 1 : i64
  %c2 = arith.constant 2 : i64
  %c3 = arith.constant 3 : i64
  %c0 = arith.constant 0 : i64
  %zero = arith.constant 0.0 : f32
  %x = llvm.load %ctx : !llvm.ptr -> !llvm.ptr
  %x_stride_at = llvm.getelementptr %ctx[1] : (!llvm.ptr) -> !llvm.ptr, i64
  %x_stride = llvm.load %x_stride_at : !llvm.ptr -> i64
  %y_at = llvm.getelementptr %ctx[2] : (!llvm.ptr) -> !llvm.ptr, i64
  %y = llvm.load %y_at : !llvm.ptr -> !llvm.ptr
  %y_stride_at = llvm.getelementptr %ctx[3] : (!llvm.ptr) -> !llvm.ptr, i64
  %y_stride = llvm.load %y_stride_at : !llvm.ptr -> i64
  %slots_at = llvm.getelementptr %ctx[4] : (!llvm.ptr) -> !llvm.ptr, i64
  %slots = llvm.load %slots_at : !llvm.ptr -> !llvm.ptr
  scf.for %t = %begin to %end step %c1 : i64 {
    %t2 = arith.muli %t, %c2 : i64
    %slot = llvm.getelementptr %slots[%t2] : (!llvm.ptr, i64) -> !llvm.ptr, i64
    %w = llvm.load %slot : !llvm.ptr -> !llvm.ptr
    %x_row = arith.muli %t, %x_stride : i64
    %y_row = arith.muli %t, %y_stride : i64
    scf.for %n = %c0 to %c3 step %c1 : i64 {
      // Panel n / 2, then k, then n % 2.
      %panel = arith.divui %n, %c2 : i64
      %lane = arith.remui %n, %c2 : i64
      %panel_k = arith.muli %panel, %c3 : i64
      %sum = scf.for %k = %c0 to %c3 step %c1 iter_args(%acc = %zero) -> f32 : i64 {
        %group = arith.addi %panel_k, %k : i64
        %group2 = arith.muli %group, %c2 : i64
        %w_index = arith.addi %group2, %lane : i64
        %x_index = arith.addi %x_row, %k : i64
        %w_at = llvm.getelementptr %w[%w_index] : (!llvm.ptr, i64) -> !llvm.ptr, f32
        %x_at = llvm.getelementptr %x[%x_index] : (!llvm.ptr, i64) -> !llvm.ptr, f32
        %a = llvm.load %w_at : !llvm.ptr -> f32
        %b = llvm.load %x_at : !llvm.ptr -> f32
        %product = arith.mulf %a, %b : f32
        %next = arith.addf %acc, %product : f32
        scf.yield %next : f32
      }
      %exp = math.exp %sum : f32
      %y_index = arith.addi %y_row, %n : i64
      %out = llvm.getelementptr %y[%y_index] : (!llvm.ptr, i64) -> !llvm.ptr, f32
      llvm.store %exp, %out : f32, !llvm.ptr
    }
  }
  llvm.return
}

func.func @tiny(%x: memref<?x3xf32, strided<[?, 1]>>,
    %router: memref<2x3xf32> {moe.packing = #moe.packing<weights = [0], experts = 1, rows = 2, cols = 3, panel = 0, k_group = 1, type = f32>},
    %w: memref<2xi64> {moe.packing = #moe.packing<weights = [1], experts = 2, rows = 3, cols = 3, panel = 2, k_group = 1, type = f32>},
    %y: memref<?x3xf32, strided<[?, 1]>> {moe.name = "output"},
    %logits: memref<?x2xf32, strided<[?, 1]>> {moe.name = "logits"},
    %experts: memref<?x1xi32, strided<[?, 1]>> {moe.name = "experts"},
    %workspace: memref<?xi8>, %pool: !llvm.ptr) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %zero = arith.constant 0.0 : f32
  %tokens = memref.dim %x, %c0 : memref<?x3xf32, strided<[?, 1]>>
  %slots = memref.view %workspace[%c0][%tokens] : memref<?xi8> to memref<?x2xi64>
  scf.for %t = %c0 to %tokens step %c1 {
    scf.for %e = %c0 to %c2 step %c1 {
      %logit = scf.for %k = %c0 to %c3 step %c1 iter_args(%acc = %zero) -> f32 {
        %a = memref.load %x[%t, %k] : memref<?x3xf32, strided<[?, 1]>>
        %b = memref.load %router[%e, %k] : memref<2x3xf32>
        %product = arith.mulf %a, %b : f32
        %next = arith.addf %acc, %product : f32
        scf.yield %next : f32
      }
      memref.store %logit, %logits[%t, %e] : memref<?x2xf32, strided<[?, 1]>>
    }
    %l0 = memref.load %logits[%t, %c0] : memref<?x2xf32, strided<[?, 1]>>
    %l1 = memref.load %logits[%t, %c1] : memref<?x2xf32, strided<[?, 1]>>
    %second = arith.cmpf ogt, %l1, %l0 : f32
    %id = arith.extui %second : i1 to i32
    memref.store %id, %experts[%t, %c0] : memref<?x1xi32, strided<[?, 1]>>
    %index = arith.index_castui %id : i32 to index
    %address = memref.load %w[%index] : memref<2xi64>
    memref.store %address, %slots[%t, %c0] : memref<?x2xi64>
  }
  %count = arith.constant 5 : i64
  %ctx = llvm.alloca %count x i64 : (i64) -> !llvm.ptr
  %x_base, %x_offset, %x_sizes:2, %x_strides:2 = memref.extract_strided_metadata %x
      : memref<?x3xf32, strided<[?, 1]>> -> memref<f32>, index, index, index, index, index
  %y_base, %y_offset, %y_sizes:2, %y_strides:2 = memref.extract_strided_metadata %y
      : memref<?x3xf32, strided<[?, 1]>> -> memref<f32>, index, index, index, index, index
  %x_address = memref.extract_aligned_pointer_as_index %x : memref<?x3xf32, strided<[?, 1]>> -> index
  %y_address = memref.extract_aligned_pointer_as_index %y : memref<?x3xf32, strided<[?, 1]>> -> index
  %slots_address = memref.extract_aligned_pointer_as_index %slots : memref<?x2xi64> -> index
  %ctx1 = llvm.getelementptr %ctx[1] : (!llvm.ptr) -> !llvm.ptr, i64
  %ctx2 = llvm.getelementptr %ctx[2] : (!llvm.ptr) -> !llvm.ptr, i64
  %ctx3 = llvm.getelementptr %ctx[3] : (!llvm.ptr) -> !llvm.ptr, i64
  %ctx4 = llvm.getelementptr %ctx[4] : (!llvm.ptr) -> !llvm.ptr, i64
  %v0 = arith.index_cast %x_address : index to i64
  %v1 = arith.index_cast %x_strides#0 : index to i64
  %v2 = arith.index_cast %y_address : index to i64
  %v3 = arith.index_cast %y_strides#0 : index to i64
  %v4 = arith.index_cast %slots_address : index to i64
  llvm.store %v0, %ctx : i64, !llvm.ptr
  llvm.store %v1, %ctx1 : i64, !llvm.ptr
  llvm.store %v2, %ctx2 : i64, !llvm.ptr
  llvm.store %v3, %ctx3 : i64, !llvm.ptr
  llvm.store %v4, %ctx4 : i64, !llvm.ptr
  %task = llvm.mlir.addressof @tiny_task : !llvm.ptr
  %tasks = arith.index_cast %tokens : index to i64
  call @moe_parallel_for(%pool, %tasks, %task, %ctx) : (!llvm.ptr, i64, !llvm.ptr, !llvm.ptr) -> ()
  return
}

}
