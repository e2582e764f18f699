// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The grouped form: the rows of slots back to rows of tokens.

#ifndef MOE_COMBINE_OPS_TD
#define MOE_COMBINE_OPS_TD

include "moe/Dialect/MoE/IR/MoEGroupedOps.td"

def MoE_CombineSlotsOp : MoE_GroupedOp<"combine_slots", [AttrSizedOperandSegments, SingleBlock,
    RecursiveMemoryEffects]> {
  let summary = "one row from the count slots of each row";
  let description = [{
    `result[t] = combine over k of rows[t * K + k]`, K = `count`, in ascending
    k: the sum is the same for any number of threads. With `weights` [T, K] the
    kinds of `moe.combine` that use them are computed here; a weighted sum
    whose weights were applied by the product before is a `sum`. With `ids`
    [T, K] slots whose id is -1 are left out, whatever their rows hold, and a
    mean is over the others; a row without any is 0 (-inf for max and
    log_sum_exp). `result` has T rows. `shared` says that all slots of a row hold
    one row: rows are [T, D], and `rows[t]` stands for `rows[t * K + k]`.

    An epilogue region computes an element of the result from the combined
    element, in f32, and those of `others`: rows in the order of the result (a
    residual, a shared expert's rows), or vectors over the columns.

    ```mlir
    %y = moe.combine_slots %rows 2 weighted_sum weights %w : tensor<?x64xf32>, tensor<?x2xf32>
        outs(%o : tensor<?x64xf32>) -> tensor<?x64xf32>
    %z = moe.combine_slots %rows 2 mean ids %ids : tensor<?x64xf32> ids tensor<?x2xi32>
        outs(%o : tensor<?x64xf32>) -> tensor<?x64xf32>
    %r = moe.combine_slots %rows 2 sum others %residual : tensor<?x64xf32> others tensor<?x64xf32>
        outs(%o : tensor<?x64xf32>) -> tensor<?x64xf32> epilogue {
    ^bb0(%sum: f32, %x: f32):
      ...
      moe.yield %v : f32
    }
    ```

    C1: rows and result have the same width. C2: count >= 1. C3: weights are
    there exactly for weighted_sum and log_sum_exp, with `count` columns. C4:
    ids have `count` columns. C5: others are rows of the result's row count and
    width, or vectors of its width, and need an epilogue. C6: the epilogue's
    block has an f32 argument, then one of the element type of each of the
    others. C7: it yields one value of the result's element type. C8: its ops
    have no side effects. C9: shared rows need weights or ids, which say how
    many slots there are.
  }];
  let arguments = (ins MoE_Rows:$rows, UnitAttr:$shared, I64Attr:$count, MoE_CombineKind:$kind,
                       Optional<MoE_Rows>:$weights, Optional<MoE_Ids>:$ids, MoE_Rows:$init,
                       Variadic<TensorRankOf<[AnyFloat], [1, 2]>>:$others);
  let results = (outs MoE_Rows:$result);
  let regions = (region AnyRegion:$epilogue);
  let assemblyFormat = [{
    $rows (`shared` $shared^)? $count $kind (`weights` $weights^)? (`ids` $ids^)? (`others` $others^)? attr-dict
    `:` type($rows) (`,` type($weights)^)? (`ids` type($ids)^)? (`others` type($others)^)? `outs` `(` $init `:`
    type($init) `)` `->` type($result) (`epilogue` $epilogue^)?
  }];
  // Without an epilogue.
  let builders = [OpBuilder<(ins "::mlir::Type":$result, "::mlir::Value":$rows, "::mlir::UnitAttr":$shared,
                                 "::mlir::IntegerAttr":$count, "::mlir::moe::CombineKindAttr":$kind,
                                 "::mlir::Value":$weights, "::mlir::Value":$ids, "::mlir::Value":$init),
                            [{ build($_builder, $_state, result, rows, shared, count, kind, weights, ids, init, {}); }]>];
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable();
    /// The epilogue's block, or null.
    ::mlir::Block *getEpilogueBlock() { return getEpilogue().empty() ? nullptr : &getEpilogue().front(); }
  }];
  let hasRegionVerifier = 1;
  let hasCanonicalizer = 1;
}

def MoE_CombineRowsOp : MoE_GroupedOp<"combine_rows"> {
  let summary = "one row from the slots that picked it";
  let description = [{
    `result[t] = combine over s of rows[s]`, over the slots s in ascending order
    whose id, `ids[s / k, s % k]`, is t: for the ids of `moe.select_rows` the
    order of experts, the same for any number of threads. A row may have any
    number of slots; a row without any is 0 (-inf for max and log_sum_exp).
    Slots whose id is -1 are left out. Kinds and weights as in
    `moe.combine_slots`.

    ```mlir
    %y = moe.combine_rows %rows by %ids weighted_sum weights %w : tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>
        outs(%o : tensor<?x64xf32>) -> tensor<?x64xf32>
    ```

    C1: rows and result have the same width. C2: weights are there exactly for
    weighted_sum and log_sum_exp, with as many columns as the ids.
  }];
  let arguments = (ins MoE_Rows:$rows, MoE_Ids:$ids, MoE_CombineKind:$kind, Optional<MoE_Rows>:$weights,
                       MoE_Rows:$init);
  let results = (outs MoE_Rows:$result);
  let assemblyFormat = [{
    $rows `by` $ids $kind (`weights` $weights^)? attr-dict `:` type($rows) `,` type($ids) (`,` type($weights)^)?
    `outs` `(` $init `:` type($init) `)` `->` type($result)
  }];
  let extraClassDeclaration = "::mlir::MutableOperandRange getDpsInitsMutable();";
}

#endif // MOE_COMBINE_OPS_TD
