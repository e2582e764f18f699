// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Passes that know CPU instruction sets.

#ifndef MOE_CODEGEN_CPU_PASSES_TD
#define MOE_CODEGEN_CPU_PASSES_TD

include "mlir/Pass/PassBase.td"

def SelectKernelConfig : Pass<"moe-select-kernel-config", "mlir::ModuleOp"> {
  let summary = "choose tile sizes of every product for one machine level";
  let description = [{
    Sets `#moe.kernel_config` on each product of the grouped form and records
    the level in the module's `moe.target`. This is the one place that chooses;
    later passes obey. A panel is as many columns as one register tile holds
    over all matrices of the product.

    Before:

    ```mlir
    %logits, %ids, %w = moe.router %x, %wr select #moe.top_k<2> rank scores weigh #moe.softmax over all : ...
    ```

    After `moe-select-kernel-config{level=x86-64-v3}`:

    ```mlir
    %logits, %ids, %w = moe.router %x, %wr select #moe.top_k<2> rank scores weigh #moe.softmax over all
        config <level = "x86-64-v3", columns = 8, rows = [6, 3, 1], k_group = 1, vector = 8> : ...
    ```
  }];
  let options = [Option<"level", "level", "std::string", "\"x86-64-v3\"", "machine level, see --list-levels">];
}

def EmitMicroKernels : Pass<"moe-emit-micro-kernels", "mlir::ModuleOp"> {
  let summary = "tile products to register-blocked vector loops on packed weights";
  let description = [{
    Each tile product with a `#moe.kernel_config` (the body that
    `convert-grouped-to-linalg` makes for one panel of one expert) becomes loops
    over register tiles of rows; inside, one loop over the reduction keeps the
    accumulators in registers, and the epilogue runs on them. Rows are gathered
    and scattered in the loads and stores. Weights become packed arguments:
    panels of the matrices of a product interleaved, `#moe.packing` says how.

    Before (shapes of one tile):

    ```mlir
    %acc:2 = linalg.generic ... ins(%rows, %gate, %up) outs(%zero, %zero) attrs = {moe.tile_product = #moe.kernel_config<...>}
    %h = linalg.generic ... ins(%acc#0, %acc#1) outs(%init)
    %out = tensor.insert_slice %h into %part
    ```

    After:

    ```mlir
    %out = scf.for %i = %c0 to %end step %c6 iter_args(%o = %part) {
      %sums:24 = scf.for %k = %c0 to %c32 step %c1 iter_args(...) {
        %w = vector.transfer_read %panel[%k, %c0, %c0] : tensor<32x2x64xbf16>, vector<32xbf16>
        ...
        x86vector.avx512.dot ...
      }
      vector.transfer_write ...
    }
    ```
  }];
  let dependentDialects = ["mlir::affine::AffineDialect", "mlir::arith::ArithDialect", "mlir::math::MathDialect",
                           "mlir::vector::VectorDialect", "mlir::x86vector::X86VectorDialect"];
}

def EmitSlotReductions : Pass<"moe-emit-slot-reductions", "mlir::ModuleOp"> {
  let summary = "the combination of a row's slots to vector loops";
  let description = [{
    The reduction marked `moe.slot_reduction` and the elementwise op that takes
    its result become a loop over rows and strips of columns that combines the
    slots of a row in registers, in ascending order, and stores once.

    Before:

    ```mlir
    %sum = linalg.generic ... ins(%cube) outs(%zero) attrs = {moe.slot_reduction}
    %y = linalg.generic ... ins(%sum) outs(%part)
    ```

    After:

    ```mlir
    %y = scf.for %row = ... iter_args(%o = %part) {
      scf.for %column = ... {
        %sums:4 = scf.for %slot = ... { vector.transfer_read ...; arith.addf ... }
        vector.transfer_write ...
    ```
  }];
  let options = [Option<"level", "level", "std::string", "\"x86-64-v3\"", "machine level">];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::vector::VectorDialect", "mlir::math::MathDialect"];
}

#endif // MOE_CODEGEN_CPU_PASSES_TD
