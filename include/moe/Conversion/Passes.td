// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Conversions from the moe dialect to upstream dialects.

#ifndef MOE_CONVERSION_PASSES
#define MOE_CONVERSION_PASSES

include "mlir/Pass/PassBase.td"

def ConvertMoEToLinalg : Pass<"convert-moe-to-linalg", "::mlir::ModuleOp"> {
  let summary = "Lower the model form to linalg and loops in the plainest way";
  let description = [{
    The reference lowering: every op on its own, one row after the other, no
    fusion, no grouping by expert. It stays in the tree for good, and every
    optimised path is compared with it.

    A routing becomes its ids `[T, K]` and weights `[T, K]`; ragged rows become
    one row for each slot, `[T * K, width]` (slot `t * K + k` is the k-th choice
    of row t), and the ids. Types change at function boundaries and in regions,
    too. `moe.weight` and `moe.layer` stay.

    Before:
    ```mlir
    func.func @score(%x: tensor<?x4xf32>, %w: tensor<3x4xf32>) -> !moe.routing<3, 1, f32> {
      %logits = moe.score.affine %x, %w : tensor<?x4xf32>, tensor<3x4xf32> -> tensor<?x3xf32>
      %routing = moe.route %logits select #moe.top_k<1> rank logits weigh #moe.sigmoid over each
          : tensor<?x3xf32> -> !moe.routing<3, 1, f32>
      return %routing : !moe.routing<3, 1, f32>
    }
    ```
    After: the function returns `tensor<?x1xi32>` and `tensor<?x1xf32>`, the
    logits are a `linalg.generic`, the routing is loops.

    A routing that picks rows, `moe.route_within` and capacities are not
    lowered yet: the op is named in an error.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::linalg::LinalgDialect",
                           "::mlir::math::MathDialect", "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"];
}

def ConvertGroupedToLinalg : Pass<"convert-grouped-to-linalg", "::mlir::ModuleOp"> {
  let summary = "Lower the grouped form to parallel loops over tiles with linalg inside";
  let description = [{
    `moe.grouped_matmul` becomes an `scf.forall` over panels of output columns;
    inside, a loop over experts (experts are data: the IR has one size for any
    number of them) with the tile product in linalg: rows gathered, all
    matrices in one contraction, the epilogue as an elementwise op, rows put in
    place or scattered. `moe.router` and `moe.combine_slots` become loops over
    blocks of rows, `moe.plan` a counting sort. A `#moe.kernel_config` on a
    product goes to its tile (`moe.tile_product`) for the micro-kernel emitter.

    Before:
    ```mlir
    %y = moe.grouped_matmul %x weights %w offsets %o : ... outs(%init) -> tensor<?x64xf32> {
    ^bb0(%acc: f32):
      moe.yield %acc : f32
    }
    ```
    After:
    ```mlir
    %y = scf.forall (%column) = (0) to (64) step (32) shared_outs(%out = %init) -> (tensor<?x64xf32>) {
      %part = tensor.extract_slice %out[0, %column] ...
      %done = scf.for %expert = %c0 to %c8 step %c1 iter_args(%p = %part) {
        %acc = linalg.generic ... attrs = {moe.tile_product}
        %rows = linalg.generic ...
        %next = tensor.insert_slice %rows into %p ...
        scf.yield %next
      }
      scf.forall.in_parallel { tensor.parallel_insert_slice %done into %out[0, %column] ... }
    }
    ```
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect", "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect", "::mlir::vector::VectorDialect"];
}

#endif // MOE_CONVERSION_PASSES
