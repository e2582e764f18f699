// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The grouped form: plain tensors, rows sorted by expert.

#ifndef MOE_GROUPED_OPS_TD
#define MOE_GROUPED_OPS_TD

include "mlir/IR/OpAsmInterface.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "moe/Dialect/MoE/IR/MoEAttrs.td"
include "moe/Dialect/MoE/IR/MoEBodyOps.td"

class MoE_GroupedOp<string mnemonic, list<Trait> traits = []> : MoE_Op<mnemonic, traits # [Pure,
    DestinationStyleOpInterface, DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let hasVerifier = 1;
}

def MoE_Indices : 1DTensorOf<[Index]>;
def MoE_Ids : 2DTensorOf<[I32]>;

def MoE_SelectOp : MoE_GroupedOp<"select"> {
  let summary = "expert ids and weights of each row, from logits";
  let description = [{
    `moe.route` on plain tensors, for a selection of experts: ids [T, K], best
    first, and weights [T, K]. Attributes as there.

    ```mlir
    %ids, %w = moe.select %logits select #moe.top_k<2> rank logits weigh #moe.softmax over selected
        : tensor<?x8xf32> outs(%i, %v : tensor<?x2xi32>, tensor<?x2xf32>)
    ```

    C1: the selection picks experts. C2: ids and weights have a column for each
    selected expert. C3: the bias has an element for each expert.
  }];
  let arguments = (ins MoE_Rows:$logits, Optional<1DTensorOf<[AnyFloat]>>:$bias, AnyAttr:$select,
                       MoE_Rank:$rank, AnyAttr:$weigh, MoE_Over:$over,
                       OptionalAttr<MoE_RenormalizeAttr>:$renormalize, OptionalAttr<F64Attr>:$scale,
                       MoE_Ids:$idsInit, MoE_Rows:$weightsInit);
  let results = (outs MoE_Ids:$ids, MoE_Rows:$weights);
  let assemblyFormat = [{
    $logits (`bias` $bias^)? `select` $select `rank` $rank `weigh` $weigh `over` $over
    (`renormalize` $renormalize^)? (`scale` $scale^)? attr-dict `:` type($logits) (`,` type($bias)^)?
    `outs` `(` $idsInit `,` $weightsInit `:` type($idsInit) `,` type($weightsInit) `)` `->` type($ids) `,` type($weights)
  }];
  let extraClassDeclaration = [{
    SelectAttrInterface getSelection();
    ScoreFunctionAttrInterface getScoreFunction();
    ::mlir::MutableOperandRange getDpsInitsMutable();
  }];
}

def MoE_RouterOp : MoE_GroupedOp<"router", [AttrSizedOperandSegments]> {
  let summary = "projection, scores and selection in one pass over the rows";
  let description = [{
    `moe.score.affine` and `moe.select` fused: a block of rows is projected and
    selected while its logits are in registers or L1. `moe-fuse-router` makes
    it. The logits are kept, as callers can ask for them.

    ```mlir
    %logits, %ids, %w = moe.router %x, %wr select #moe.top_k<2> rank scores weigh #moe.softmax over all
        : tensor<?x64xf32>, tensor<8x64xf32>
        outs(%l, %i, %v : tensor<?x8xf32>, tensor<?x2xi32>, tensor<?x2xf32>)
    ```

    C1: the weight has as many columns as the rows. C2: the logits have a
    column for each expert. C3: ids and weights have a column for each selected
    expert. C4: bias and rank_bias have an element for each expert. C5: the
    selection picks experts.
  }];
  let arguments = (ins MoE_Rows:$rows, MoE_Rows:$weight, Optional<1DTensorOf<[AnyFloat]>>:$bias,
                       Optional<1DTensorOf<[AnyFloat]>>:$rankBias, AnyAttr:$select, MoE_Rank:$rank,
                       AnyAttr:$weigh, MoE_Over:$over, OptionalAttr<MoE_RenormalizeAttr>:$renormalize,
                       OptionalAttr<F64Attr>:$scale, OptionalAttr<MoE_KernelConfigAttr>:$config,
                       MoE_Rows:$logitsInit, MoE_Ids:$idsInit, MoE_Rows:$weightsInit);
  let results = (outs MoE_Rows:$logits, MoE_Ids:$ids, MoE_Rows:$weights);
  let assemblyFormat = [{
    $rows `,` $weight (`bias` $bias^)? (`rank_bias` $rankBias^)? `select` $select `rank` $rank `weigh` $weigh `over` $over
    (`renormalize` $renormalize^)? (`scale` $scale^)? (`config` $config^)? attr-dict `:` type($rows) `,` type($weight)
    (`bias` type($bias)^)? (`rank_bias` type($rankBias)^)?
    `outs` `(` $logitsInit `,` $idsInit `,` $weightsInit `:` type($logitsInit) `,` type($idsInit) `,` type($weightsInit) `)`
    `->` type($logits) `,` type($ids) `,` type($weights)
  }];
  let extraClassDeclaration = [{
    SelectAttrInterface getSelection();
    ScoreFunctionAttrInterface getScoreFunction();
    ::mlir::MutableOperandRange getDpsInitsMutable();
  }];
}

def MoE_PlanOp : MoE_GroupedOp<"plan"> {
  let summary = "a counting sort of the slots by expert";
  let description = [{
    Slot s = t * K + k is the k-th choice of row t. The plan orders slots by
    expert, slots of one expert in ascending order (a stable counting sort, no
    padding): rows `offsets[e] .. offsets[e + 1] - 1` of the sorted order
    belong to expert e; `tokens[r]` is the row t and `slots[r]` the slot of
    sorted row r. An id of -1 is in no group; such slots are not in the order,
    and `offsets[E]` is the number of sorted rows.

    ```mlir
    %offsets, %tokens, %slots = moe.plan %ids : tensor<?x2xi32>
        outs(%o, %t, %s : tensor<9xindex>, tensor<?xindex>, tensor<?xindex>)
    ```

    C1: offsets are static, of at least two elements (E + 1). C2: tokens and
    slots have one type.
  }];
  let arguments = (ins MoE_Ids:$ids, MoE_Indices:$offsetsInit, MoE_Indices:$tokensInit, MoE_Indices:$slotsInit);
  let results = (outs MoE_Indices:$offsets, MoE_Indices:$tokens, MoE_Indices:$slots);
  let assemblyFormat = [{
    $ids attr-dict `:` type($ids) `outs` `(` $offsetsInit `,` $tokensInit `,` $slotsInit `:` type($offsetsInit) `,`
    type($tokensInit) `,` type($slotsInit) `)` `->` type($offsets) `,` type($tokens) `,` type($slots)
  }];
  let extraClassDeclaration = "::mlir::MutableOperandRange getDpsInitsMutable();";
}

def MoE_GatherOp : MoE_GroupedOp<"gather"> {
  let summary = "rows in the order of a plan";
  let description = [{
    `result[r] = rows[tokens[r]]`.

    ```mlir
    %sorted = moe.gather %x at %tokens : tensor<?x64xf32>, tensor<?xindex> outs(%o : tensor<?x64xf32>)
    ```

    C1: rows and result have the same width and element type.
  }];
  let arguments = (ins MoE_Rows:$rows, MoE_Indices:$tokens, MoE_Rows:$init);
  let results = (outs MoE_Rows:$result);
  let assemblyFormat = [{
    $rows `at` $tokens attr-dict `:` type($rows) `,` type($tokens) `outs` `(` $init `:` type($init) `)` `->` type($result)
  }];
  let extraClassDeclaration = "::mlir::MutableOperandRange getDpsInitsMutable();";
}

def MoE_GroupedMatmulOp : MoE_GroupedOp<"grouped_matmul", [AttrSizedOperandSegments, SingleBlock,
    RecursiveMemoryEffects]> {
  let summary = "the rows of each expert times its matrices, with an epilogue on the accumulators";
  let description = [{
    For every expert e and every row r in `offsets[e] .. offsets[e + 1] - 1`:

        acc_i[n] = sum_k rows[r, k] * weights_i[e, n, k]          (f32)
        out[r, n] = epilogue(acc_0[n], acc_1[n], ..., columns_j[e, n], ..., scalars_j[r])

    With `gather %tokens` the row is `rows[tokens[r]]`: rows are gathered while
    they are loaded. With `scatter %slots` the result goes to row `slots[r]` of
    the output and `scalars_j` is read there, too. The epilogue region works on
    one element: activation, gate * up, bias, routing weight, conversion.

    ```mlir
    %h = moe.grouped_matmul %x gather %tokens weights %gate, %up offsets %offsets
        : tensor<?x64xbf16>, tensor<?xindex>, tensor<8x80x64xbf16>, tensor<8x80x64xbf16>, tensor<9xindex>
        outs(%init : tensor<?x80xbf16>) {
    ^bb0(%g: f32, %u: f32):
      ...
      moe.yield %v : bf16
    }
    ```

    C1: at least one matrix. C2: all matrices have one type [E, N, K], K the
    rows' width. C3: offsets have E + 1 elements. C4: the result has N columns.
    C5: column operands are [E, N]. C6: the block has an f32 argument for each
    matrix, then one of the element type of each column operand and of each
    scalar operand. C7: it yields one value of the result's element type. C8:
    the ops of the region have no side effects.
  }];
  let arguments = (ins MoE_Rows:$rows, Optional<MoE_Indices>:$tokens, Variadic<3DTensorOf<[AnyFloat]>>:$weights,
                       MoE_Indices:$offsets, Variadic<MoE_Rows>:$columns, Variadic<1DTensorOf<[AnyFloat]>>:$scalars,
                       Optional<MoE_Indices>:$slots, MoE_Rows:$init,
                       OptionalAttr<MoE_KernelConfigAttr>:$config);
  let results = (outs MoE_Rows:$result);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $rows (`gather` $tokens^)? `weights` $weights `offsets` $offsets (`columns` $columns^)? (`scalars` $scalars^)?
    (`scatter` $slots^)? (`config` $config^)? attr-dict `:` type($rows) (`gather` type($tokens)^)? `weights` type($weights)
    `offsets` type($offsets) (`columns` type($columns)^)? (`scalars` type($scalars)^)? (`scatter` type($slots)^)?
    `outs` `(` $init `:` type($init) `)` `->` type($result) $body
  }];
  let extraClassDeclaration = [{
    int64_t getNumExperts();
    int64_t getOutputColumns();
    int64_t getReductionSize();
    void getAsmBlockArgumentNames(::mlir::Region &region, ::mlir::OpAsmSetValueNameFn name);
    ::mlir::MutableOperandRange getDpsInitsMutable();
  }];
  let hasRegionVerifier = 1;
}

def MoE_ScatterOp : MoE_GroupedOp<"scatter"> {
  let summary = "sorted rows back to the order of slots";
  let description = [{
    `result[slots[r]] = rows[r]`; rows of `outs` that no slot names keep their
    value.

    ```mlir
    %s = moe.scatter %rows to %slots : tensor<?x64xf32>, tensor<?xindex> outs(%o : tensor<?x64xf32>)
    ```

    C1: rows and result have the same width and element type.
  }];
  let arguments = (ins MoE_Rows:$rows, MoE_Indices:$slots, MoE_Rows:$init);
  let results = (outs MoE_Rows:$result);
  let assemblyFormat = [{
    $rows `to` $slots attr-dict `:` type($rows) `,` type($slots) `outs` `(` $init `:` type($init) `)` `->` type($result)
  }];
  let extraClassDeclaration = "::mlir::MutableOperandRange getDpsInitsMutable();";
}

def MoE_CombineSlotsOp : MoE_GroupedOp<"combine_slots"> {
  let summary = "one row from the count slots of each row";
  let description = [{
    `result[t] = combine over k of rows[t * K + k]`, K = `count`, in ascending
    k: the sum is the same for any number of threads. With `weights` [T, K] the
    kinds of `moe.combine` that use them are computed here; a weighted sum
    whose weights were applied by the product before is a `sum`. `result` has T
    rows.

    ```mlir
    %y = moe.combine_slots %rows 2 weighted_sum weights %w : tensor<?x64xf32>, tensor<?x2xf32> outs(%o : tensor<?x64xf32>)
    ```

    C1: rows and result have the same width. C2: count >= 1. C3: weights are
    there exactly for weighted_sum and log_sum_exp, with `count` columns.
  }];
  let arguments = (ins MoE_Rows:$rows, I64Attr:$count, MoE_CombineKind:$kind, Optional<MoE_Rows>:$weights,
                       MoE_Rows:$init);
  let results = (outs MoE_Rows:$result);
  let assemblyFormat = [{
    $rows $count $kind (`weights` $weights^)? attr-dict `:` type($rows) (`,` type($weights)^)?
    `outs` `(` $init `:` type($init) `)` `->` type($result)
  }];
  let extraClassDeclaration = "::mlir::MutableOperandRange getDpsInitsMutable();";
}

#endif // MOE_GROUPED_OPS_TD
