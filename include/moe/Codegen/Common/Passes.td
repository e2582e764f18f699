// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Passes of code generation that every target shares.

#ifndef MOE_CODEGEN_COMMON_PASSES_TD
#define MOE_CODEGEN_COMMON_PASSES_TD

include "mlir/Pass/PassBase.td"

def PrepareKernelArguments : Pass<"moe-prepare-kernel-arguments", "mlir::ModuleOp"> {
  let summary = "results become output arguments; unpacked weights say so";
  let description = [{
    Gives kernels the arguments of the C ABI: each result is written to an
    argument of its own (rows of any stride), named by the result's `moe.name`.
    A weight argument without users goes; one without `#moe.packing` gets the
    plain, row-major one.

    Before:

    ```mlir
    func.func @k(%x: tensor<?x4xf32>, %w: tensor<2x4xf32>) -> (tensor<?x2xf32> {moe.name = "output"}) {
      %y = ...
      return %y : tensor<?x2xf32>
    }
    ```

    After:

    ```mlir
    func.func @k(%x: tensor<?x4xf32>, %w: tensor<2x4xf32> {moe.packing = #moe.packing<weights = [0], ..., panel = 0, ...>},
                 %out: memref<?x2xf32, strided<[?, 1]>> {moe.name = "output"}) {
      %y = ...
      bufferization.materialize_in_destination %y in restrict writable %out
      return
    }
    ```
  }];
  let dependentDialects = ["mlir::bufferization::BufferizationDialect", "mlir::memref::MemRefDialect"];
}

def Bufferize : Pass<"moe-bufferize", "mlir::ModuleOp"> {
  let summary = "one-shot bufferization with the layouts of the C ABI";
  let description = [{
    Upstream's one-shot module bufferization after upstream's elimination of
    empty tensors. Argument tensors with a dynamic number of rows become
    memrefs with any row stride; weights get the identity layout. Parallel
    regions are trusted to write disjoint parts.

    Before: `%x: tensor<?x64xf32>`. After: `%x: memref<?x64xf32, strided<[?, 1]>>`.
  }];
  let dependentDialects = ["mlir::linalg::LinalgDialect", "mlir::bufferization::BufferizationDialect", "mlir::memref::MemRefDialect"];
}

def PointWeights : Pass<"moe-point-weights", "mlir::ModuleOp"> {
  let summary = "packed weights through a table of one address for each expert";
  let description = [{
    A packed weight argument becomes a table of addresses (docs/abi.md), and a
    slice of one expert becomes a slice of the memory at its address.

    Before:

    ```mlir
    func.func @k(%w: memref<8x2x32x1x64xf32> {moe.packing = #moe.packing<...>}) {
      %p = memref.subview %w[%e, %p, 0, 0, 0] [1, 1, 32, 1, 64] [1, 1, 1, 1, 1] : ...
    ```

    After:

    ```mlir
    func.func @k(%table: memref<8xi64> {moe.packing = #moe.packing<...>}) {
      %a = memref.load %table[%e] : memref<8xi64>
      %m = moe.from_address %a : memref<2x32x1x64xf32>
      %p = memref.subview %m[%p, 0, 0, 0] [1, 32, 1, 64] [1, 1, 1, 1] : ...
    ```
  }];
  let dependentDialects = ["mlir::memref::MemRefDialect", "mlir::arith::ArithDialect"];
}

def PlanWorkspace : Pass<"moe-plan-workspace", "mlir::ModuleOp"> {
  let summary = "buffers of a kernel become views of one workspace";
  let description = [{
    Kernels never allocate: each `memref.alloc` at a kernel's top level becomes
    a `memref.view` of a workspace argument at an offset aligned to 64 bytes,
    and a function `K_workspace(tokens) -> bytes` computes the total. A fixed
    buffer of at most 16 KiB inside a parallel loop becomes a stack buffer of
    the task. A size that is no function of the number of tokens is an error.

    Before: `%b = memref.alloc(%tokens) : memref<?x4xf32>`.

    After:

    ```mlir
    %b = memref.view %workspace[%offset][%tokens] : memref<?xi8> to memref<?x4xf32>
    ```
  }];
  let dependentDialects = ["mlir::memref::MemRefDialect", "mlir::arith::ArithDialect"];
}

def OutlineTasks : Pass<"moe-outline-tasks", "mlir::ModuleOp"> {
  let summary = "parallel loops to task functions and one call of the runtime";
  let description = [{
    Each outermost `scf.forall` of a kernel becomes a function that runs a range
    of its iterations and a call of `moe_parallel_for`; the kernel gets the
    pool as its last argument. Loops inside a task are left for serial loops.

    Before: `scf.forall (%i) in (%n) { body(%i, %x) }`.

    After:

    ```mlir
    call @moe_parallel_for(%pool, %n, %task, %ctx) : (!llvm.ptr, i64, !llvm.ptr, !llvm.ptr) -> ()
    func.func private @k_task0(%ctx: !llvm.ptr, %begin: i64, %end: i64) { scf.for ... { body } }
    ```
  }];
  let dependentDialects = ["mlir::LLVM::LLVMDialect", "mlir::func::FuncDialect", "mlir::arith::ArithDialect",
                           "mlir::memref::MemRefDialect", "mlir::scf::SCFDialect"];
}

def LowerAddresses : Pass<"moe-lower-addresses", "mlir::ModuleOp"> {
  let summary = "moe.from_address to a memref descriptor";
  let description = [{
    Before: `%m = moe.from_address %a : memref<2x4xf32>`.

    After: `llvm.inttoptr` and the descriptor of a static memref in the LLVM
    dialect, with a cast that `convert-to-llvm` removes.
  }];
  let dependentDialects = ["mlir::LLVM::LLVMDialect"];
}

#endif // MOE_CODEGEN_COMMON_PASSES_TD
