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
    func.func @k(%x: tensor<?x4xf32>, %w: tensor<3x2x4xf32>, %unused: tensor<5xf32>)
        -> (tensor<?x4xf32> {moe.name = "output"}) {
      %c0 = arith.constant 0 : index
      %e = tensor.extract %w[%c0, %c0, %c0] : tensor<3x2x4xf32>
      %y = linalg.fill ins(%e : f32) outs(%x : tensor<?x4xf32>) -> tensor<?x4xf32>
      return %y : tensor<?x4xf32>
    }
    ```

    After:

    ```mlir
    #plain = #moe.packing<weights = [0], experts = 3, rows = 2, cols = 4, panel = 0, k_group = 1, type = f32>
    func.func @k(%x: tensor<?x4xf32>, %w: tensor<3x2x4xf32> {moe.packing = #plain},
                 %out: memref<?x4xf32, strided<[?, 1]>> {moe.name = "output"}) {
      %c0 = arith.constant 0 : index
      %e = tensor.extract %w[%c0, %c0, %c0] : tensor<3x2x4xf32>
      %y = linalg.fill ins(%e : f32) outs(%x : tensor<?x4xf32>) -> tensor<?x4xf32>
      bufferization.materialize_in_destination %y in restrict writable %out
          : (tensor<?x4xf32>, memref<?x4xf32, strided<[?, 1]>>) -> ()
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

    Before:

    ```mlir
    func.func @k(%x: tensor<?x4xf32>, %w: tensor<3x2x4xf32>, %out: memref<?x4xf32, strided<[?, 1]>>) {
      %c0 = arith.constant 0 : index
      %n = tensor.dim %x, %c0 : tensor<?x4xf32>
      %e = tensor.extract %w[%c0, %c0, %c0] : tensor<3x2x4xf32>
      %fresh = tensor.empty(%n) : tensor<?x4xf32>
      %y = linalg.fill ins(%e : f32) outs(%fresh : tensor<?x4xf32>) -> tensor<?x4xf32>
      bufferization.materialize_in_destination %y in restrict writable %out
          : (tensor<?x4xf32>, memref<?x4xf32, strided<[?, 1]>>) -> ()
      return
    }
    ```

    After:

    ```mlir
    func.func @k(%x: memref<?x4xf32, strided<[?, 1]>>, %w: memref<3x2x4xf32>, %out: memref<?x4xf32, strided<[?, 1]>>) {
      %c0 = arith.constant 0 : index
      %e = memref.load %w[%c0, %c0, %c0] : memref<3x2x4xf32>
      linalg.fill ins(%e : f32) outs(%out : memref<?x4xf32, strided<[?, 1]>>)
      return
    }
    ```
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
    #packing = #moe.packing<weights = [0], experts = 8, rows = 32, cols = 4, panel = 16, k_group = 1, type = f32>
    func.func @k(%x: memref<?x4xf32, strided<[?, 1]>>, %w: memref<8x2x4x1x16xf32> {moe.packing = #packing}, %e: index,
                 %p: index) -> f32 {
      %c0 = arith.constant 0 : index
      %panel = memref.subview %w[%e, %p, 0, 0, 0] [1, 1, 4, 1, 16] [1, 1, 1, 1, 1]
          : memref<8x2x4x1x16xf32> to memref<4x1x16xf32, strided<[16, 16, 1], offset: ?>>
      %y = memref.load %panel[%c0, %c0, %c0] : memref<4x1x16xf32, strided<[16, 16, 1], offset: ?>>
      return %y : f32
    }
    ```

    After:

    ```mlir
    #packing = #moe.packing<weights = [0], experts = 8, rows = 32, cols = 4, panel = 16, k_group = 1, type = f32>
    func.func @k(%x: memref<?x4xf32, strided<[?, 1]>>, %table: memref<8xi64> {moe.packing = #packing}, %e: index,
                 %p: index) -> f32 {
      %c0 = arith.constant 0 : index
      %address = memref.load %table[%e] : memref<8xi64>
      %matrix = moe.from_address %address : memref<2x4x1x16xf32>
      %panel = memref.subview %matrix[%p, 0, 0, 0] [1, 4, 1, 16] [1, 1, 1, 1]
          : memref<2x4x1x16xf32> to memref<4x1x16xf32, strided<[16, 16, 1], offset: ?>>
      %y = memref.load %panel[%c0, %c0, %c0] : memref<4x1x16xf32, strided<[16, 16, 1], offset: ?>>
      return %y : f32
    }
    ```
  }];
  let dependentDialects = ["mlir::memref::MemRefDialect", "mlir::arith::ArithDialect"];
}

def MergeParallelLoops : Pass<"moe-merge-parallel-loops", "mlir::ModuleOp"> {
  let summary = "independent parallel loops to one list of tasks";
  let description = [{
    Two `scf.forall` of one block become one where the second needs nothing that
    the first, or an op in between, computes: a shared expert's products run in
    the task list of others, with one fork and one join. Independent means that
    they and the ops in between touch different buffers, or only read them; the
    second loop moves up with the sizes, views and allocations that it takes. The
    loop with more work in an iteration comes first. Declined, with a remark,
    where buffers cannot be told apart.

    Before:

    ```mlir
    func.func @two(%x: memref<?x8xf32>, %y: memref<?x8xf32>, %n: index) {
      %zero = arith.constant 0.0 : f32
      %one = arith.constant 1.0 : f32
      %c0 = arith.constant 0 : index
      scf.forall (%i) in (%n) {
        memref.store %zero, %x[%i, %c0] : memref<?x8xf32>
      }
      scf.forall (%j) = (0) to (8) step (2) {
        memref.store %one, %y[%c0, %j] : memref<?x8xf32>
      }
      return
    }
    ```

    After:

    ```mlir
    func.func @two(%x: memref<?x8xf32>, %y: memref<?x8xf32>, %n: index) {
      %c2 = arith.constant 2 : index
      %zero = arith.constant 0.0 : f32
      %one = arith.constant 1.0 : f32
      %c0 = arith.constant 0 : index
      %c4 = arith.constant 4 : index
      %tasks = arith.addi %n, %c4 : index
      scf.forall (%task) in (%tasks) {
        %first = arith.cmpi ult, %task, %n : index
        scf.if %first {
          memref.store %zero, %x[%task, %c0] : memref<?x8xf32>
        } else {
          %number = arith.subi %task, %n : index
          %j = arith.muli %number, %c2 : index
          memref.store %one, %y[%c0, %j] : memref<?x8xf32>
        }
      }
      return
    }
    ```
  }];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::scf::SCFDialect"];
}

def SinkParallelLoops : Pass<"moe-sink-parallel-loops", "mlir::ModuleOp"> {
  let summary = "parallel loops into the branches that have loops to join";
  let description = [{
    Where the variants of a routing's products are branches of a kernel, a loop
    before the test of the number of rows, such as a shared expert's, cannot run in
    the task list of one in a branch. This pass moves a `scf.forall` of a kernel's
    top level into the branches of a `scf.if` behind it, in each right before the
    last loop that needs nothing of it, so that `moe-merge-parallel-loops` makes one
    list of both. It stays where it is if an op in between needs it, or if one
    branch has no such loop.

    Before:

    ```mlir
    func.func @shared(%x: memref<8xf32>, %y: memref<8xf32>, %z: memref<8xf32>, %few: i1) {
      %zero = arith.constant 0.0 : f32
      %one = arith.constant 1.0 : f32
      scf.forall (%i) in (8) {
        memref.store %zero, %x[%i] : memref<8xf32>
      }
      scf.if %few {
        scf.forall (%i) in (8) {
          memref.store %zero, %y[%i] : memref<8xf32>
        }
        memref.copy %x, %z : memref<8xf32> to memref<8xf32>
      } else {
        scf.forall (%i) in (8) {
          memref.store %one, %y[%i] : memref<8xf32>
        }
        memref.copy %x, %z : memref<8xf32> to memref<8xf32>
      }
      return
    }
    ```

    After:

    ```mlir
    func.func @shared(%x: memref<8xf32>, %y: memref<8xf32>, %z: memref<8xf32>, %few: i1) {
      %zero = arith.constant 0.0 : f32
      %one = arith.constant 1.0 : f32
      scf.if %few {
        scf.forall (%i) in (8) {
          memref.store %zero, %x[%i] : memref<8xf32>
        }
        scf.forall (%i) in (8) {
          memref.store %zero, %y[%i] : memref<8xf32>
        }
        memref.copy %x, %z : memref<8xf32> to memref<8xf32>
      } else {
        scf.forall (%i) in (8) {
          memref.store %zero, %x[%i] : memref<8xf32>
        }
        scf.forall (%i) in (8) {
          memref.store %one, %y[%i] : memref<8xf32>
        }
        memref.copy %x, %z : memref<8xf32> to memref<8xf32>
      }
      return
    }
    ```
  }];
  let dependentDialects = ["mlir::scf::SCFDialect"];
}

def PlanWorkspace : Pass<"moe-plan-workspace", "mlir::ModuleOp"> {
  let summary = "buffers of a kernel become views of one workspace";
  let description = [{
    Kernels never allocate: each `memref.alloc` at a kernel's top level becomes
    a `memref.view` of a workspace argument at an offset aligned to 64 bytes,
    and a function `K_workspace(tokens) -> bytes` computes the total. A buffer
    inside a parallel loop, fixed or a block of rows, becomes a stack buffer of
    the task when it has at most 16 KiB, and all of the task at most 24 KiB;
    else the workspace has a place for it for each task. A size that is no
    function of the number of tokens is an error, and so is a task's buffer
    without an upper bound.

    Before:

    ```mlir
    func.func @k(%x: memref<?x4xf32, strided<[?, 1]>>) {
      %c0 = arith.constant 0 : index
      %c2 = arith.constant 2 : index
      %zero = arith.constant 0.0 : f32
      %n = memref.dim %x, %c0 : memref<?x4xf32, strided<[?, 1]>>
      %n2 = arith.muli %n, %c2 : index
      %a = memref.alloc(%n2) : memref<?x4xf32>
      %b = memref.alloc() : memref<9xindex>
      memref.store %zero, %a[%c0, %c0] : memref<?x4xf32>
      memref.store %c0, %b[%c0] : memref<9xindex>
      return
    }
    ```

    After:

    ```mlir
    func.func @k(%x: memref<?x4xf32, strided<[?, 1]>>, %workspace: memref<?xi8>) {
      %c32 = arith.constant 32 : index
      %zero = arith.constant 0.0 : f32
      %line = arith.constant -64 : index
      %c63 = arith.constant 63 : index
      %c2 = arith.constant 2 : index
      %c0 = arith.constant 0 : index
      %n = memref.dim %x, %c0 : memref<?x4xf32, strided<[?, 1]>>
      %n2 = arith.muli %n, %c2 : index
      %a = memref.view %workspace[%c0][%n2] : memref<?xi8> to memref<?x4xf32>
      %bytes = arith.muli %n, %c32 : index
      %more = arith.addi %bytes, %c63 : index
      %lines = arith.andi %more, %line : index
      %b = memref.view %workspace[%lines][] : memref<?xi8> to memref<9xindex>
      memref.store %zero, %a[%c0, %c0] : memref<?x4xf32>
      memref.store %c0, %b[%c0] : memref<9xindex>
      return
    }
    func.func @k_workspace(%n: index) -> i64 {
      %c128 = arith.constant 128 : index
      %line = arith.constant -64 : index
      %c63 = arith.constant 63 : index
      %c32 = arith.constant 32 : index
      %bytes = arith.muli %n, %c32 : index
      %more = arith.addi %bytes, %c63 : index
      %lines = arith.andi %more, %line : index
      %sum = arith.addi %lines, %c128 : index
      %total = arith.index_cast %sum : index to i64
      return %total : i64
    }
    ```
  }];
  let dependentDialects = ["mlir::memref::MemRefDialect", "mlir::arith::ArithDialect"];
}

def OutlineTasks : Pass<"moe-outline-tasks", "mlir::ModuleOp"> {
  let summary = "parallel loops to task functions and one call of the runtime";
  let description = [{
    Each outermost `scf.forall` of a kernel becomes a function that runs a range
    of its iterations and a call of `moe_parallel_for`; the kernel gets the
    pool as its last argument, which `moe.threads` asks. Loops inside a task are left for serial loops.

    Before:

    ```mlir
    func.func @k(%x: memref<4xf32>, %n: index) {
      %zero = arith.constant 0.0 : f32
      scf.forall (%i) = (0) to (%n) step (2) {
        memref.store %zero, %x[%i] : memref<4xf32>
      }
      return
    }
    ```

    After:

    ```mlir
    !memref = !llvm.struct<(ptr, ptr, i64, array<1 x i64>, array<1 x i64>)>
    !context = !llvm.struct<(!memref, i64)>
    func.func private @moe_parallel_for(!llvm.ptr, i64, !llvm.ptr, !llvm.ptr)
    func.func private @k_task0(%ctx: !llvm.ptr, %begin: i64, %end: i64) {
      %c2 = arith.constant 2 : index
      %c1 = arith.constant 1 : index
      %zero = arith.constant 0.0 : f32
      %captured = llvm.load %ctx : !llvm.ptr -> !context
      %0 = llvm.extractvalue %captured[0] : !context
      %x = builtin.unrealized_conversion_cast %0 : !memref to memref<4xf32>
      %first = arith.index_cast %begin : i64 to index
      %last = arith.index_cast %end : i64 to index
      scf.for %task = %first to %last step %c1 {
        %i = arith.muli %task, %c2 : index
        memref.store %zero, %x[%i] : memref<4xf32>
      }
      return
    }
    func.func @k(%x: memref<4xf32>, %n: index, %pool: !llvm.ptr) {
      %f = constant @k_task0 : (!llvm.ptr, i64, i64) -> ()
      %undef = llvm.mlir.undef : !context
      %c2 = arith.constant 2 : index
      %one = llvm.mlir.constant(1 : i64) : i64
      %ctx = llvm.alloca %one x !context {alignment = 16 : i64} : (i64) -> !llvm.ptr
      %tasks = arith.ceildivui %n, %c2 : index
      %0 = builtin.unrealized_conversion_cast %x : memref<4xf32> to !memref
      %1 = llvm.insertvalue %0, %undef[0] : !context
      %2 = builtin.unrealized_conversion_cast %tasks : index to i64
      %3 = llvm.insertvalue %2, %1[1] : !context
      llvm.store %3, %ctx : !context, !llvm.ptr
      %task = builtin.unrealized_conversion_cast %f : (!llvm.ptr, i64, i64) -> () to !llvm.ptr
      %count = arith.index_cast %tasks : index to i64
      call @moe_parallel_for(%pool, %count, %task, %ctx) : (!llvm.ptr, i64, !llvm.ptr, !llvm.ptr) -> ()
      return
    }
    ```
  }];
  let dependentDialects = ["mlir::LLVM::LLVMDialect", "mlir::func::FuncDialect", "mlir::arith::ArithDialect",
                           "mlir::memref::MemRefDialect", "mlir::scf::SCFDialect"];
}

def LowerAddresses : Pass<"moe-lower-addresses"> {
  let summary = "moe.from_address to a memref descriptor";
  let description = [{
    Before:

    ```mlir
    func.func @k(%address: i64) -> f32 {
      %c0 = arith.constant 0 : index
      %m = moe.from_address %address : memref<4xf32>
      %v = memref.load %m[%c0] : memref<4xf32>
      return %v : f32
    }
    ```

    After, for `convert-to-llvm`, which removes the cast:

    ```mlir
    !memref = !llvm.struct<(ptr, ptr, i64, array<1 x i64>, array<1 x i64>)>
    func.func @k(%address: i64) -> f32 {
      %stride = llvm.mlir.constant(1 : index) : i64
      %size = llvm.mlir.constant(4 : index) : i64
      %offset = llvm.mlir.constant(0 : index) : i64
      %poison = llvm.mlir.poison : !memref
      %c0 = arith.constant 0 : index
      %pointer = llvm.inttoptr %address : i64 to !llvm.ptr
      %0 = llvm.insertvalue %pointer, %poison[0] : !memref
      %1 = llvm.insertvalue %pointer, %0[1] : !memref
      %2 = llvm.insertvalue %offset, %1[2] : !memref
      %3 = llvm.insertvalue %size, %2[3, 0] : !memref
      %4 = llvm.insertvalue %stride, %3[4, 0] : !memref
      %m = builtin.unrealized_conversion_cast %4 : !memref to memref<4xf32>
      %v = memref.load %m[%c0] : memref<4xf32>
      return %v : f32
    }
    ```
  }];
  let dependentDialects = ["mlir::LLVM::LLVMDialect"];
}

#endif // MOE_CODEGEN_COMMON_PASSES_TD
