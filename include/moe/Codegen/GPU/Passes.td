// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Passes that make device kernels. None of them knows whose GPU it is.

#ifndef MOE_CODEGEN_GPU_PASSES_TD
#define MOE_CODEGEN_GPU_PASSES_TD

include "mlir/Pass/PassBase.td"

def SelectDeviceConfig : Pass<"moe-select-device-config", "mlir::ModuleOp"> {
  let summary = "tile sizes of every product, from the chip";
  let description = [{
    Gives products and routers the `#moe.kernel_config` of a chip, with
    `task_rows`: a task is a block of a GPU, so there are many and each is small.
    The module gets `moe.target` with the chip's name, what LLVM must know of it
    and the threads of a block. Weights in a quantised number format are an error.

    Before:

    ```mlir
    func.func @k(%x: tensor<?x4xf32>, %w: tensor<8x4xf32>, %l: tensor<?x8xf32>, %i: tensor<?x2xi32>,
                 %v: tensor<?x2xf32>) -> tensor<?x2xi32> {
      %logits, %ids, %weights = moe.router %x, %w select #moe.top_k<2> rank logits weigh #moe.softmax over selected
          : tensor<?x4xf32>, tensor<8x4xf32> outs(%l, %i, %v : tensor<?x8xf32>, tensor<?x2xi32>, tensor<?x2xf32>)
          -> tensor<?x8xf32>, tensor<?x2xi32>, tensor<?x2xf32>
      return %ids : tensor<?x2xi32>
    }
    ```

    After, for sm_80:

    ```mlir
    #config = #moe.kernel_config<level = "sm_80", columns = 32, rows = [16], k_group = 1, vector = 1, task_rows = 16>
    module attributes {moe.target = {chip = "sm_80", features = "+ptx80", threads = 128 : i64}} {
      func.func @k(%x: tensor<?x4xf32>, %w: tensor<8x4xf32>, %l: tensor<?x8xf32>, %i: tensor<?x2xi32>,
                   %v: tensor<?x2xf32>) -> tensor<?x2xi32> {
        %logits, %ids, %weights = moe.router %x, %w select #moe.top_k<2> rank logits weigh #moe.softmax over selected
            config #config : tensor<?x4xf32>, tensor<8x4xf32>
            outs(%l, %i, %v : tensor<?x8xf32>, tensor<?x2xi32>, tensor<?x2xf32>)
            -> tensor<?x8xf32>, tensor<?x2xi32>, tensor<?x2xf32>
        return %ids : tensor<?x2xi32>
      }
    }
    ```
  }];
  let options = [Option<"chip", "chip", "std::string", "\"sm_80\"", "GPU to choose for">];
  let dependentDialects = ["mlir::moe::MoEDialect"];
}

def EmitThreadTiles : Pass<"moe-emit-thread-tiles", "mlir::ModuleOp"> {
  let summary = "tile products to one element a thread";
  let description = [{
    The plain way to multiply a tile, for any element types and sizes: a parallel
    loop over the elements of the tile, each with its sums and its epilogue in
    registers. Rows are gathered as they are read, results scattered as they are
    written. A product whose tile is not found in the ops round it stays as it is.

    Before:

    ```mlir
    #rows = affine_map<(m, n, k) -> (m, k)>
    #columns = affine_map<(m, n, k) -> (n, k)>
    #product = affine_map<(m, n, k) -> (m, n)>
    func.func @tile(%x: tensor<?x4xf32>, %w: tensor<8x4xf32>, %out: tensor<?x8xf32>, %first: index, %m: index)
        -> tensor<?x8xf32> {
      %zero = arith.constant 0.0 : f32
      %rows = tensor.extract_slice %x[%first, 0] [%m, 4] [1, 1] : tensor<?x4xf32> to tensor<?x4xf32>
      %empty = tensor.empty(%m) : tensor<?x8xf32>
      %start = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x8xf32>) -> tensor<?x8xf32>
      %y = linalg.generic {indexing_maps = [#rows, #columns, #product],
                           iterator_types = ["parallel", "parallel", "reduction"]}
          ins(%rows, %w : tensor<?x4xf32>, tensor<8x4xf32>) outs(%start : tensor<?x8xf32>)
          attrs = {moe.tile_product} {
      ^bb0(%a: f32, %b: f32, %sum: f32):
        %ab = arith.mulf %a, %b : f32
        %acc = arith.addf %sum, %ab : f32
        linalg.yield %acc : f32
      } -> tensor<?x8xf32>
      %done = tensor.insert_slice %y into %out[%first, 0] [%m, 8] [1, 1] : tensor<?x8xf32> into tensor<?x8xf32>
      return %done : tensor<?x8xf32>
    }
    ```

    After:

    ```mlir
    func.func @tile(%x: tensor<?x4xf32>, %w: tensor<8x4xf32>, %out: tensor<?x8xf32>, %first: index, %m: index)
        -> tensor<?x8xf32> {
      %c4 = arith.constant 4 : index
      %c1 = arith.constant 1 : index
      %c0 = arith.constant 0 : index
      %zero = arith.constant 0.0 : f32
      %y = scf.forall (%row, %column) in (%m, 8) shared_outs(%all = %out) -> (tensor<?x8xf32>) {
        %at = arith.addi %first, %row : index
        %sum = scf.for %k = %c0 to %c4 step %c1 iter_args(%acc = %zero) -> (f32) {
          %a = tensor.extract %x[%at, %k] : tensor<?x4xf32>
          %b = tensor.extract %w[%column, %k] : tensor<8x4xf32>
          %next = math.fma %a, %b, %acc : f32
          scf.yield %next : f32
        }
        %to = arith.addi %first, %row : index
        %place = tensor.extract_slice %all[%to, %column] [1, 1] [1, 1] : tensor<?x8xf32> to tensor<1x1xf32>
        %stored = tensor.insert %sum into %place[%c0, %c0] : tensor<1x1xf32>
        scf.forall.in_parallel {
          tensor.parallel_insert_slice %stored into %all[%to, %column] [1, 1] [1, 1]
              : tensor<1x1xf32> into tensor<?x8xf32>
        }
      }
      return %y : tensor<?x8xf32>
    }
    ```
  }];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::math::MathDialect", "mlir::scf::SCFDialect",
                           "mlir::tensor::TensorDialect"];
}

def SerialToTasks : Pass<"moe-serial-to-tasks", "mlir::ModuleOp"> {
  let summary = "what lies between parallel loops becomes tasks";
  let description = [{
    The host runs nothing of a layer, it only starts kernels: ops of a kernel's top
    level, or of a branch with parallel loops, that touch memory go into a parallel
    loop of one task, neighbours into one. `moe.threads` becomes a constant. A
    value read from memory that decides what is started is an error.

    Before:

    ```mlir
    func.func @k(%x: memref<4xf32>) {
      %c0 = arith.constant 0 : index
      %zero = arith.constant 0.0 : f32
      memref.store %zero, %x[%c0] : memref<4xf32>
      return
    }
    ```

    After:

    ```mlir
    func.func @k(%x: memref<4xf32>) {
      %c0 = arith.constant 0 : index
      %zero = arith.constant 0.0 : f32
      scf.forall (%task) in (1) {
        memref.store %zero, %x[%c0] : memref<4xf32>
      }
      return
    }
    ```
  }];
  let dependentDialects = ["mlir::scf::SCFDialect", "mlir::arith::ArithDialect"];
}

def OutlineKernels : Pass<"moe-outline-kernels", "mlir::ModuleOp"> {
  let summary = "parallel loops to device kernels and launch records";
  let description = [{
    Each parallel loop of a layer's function becomes a kernel of the module
    `@moe_device`, one block for each task. All kernels of a layer take the same
    arguments (docs/abi-gpu.md): the number of tokens, addresses and strides. What
    a loop takes from outside it computes again. A task's own buffer becomes
    shared memory. The functions, layers and weights go; what is left of them are the
    launch records in the module's attribute `moe.launches`.

    Before:

    ```mlir
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
    ```

    After, but for views that are not needed:

    ```mlir
    module attributes {moe.launches = "...", moe.target = {threads = 128 : i64}} {
      gpu.module @moe_device {
        gpu.func @k_0(%n: index, %x: !llvm.ptr, %stride: index, %workspace: !llvm.ptr) kernel
            attributes {known_block_size = array<i32: 128, 1, 1>, moe.task_code} {
          %c0 = arith.constant 0 : index
          %zero = arith.constant 0.0 : f32
          %address = llvm.ptrtoint %x : !llvm.ptr to i64
          %start = moe.from_address %address : memref<1xf32>
          %rows = memref.reinterpret_cast %start to offset: [0], sizes: [%n, 4], strides: [%stride, 1]
              : memref<1xf32> to memref<?x4xf32, strided<[?, 1]>>
          %task = gpu.block_id x
          memref.store %zero, %rows[%task, %c0] : memref<?x4xf32, strided<[?, 1]>>
          gpu.return
        }
      }
    }
    ```
  }];
  let dependentDialects = ["mlir::gpu::GPUDialect", "mlir::arith::ArithDialect", "mlir::memref::MemRefDialect",
                           "mlir::LLVM::LLVMDialect", "mlir::moe::MoEDialect"];
}

def DistributeTasks : Pass<"moe-distribute-tasks", "mlir::ModuleOp"> {
  let summary = "the code of a task over the threads of a block";
  let description = [{
    All threads of a block run a task's scalar code and control flow alike. They
    share the iterations of the parallel loops in it; what else writes memory is
    done by the first thread. Barriers lie between a write and the next access.

    Before:

    ```mlir
    gpu.module @moe_device {
      gpu.func @k(%x: memref<64xf32>) kernel attributes {known_block_size = array<i32: 32, 1, 1>, moe.task_code} {
        %zero = arith.constant 0.0 : f32
        %one = arith.constant 1.0 : f32
        %c0 = arith.constant 0 : index
        scf.forall (%i) in (64) {
          memref.store %zero, %x[%i] : memref<64xf32>
        }
        memref.store %one, %x[%c0] : memref<64xf32>
        gpu.return
      }
    }
    ```

    After:

    ```mlir
    gpu.module @moe_device {
      gpu.func @k(%x: memref<64xf32>) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
        %c64 = arith.constant 64 : index
        %one = arith.constant 1.0 : f32
        %zero = arith.constant 0.0 : f32
        %c0 = arith.constant 0 : index
        %c32 = arith.constant 32 : index
        %thread = gpu.thread_id x
        %first = arith.cmpi eq, %thread, %c0 : index
        scf.for %i = %thread to %c64 step %c32 {
          memref.store %zero, %x[%i] : memref<64xf32>
        }
        gpu.barrier
        scf.if %first {
          memref.store %one, %x[%c0] : memref<64xf32>
        }
        gpu.return
      }
    }
    ```
  }];
  let dependentDialects = ["mlir::gpu::GPUDialect", "mlir::arith::ArithDialect", "mlir::memref::MemRefDialect",
                           "mlir::scf::SCFDialect"];
}

#endif // MOE_CODEGEN_GPU_PASSES_TD
