// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Passes that know CPU instruction sets.

#ifndef MOE_CODEGEN_CPU_PASSES_TD
#define MOE_CODEGEN_CPU_PASSES_TD

include "mlir/Pass/PassBase.td"

def ForkLevels : Pass<"moe-fork-levels", "mlir::ModuleOp"> {
  let summary = "a kernel for each of several machine levels";
  let description = [{
    Where more than one level is named, each kernel that a `moe.layer` calls is
    copied for each; a copy says its level in `moe.level`, and the layer lists
    them as variants, best first. The library chooses when it is loaded.

    Before:

    ```mlir
    moe.weight @w : tensor<2x4xf32> from "w"
    moe.layer @moe0 block 0 = @k(@w)
    func.func @k(%x: tensor<?x4xf32>, %w: tensor<2x4xf32>) -> tensor<?x4xf32> {
      return %x : tensor<?x4xf32>
    }
    ```

    After `moe-fork-levels` for its default, x86-64-v4 and x86-64-v3:

    ```mlir
    moe.weight @w : tensor<2x4xf32> from "w"
    moe.layer @moe0 block 0 = @k_x86_64_v4(@w) variants [@k_x86_64_v4, @k_x86_64_v3]
    func.func @k_x86_64_v4(%x: tensor<?x4xf32>, %w: tensor<2x4xf32>) -> tensor<?x4xf32>
        attributes {moe.level = "x86-64-v4"} {
      return %x : tensor<?x4xf32>
    }
    func.func @k_x86_64_v3(%x: tensor<?x4xf32>, %w: tensor<2x4xf32>) -> tensor<?x4xf32>
        attributes {moe.level = "x86-64-v3"} {
      return %x : tensor<?x4xf32>
    }
    ```
  }];
  let options = [ListOption<"levels", "levels", "std::string", "machine levels, best first; by default the plain x86-64 ones",
                            "llvm::cl::list_init<std::string>({\"x86-64-v4\", \"x86-64-v3\"})">];
}

def DescribeMachine : Pass<"moe-describe-machine", "mlir::ModuleOp"> {
  let summary = "what the cost model should know of a machine level";
  let description = [{
    Sets the constants of `moe.machine` that a machine level settles: multiplies
    and adds of a thread in a second (3 GHz, two pipes of its vectors), rows of
    its tallest register tile, columns of a panel. A constant that is there
    stays; those that are left out are the cost model's defaults
    (moe/CostModel/CostModel.h). Nothing depends on the machine that compiles.

    Before:

    ```mlir
    module attributes {moe.machine = {threads = 64}} {
    }
    ```

    After `moe-describe-machine` for its default, x86-64-v3:

    ```mlir
    module attributes {moe.machine = {flops = 96000000000, panel_columns = 16, threads = 64, tile_rows = 6}} {
    }
    ```
  }];
  let options = [Option<"level", "level", "std::string", "\"x86-64-v3\"", "machine level">];
}

def ExpandBF16 : Pass<"moe-expand-bf16", "mlir::ModuleOp"> {
  let summary = "bf16 conversions to integer operations where the machine has none";
  let description = [{
    LLVM would call a function of the compiler's runtime library, which kernels
    do not have. Functions for a level with the instruction are left alone.

    Before:

    ```mlir
    func.func @k(%x: bf16) -> f32 {
      %y = arith.extf %x : bf16 to f32
      return %y : f32
    }
    ```

    After `moe-expand-bf16` for its default, x86-64-v3:

    ```mlir
    func.func @k(%x: bf16) -> f32 {
      %c16_i32 = arith.constant 16 : i32
      %0 = arith.bitcast %x : bf16 to i16
      %1 = arith.extui %0 : i16 to i32
      %2 = arith.shli %1, %c16_i32 : i32
      %3 = arith.bitcast %2 : i32 to f32
      return %3 : f32
    }
    ```
  }];
  let options = [Option<"level", "level", "std::string", "\"x86-64-v3\"", "machine level of functions without one">];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::vector::VectorDialect"];
}

def EmulateAMX : Pass<"moe-emulate-amx", "mlir::ModuleOp"> {
  let summary = "operations on AMX tiles to vectors, with the same results";
  let description = [{
    So that kernels for AMX run, and are tested, on machines without it. A tile
    becomes one vector a row; a product of bf16 rounds and flushes denormals as
    tdpbf16ps does, in its order, one of bytes sums as tdpbsud. Functions for a level that does not ask for
    it are left alone.

    Before:

    ```mlir
    func.func @copy(%from: memref<8x8xbf16>, %to: memref<8x8xbf16>, %i: index) {
      %c0 = arith.constant 0 : index
      %tile = amx.tile_load %from[%i, %c0] : memref<8x8xbf16> into !amx.tile<2x8xbf16>
      amx.tile_store %to[%c0, %c0], %tile : memref<8x8xbf16>, !amx.tile<2x8xbf16>
      return
    }
    ```

    After `moe-emulate-amx` for its default, amx-emulated:

    ```mlir
    func.func @copy(%from: memref<8x8xbf16>, %to: memref<8x8xbf16>, %i: index) {
      %c1 = arith.constant 1 : index
      %c0 = arith.constant 0 : index
      %row0 = vector.load %from[%i, %c0] : memref<8x8xbf16>, vector<8xbf16>
      %i1 = arith.addi %i, %c1 : index
      %row1 = vector.load %from[%i1, %c0] : memref<8x8xbf16>, vector<8xbf16>
      vector.store %row0, %to[%c0, %c0] : memref<8x8xbf16>, vector<8xbf16>
      vector.store %row1, %to[%c1, %c0] : memref<8x8xbf16>, vector<8xbf16>
      return
    }
    ```
  }];
  let options = [Option<"level", "level", "std::string", "\"amx-emulated\"", "machine level of functions without one">];
  let dependentDialects = ["mlir::moe::MoEDialect", "mlir::amx::AMXDialect", "mlir::arith::ArithDialect",
                           "mlir::memref::MemRefDialect", "mlir::scf::SCFDialect", "mlir::vector::VectorDialect"];
}

def SelectKernelConfig : Pass<"moe-select-kernel-config", "mlir::ModuleOp"> {
  let summary = "choose tile sizes of every product for one machine level";
  let description = [{
    Sets `#moe.kernel_config` on each product of the grouped form and records
    the level in the module's `moe.target`. This is the one place that chooses;
    later passes obey. A panel is as many columns as one register tile holds
    over all matrices of the product.

    Before:

    ```mlir
    func.func @products(%x: tensor<?x4xbf16>, %a: tensor<8x64x4xbf16>, %b: tensor<8x64x4xbf16>,
                        %offsets: tensor<9xindex>, %init: tensor<?x64xf32>) -> tensor<?x64xf32> {
      %y = moe.grouped_matmul %x weights %a, %b offsets %offsets
          : tensor<?x4xbf16> weights tensor<8x64x4xbf16>, tensor<8x64x4xbf16> offsets tensor<9xindex>
          outs(%init : tensor<?x64xf32>) -> tensor<?x64xf32> {
      ^bb0(%p: f32, %q: f32):
        %s = arith.addf %p, %q : f32
        moe.yield %s : f32
      }
      return %y : tensor<?x64xf32>
    }
    ```

    After `moe-select-kernel-config` for its default, x86-64-v3 (8 lanes, 2 vectors
    side by side, one for each matrix):

    ```mlir
    module attributes {moe.target = {cpu = "x86-64-v3", features = "", level = "x86-64-v3", required = 1 : i64,
                                     triple = "x86_64-unknown-linux-gnu"}} {
    func.func @products(%x: tensor<?x4xbf16>, %a: tensor<8x64x4xbf16>, %b: tensor<8x64x4xbf16>,
                        %offsets: tensor<9xindex>, %init: tensor<?x64xf32>) -> tensor<?x64xf32> {
      %y = moe.grouped_matmul %x weights %a, %b offsets %offsets
          config <level = "x86-64-v3", columns = 8, rows = [6, 3, 2, 1], k_group = 1, vector = 8, prefetch = 1>
          : tensor<?x4xbf16> weights tensor<8x64x4xbf16>, tensor<8x64x4xbf16> offsets tensor<9xindex>
          outs(%init : tensor<?x64xf32>) -> tensor<?x64xf32> {
      ^bb0(%p: f32, %q: f32):
        %s = arith.addf %p, %q : f32
        moe.yield %s : f32
      }
      return %y : tensor<?x64xf32>
    }
    }
    ```
  }];
  let options = [Option<"level", "level", "std::string", "\"x86-64-v3\"", "machine level, see --list-levels">];
}

def EmitMicroKernels : Pass<"moe-emit-micro-kernels", "mlir::ModuleOp"> {
  let summary = "tile products to the loops of a machine level, on packed weights";
  let description = [{
    Each tile product with a `#moe.kernel_config` (the body that
    `convert-grouped-to-linalg` makes for one panel of one expert) becomes what
    the level's tile kernel makes of it: on vectors, loops over register tiles
    of rows, and inside one loop over the reduction that keeps the accumulators
    in registers. The epilogue runs on the accumulators of each row. Rows are
    gathered and scattered in the loads and stores. Weights become packed
    arguments: panels of the matrices of a product interleaved, `#moe.packing`
    says how.

    Before, a tile of 8 columns, with register tiles of one row:

    ```mlir
    #config = #moe.kernel_config<level = "x86-64-v3", columns = 8, rows = [1], k_group = 1, vector = 8>
    #rows = affine_map<(m, n, k) -> (m, k)>
    #columns = affine_map<(m, n, k) -> (n, k)>
    #product = affine_map<(m, n, k) -> (m, n)>
    func.func @tile(%x: tensor<?x4xf32>, %w: tensor<8x4xf32>, %init: tensor<?x8xf32>, %out: index) -> tensor<?x8xf32> {
      %c0 = arith.constant 0 : index
      %zero = arith.constant 0.0 : f32
      %m = tensor.dim %x, %c0 : tensor<?x4xf32>
      %empty = tensor.empty(%m) : tensor<?x8xf32>
      %start = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x8xf32>) -> tensor<?x8xf32>
      %acc = linalg.generic {indexing_maps = [#rows, #columns, #product],
                             iterator_types = ["parallel", "parallel", "reduction"]}
          ins(%x, %w : tensor<?x4xf32>, tensor<8x4xf32>) outs(%start : tensor<?x8xf32>)
          attrs = {moe.tile_product = #config} {
      ^bb0(%a: f32, %b: f32, %sum: f32):
        %ab = arith.mulf %a, %b : f32
        %next = arith.addf %sum, %ab : f32
        linalg.yield %next : f32
      } -> tensor<?x8xf32>
      %y = tensor.insert_slice %acc into %init[%out, 0] [%m, 8] [1, 1] : tensor<?x8xf32> into tensor<?x8xf32>
      return %y : tensor<?x8xf32>
    }
    ```

    After:

    ```mlir
    #packing = #moe.packing<weights = [0], experts = 1, rows = 8, cols = 4, panel = 8, k_group = 1, type = f32>
    func.func @tile(%x: tensor<?x4xf32>, %w: tensor<8x4xf32>, %init: tensor<?x8xf32>, %out: index,
                    %packed: tensor<1x1x4x1x8xf32> {moe.packing = #packing}) -> tensor<?x8xf32> {
      %c4 = arith.constant 4 : index
      %zeros = arith.constant dense<0.0> : vector<8xf32>
      %c1 = arith.constant 1 : index
      %c0 = arith.constant 0 : index
      %zero = arith.constant 0.0 : f32
      %m = tensor.dim %x, %c0 : tensor<?x4xf32>
      %panel = tensor.extract_slice %packed[0, 0, 0, 0, 0] [1, 1, 4, 1, 8] [1, 1, 1, 1, 1]
          : tensor<1x1x4x1x8xf32> to tensor<4x1x8xf32>
      %y = scf.for %row = %c0 to %m step %c1 iter_args(%into = %init) -> (tensor<?x8xf32>) {
        %acc = scf.for %k = %c0 to %c4 step %c1 iter_args(%sum = %zeros) -> (vector<8xf32>) {
          %b = vector.transfer_read %panel[%k, %c0, %c0], %zero {in_bounds = [true]} : tensor<4x1x8xf32>, vector<8xf32>
          %one = vector.transfer_read %x[%row, %k], %zero {in_bounds = [true]} : tensor<?x4xf32>, vector<1xf32>
          %element = vector.extract %one[0] : f32 from vector<1xf32>
          %a = vector.broadcast %element : f32 to vector<8xf32>
          %next = vector.fma %a, %b, %sum : vector<8xf32>
          scf.yield %next : vector<8xf32>
        }
        %to = arith.addi %out, %row : index
        %done = vector.transfer_write %acc, %into[%to, %c0] {in_bounds = [true]} : vector<8xf32>, tensor<?x8xf32>
        scf.yield %done : tensor<?x8xf32>
      }
      return %y : tensor<?x8xf32>
    }
    ```
  }];
  let dependentDialects = ["mlir::affine::AffineDialect", "mlir::amx::AMXDialect", "mlir::arith::ArithDialect",
                           "mlir::bufferization::BufferizationDialect", "mlir::math::MathDialect",
                           "mlir::memref::MemRefDialect", "mlir::vector::VectorDialect",
                           "mlir::x86vector::X86VectorDialect"];
}

def EmitRoundedRows : Pass<"moe-emit-rounded-rows", "mlir::ModuleOp"> {
  let summary = "the rounding of rows to vector loops";
  let description = [{
    The reduction to largest magnitudes and the op marked `moe.row_rounding`
    become, for each row, a loop that finds the largest magnitude and one that
    rounds. Rows that micro-kernels take as bytes have been dealt with by
    `moe-emit-micro-kernels`; these are the others.

    Before:

    ```mlir
    #row = affine_map<(t, d) -> (t)>
    #id = affine_map<(t, d) -> (t, d)>
    func.func @round(%x: tensor<?x16xf32>, %init: tensor<?x16xf32>) -> tensor<?x16xf32> {
      %c0 = arith.constant 0 : index
      %least = arith.constant 0 : i32
      %ones = arith.constant 2147483647 : i32
      %rows = tensor.dim %x, %c0 : tensor<?x16xf32>
      %empty = tensor.empty(%rows) : tensor<?xi32>
      %start = linalg.fill ins(%least : i32) outs(%empty : tensor<?xi32>) -> tensor<?xi32>
      %largest = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
          ins(%x : tensor<?x16xf32>) outs(%start : tensor<?xi32>) {
      ^bb0(%a: f32, %m: i32):
        %bits = arith.bitcast %a : f32 to i32
        %magnitude = arith.andi %bits, %ones : i32
        %next = arith.maxui %m, %magnitude : i32
        linalg.yield %next : i32
      } -> tensor<?xi32>
      %y = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
          ins(%x, %largest : tensor<?x16xf32>, tensor<?xi32>) outs(%init : tensor<?x16xf32>)
          attrs = {moe.row_rounding} {
      ^bb0(%a: f32, %m: i32, %old: f32):
        %f = arith.bitcast %m : i32 to f32
        %s = arith.mulf %a, %f : f32
        linalg.yield %s : f32
      } -> tensor<?x16xf32>
      return %y : tensor<?x16xf32>
    }
    ```

    After:

    ```mlir
    func.func @round(%x: tensor<?x16xf32>, %init: tensor<?x16xf32>) -> tensor<?x16xf32> {
      %places = arith.constant dense<0x4B400000> : vector<8xf32>
      %nan = arith.constant 0x7FC00000 : f32
      %top = arith.constant 1.270000e+02 : f32
      %infinity = arith.constant 2139095040 : i32
      %least = arith.constant 226492416 : i32
      %ones = arith.constant dense<2147483647> : vector<8xi32>
      %zero = arith.constant 0.000000e+00 : f32
      %c8 = arith.constant 8 : index
      %c16 = arith.constant 16 : index
      %none = arith.constant dense<0> : vector<8xi32>
      %c1 = arith.constant 1 : index
      %c0 = arith.constant 0 : index
      %rows = tensor.dim %init, %c0 : tensor<?x16xf32>
      %y = scf.for %row = %c0 to %rows step %c1 iter_args(%into = %init) -> (tensor<?x16xf32>) {
        %bits = scf.for %column = %c0 to %c16 step %c8 iter_args(%sofar = %none) -> (vector<8xi32>) {
          %a = vector.transfer_read %x[%row, %column], %zero {in_bounds = [true]} : tensor<?x16xf32>, vector<8xf32>
          %b = arith.bitcast %a : vector<8xf32> to vector<8xi32>
          %magnitude = arith.andi %b, %ones : vector<8xi32>
          %next = arith.maxui %sofar, %magnitude : vector<8xi32>
          scf.yield %next : vector<8xi32>
        }
        %most = vector.reduction <maxui>, %bits : vector<8xi32> into i32
        %bounded = arith.maxui %most, %least : i32
        %largest = arith.bitcast %bounded : i32 to f32
        %finite = arith.cmpi ult, %bounded, %infinity : i32
        %step = arith.divf %largest, %top : f32
        %scale = arith.select %finite, %step, %nan : f32
        %inverse = arith.divf %top, %largest : f32
        %inverses = vector.broadcast %inverse : f32 to vector<8xf32>
        %scales = vector.broadcast %scale : f32 to vector<8xf32>
        %done = scf.for %column = %c0 to %c16 step %c8 iter_args(%part = %into) -> (tensor<?x16xf32>) {
          %e = vector.transfer_read %x[%row, %column], %zero {in_bounds = [true]} : tensor<?x16xf32>, vector<8xf32>
          %scaled = arith.mulf %e, %inverses : vector<8xf32>
          %number = arith.addf %scaled, %places : vector<8xf32>
          %whole = arith.subf %number, %places : vector<8xf32>
          %value = arith.mulf %whole, %scales : vector<8xf32>
          %written = vector.transfer_write %value, %part[%row, %column] {in_bounds = [true]}
              : vector<8xf32>, tensor<?x16xf32>
          scf.yield %written : tensor<?x16xf32>
        }
        scf.yield %done : tensor<?x16xf32>
      }
      return %y : tensor<?x16xf32>
    }
    ```
  }];
  let options = [Option<"level", "level", "std::string", "\"x86-64-v3\"", "machine level">];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::vector::VectorDialect"];
}

def EmitRowMaps : Pass<"moe-emit-row-maps", "mlir::ModuleOp"> {
  let summary = "elementwise ops on rows to vector loops";
  let description = [{
    An elementwise op marked `moe.row_map` (a `moe.map` that no product took in)
    becomes a loop over rows and vectors of columns.

    Before:

    ```mlir
    #id = affine_map<(t, d) -> (t, d)>
    func.func @sum(%a: tensor<?x24xf32>, %b: tensor<?x24xbf16>, %init: tensor<?x24xf32>) -> tensor<?x24xf32> {
      %y = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
          ins(%a, %b : tensor<?x24xf32>, tensor<?x24xbf16>) outs(%init : tensor<?x24xf32>) attrs = {moe.row_map} {
      ^bb0(%u: f32, %v: bf16, %old: f32):
        %w = arith.extf %v : bf16 to f32
        %s = arith.addf %u, %w : f32
        linalg.yield %s : f32
      } -> tensor<?x24xf32>
      return %y : tensor<?x24xf32>
    }
    ```

    After:

    ```mlir
    func.func @sum(%a: tensor<?x24xf32>, %b: tensor<?x24xbf16>, %init: tensor<?x24xf32>) -> tensor<?x24xf32> {
      %zero16 = arith.constant 0.0 : bf16
      %zero = arith.constant 0.0 : f32
      %c8 = arith.constant 8 : index
      %c24 = arith.constant 24 : index
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %rows = tensor.dim %init, %c0 : tensor<?x24xf32>
      %y = scf.for %row = %c0 to %rows step %c1 iter_args(%into = %init) -> (tensor<?x24xf32>) {
        %done = scf.for %column = %c0 to %c24 step %c8 iter_args(%part = %into) -> (tensor<?x24xf32>) {
          %u = vector.transfer_read %a[%row, %column], %zero {in_bounds = [true]} : tensor<?x24xf32>, vector<8xf32>
          %v = vector.transfer_read %b[%row, %column], %zero16 {in_bounds = [true]}
              : tensor<?x24xbf16>, vector<8xbf16>
          %w = arith.extf %v : vector<8xbf16> to vector<8xf32>
          %s = arith.addf %u, %w : vector<8xf32>
          %next = vector.transfer_write %s, %part[%row, %column] {in_bounds = [true]}
              : vector<8xf32>, tensor<?x24xf32>
          scf.yield %next : tensor<?x24xf32>
        }
        scf.yield %done : tensor<?x24xf32>
      }
      return %y : tensor<?x24xf32>
    }
    ```
  }];
  let options = [Option<"level", "level", "std::string", "\"x86-64-v3\"", "machine level">];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::vector::VectorDialect", "mlir::math::MathDialect"];
}

def EmitSlotReductions : Pass<"moe-emit-slot-reductions", "mlir::ModuleOp"> {
  let summary = "the combination of a row's slots to vector loops";
  let description = [{
    The reduction marked `moe.slot_reduction` and the elementwise op that takes
    its result become a loop over rows and strips of columns that combines the
    slots of a row in registers, in ascending order, and stores once.

    Before:

    ```mlir
    #slots = affine_map<(t, d, k) -> (t, k, d)>
    #result = affine_map<(t, d, k) -> (t, d)>
    #id = affine_map<(t, d) -> (t, d)>
    func.func @mean(%cube: tensor<?x2x8xf32>, %init: tensor<?x8xf32>) -> tensor<?x8xf32> {
      %c0 = arith.constant 0 : index
      %zero = arith.constant 0.0 : f32
      %rows = tensor.dim %cube, %c0 : tensor<?x2x8xf32>
      %empty = tensor.empty(%rows) : tensor<?x8xf32>
      %start = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x8xf32>) -> tensor<?x8xf32>
      %sum = linalg.generic {indexing_maps = [#slots, #result], iterator_types = ["parallel", "parallel", "reduction"]}
          ins(%cube : tensor<?x2x8xf32>) outs(%start : tensor<?x8xf32>) attrs = {moe.slot_reduction} {
      ^bb0(%y: f32, %acc: f32):
        %next = arith.addf %acc, %y : f32
        linalg.yield %next : f32
      } -> tensor<?x8xf32>
      %half = arith.constant 0.5 : f32
      %mean = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
          ins(%sum : tensor<?x8xf32>) outs(%init : tensor<?x8xf32>) {
      ^bb0(%s: f32, %old: f32):
        %m = arith.mulf %s, %half : f32
        linalg.yield %m : f32
      } -> tensor<?x8xf32>
      return %mean : tensor<?x8xf32>
    }
    ```

    After:

    ```mlir
    func.func @mean(%cube: tensor<?x2x8xf32>, %init: tensor<?x8xf32>) -> tensor<?x8xf32> {
      %halves = arith.constant dense<0.5> : vector<8xf32>
      %c2 = arith.constant 2 : index
      %zeros = arith.constant dense<0.0> : vector<8xf32>
      %c1 = arith.constant 1 : index
      %c0 = arith.constant 0 : index
      %zero = arith.constant 0.0 : f32
      %rows = tensor.dim %cube, %c0 : tensor<?x2x8xf32>
      %y = scf.for %row = %c0 to %rows step %c1 iter_args(%into = %init) -> (tensor<?x8xf32>) {
        %sum = scf.for %slot = %c0 to %c2 step %c1 iter_args(%acc = %zeros) -> (vector<8xf32>) {
          %part = vector.transfer_read %cube[%row, %slot, %c0], %zero {in_bounds = [true]}
              : tensor<?x2x8xf32>, vector<8xf32>
          %next = arith.addf %acc, %part : vector<8xf32>
          scf.yield %next : vector<8xf32>
        }
        %mean = arith.mulf %sum, %halves : vector<8xf32>
        %done = vector.transfer_write %mean, %into[%row, %c0] {in_bounds = [true]} : vector<8xf32>, tensor<?x8xf32>
        scf.yield %done : tensor<?x8xf32>
      }
      return %y : tensor<?x8xf32>
    }
    ```
  }];
  let options = [Option<"level", "level", "std::string", "\"x86-64-v3\"", "machine level">];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::vector::VectorDialect", "mlir::math::MathDialect"];
}

def PrefetchPanels : Pass<"moe-prefetch-panels"> {
  let summary = "a tile names the weights that its task multiplies next";
  let description = [{
    Weights come from memory while tiles are multiplied from caches; a tile of
    many rows leaves time to bring the next ones near. Where the tiles of a task
    are iterations of a loop, the weights of the next iteration are computed
    before the product of a tile and named by a `moe.prefetch`; the last
    iteration names its own. The micro-kernel emitter spreads the prefetches of
    that panel over the tile. Of products outside of a loop, and of weights that
    depend on what a loop carries, nothing is known to come next; a kernel
    configuration without `prefetch` wants none.

    Before:

    ```mlir
    func.func @tiles(%x: tensor<4x8xf32>, %w: tensor<3x2x8xf32>, %out: tensor<4x2xf32>) -> tensor<4x2xf32> {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c3 = arith.constant 3 : index
      %y = scf.for %e = %c0 to %c3 step %c1 iter_args(%acc = %out) -> tensor<4x2xf32> {
        %m = tensor.extract_slice %w[%e, 0, 0] [1, 2, 8] [1, 1, 1] : tensor<3x2x8xf32> to tensor<2x8xf32>
        %s = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>,
                                              affine_map<(m, n, k) -> (m, n)>],
                             iterator_types = ["parallel", "parallel", "reduction"]}
            ins(%x, %m : tensor<4x8xf32>, tensor<2x8xf32>) outs(%acc : tensor<4x2xf32>) attrs = {moe.tile_product} {
        ^bb0(%a: f32, %b: f32, %c: f32):
          %p = arith.mulf %a, %b : f32
          %q = arith.addf %c, %p : f32
          linalg.yield %q : f32
        } -> tensor<4x2xf32>
        scf.yield %s : tensor<4x2xf32>
      }
      return %y : tensor<4x2xf32>
    }
    ```

    After:

    ```mlir
    func.func @tiles(%x: tensor<4x8xf32>, %w: tensor<3x2x8xf32>, %out: tensor<4x2xf32>) -> tensor<4x2xf32> {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c3 = arith.constant 3 : index
      %y = scf.for %e = %c0 to %c3 step %c1 iter_args(%acc = %out) -> tensor<4x2xf32> {
        %m = tensor.extract_slice %w[%e, 0, 0] [1, 2, 8] [1, 1, 1] : tensor<3x2x8xf32> to tensor<2x8xf32>
        %following = arith.addi %e, %c1 : index
        %more = arith.cmpi slt, %following, %c3 : index
        %next = arith.select %more, %following, %e : index
        %n = tensor.extract_slice %w[%next, 0, 0] [1, 2, 8] [1, 1, 1] : tensor<3x2x8xf32> to tensor<2x8xf32>
        moe.prefetch %n : tensor<2x8xf32>
        %s = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>,
                                              affine_map<(m, n, k) -> (m, n)>],
                             iterator_types = ["parallel", "parallel", "reduction"]}
            ins(%x, %m : tensor<4x8xf32>, tensor<2x8xf32>) outs(%acc : tensor<4x2xf32>) attrs = {moe.tile_product} {
        ^bb0(%a: f32, %b: f32, %c: f32):
          %p = arith.mulf %a, %b : f32
          %q = arith.addf %c, %p : f32
          linalg.yield %q : f32
        } -> tensor<4x2xf32>
        scf.yield %s : tensor<4x2xf32>
      }
      return %y : tensor<4x2xf32>
    }
    ```
  }];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::moe::MoEDialect"];
}

def LowerByteOps : Pass<"moe-lower-byte-ops", "mlir::ModuleOp"> {
  let summary = "products and tables of bytes to instructions, or to arithmetic";
  let description = [{
    `moe.dot_bytes` and `moe.look_up_bytes` of the level's width become its
    instructions (vpdpbusd, vpshufb) where it has them. Elsewhere they become
    arithmetic with the same result: so the kernels can be run, and tested, on
    any machine.

    Before:

    ```mlir
    func.func @dot(%sums: vector<4xi32>, %codes: vector<16xi8>, %row: vector<16xi8>) -> vector<4xi32> {
      %next = moe.dot_bytes %sums, %codes, %row : vector<4xi32>, vector<16xi8>
      return %next : vector<4xi32>
    }
    ```

    After `moe-lower-byte-ops` for its default, x86-64-v3:

    ```mlir
    func.func @dot(%sums: vector<4xi32>, %codes: vector<16xi8>, %row: vector<16xi8>) -> vector<4xi32> {
      %codes0 = vector.shuffle %codes, %codes [0, 4, 8, 12] : vector<16xi8>, vector<16xi8>
      %row0 = vector.shuffle %row, %row [0, 4, 8, 12] : vector<16xi8>, vector<16xi8>
      %u0 = arith.extui %codes0 : vector<4xi8> to vector<4xi32>
      %s0 = arith.extsi %row0 : vector<4xi8> to vector<4xi32>
      %p0 = arith.muli %u0, %s0 : vector<4xi32>
      %sum0 = arith.addi %sums, %p0 : vector<4xi32>
      %codes1 = vector.shuffle %codes, %codes [1, 5, 9, 13] : vector<16xi8>, vector<16xi8>
      %row1 = vector.shuffle %row, %row [1, 5, 9, 13] : vector<16xi8>, vector<16xi8>
      %u1 = arith.extui %codes1 : vector<4xi8> to vector<4xi32>
      %s1 = arith.extsi %row1 : vector<4xi8> to vector<4xi32>
      %p1 = arith.muli %u1, %s1 : vector<4xi32>
      %sum1 = arith.addi %sum0, %p1 : vector<4xi32>
      %codes2 = vector.shuffle %codes, %codes [2, 6, 10, 14] : vector<16xi8>, vector<16xi8>
      %row2 = vector.shuffle %row, %row [2, 6, 10, 14] : vector<16xi8>, vector<16xi8>
      %u2 = arith.extui %codes2 : vector<4xi8> to vector<4xi32>
      %s2 = arith.extsi %row2 : vector<4xi8> to vector<4xi32>
      %p2 = arith.muli %u2, %s2 : vector<4xi32>
      %sum2 = arith.addi %sum1, %p2 : vector<4xi32>
      %codes3 = vector.shuffle %codes, %codes [3, 7, 11, 15] : vector<16xi8>, vector<16xi8>
      %row3 = vector.shuffle %row, %row [3, 7, 11, 15] : vector<16xi8>, vector<16xi8>
      %u3 = arith.extui %codes3 : vector<4xi8> to vector<4xi32>
      %s3 = arith.extsi %row3 : vector<4xi8> to vector<4xi32>
      %p3 = arith.muli %u3, %s3 : vector<4xi32>
      %sum3 = arith.addi %sum2, %p3 : vector<4xi32>
      return %sum3 : vector<4xi32>
    }
    ```
  }];
  let options = [Option<"level", "level", "std::string", "\"x86-64-v3\"", "machine level of functions without one">];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::LLVM::LLVMDialect", "mlir::vector::VectorDialect"];
}

#endif // MOE_CODEGEN_CPU_PASSES_TD
