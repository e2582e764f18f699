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

def MoE_SelectRowsOp : MoE_GroupedOp<"select_rows"> {
  let summary = "row ids and weights of each expert, from logits";
  let description = [{
    `moe.route` on plain tensors, for a selection of rows: ids and weights
    [E * windows, k]. Row `e * windows + w` holds the rows that expert e picks in
    window w, best first; the number of windows is the number of result rows by
    E. Where a window has fewer than k rows, the last ids are -1 and their
    weights 0. Attributes as there.

    ```mlir
    %ids, %w = moe.select_rows %logits select #moe.top_k<2, axis = row> rank logits weigh #moe.softmax over selected
        : tensor<?x8xf32> outs(%i, %v : tensor<?x2xi32>, tensor<?x2xf32>) -> tensor<?x2xi32>, tensor<?x2xf32>
    ```

    C1: the selection picks rows. C2: ids and weights have a column for each
    selected row. C3: the bias has an element for each expert.
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

def MoE_SelectWithinOp : MoE_GroupedOp<"select_within"> {
  let summary = "a further level: ids and weights among the children of selected nodes";
  let description = [{
    `moe.route_within` on plain tensors: for slot p of a row, whose node is
    `parent_ids[t, p]`, the best children by `logits[t, node * M .. node * M +
    M - 1]` go to slots `p * c .. p * c + c - 1`, as ids of all experts; their
    weights are multiplied by `parent_weights[t, p]` in f32 and rounded once.
    Children of a dropped node are dropped: their ids are -1, and their weights
    mean nothing.

    ```mlir
    %ids, %w = moe.select_within %node, %nodeWeights, %logits nodes 4 select #moe.top_k<1> weigh #moe.one over each
        : tensor<?x1xi32>, tensor<?x1xf32>, tensor<?x16xf32> outs(%i, %v : tensor<?x1xi32>, tensor<?x1xf32>)
        -> tensor<?x1xi32>, tensor<?x1xf32>
    ```

    C1: the selection picks experts. C2: nodes >= 1, and it divides the number of
    experts. C3: the selection holds for the children of a node. C4: ids and
    weights have a column for each selected child of each node of a row. C5:
    the parent's weights have a column for each of its ids.
  }];
  let arguments = (ins MoE_Ids:$parentIds, MoE_Rows:$parentWeights, MoE_Rows:$logits, I64Attr:$nodes,
                       AnyAttr:$select, AnyAttr:$weigh, MoE_Over:$over, MoE_Ids:$idsInit, MoE_Rows:$weightsInit);
  let results = (outs MoE_Ids:$ids, MoE_Rows:$weights);
  let assemblyFormat = [{
    $parentIds `,` $parentWeights `,` $logits `nodes` $nodes `select` $select `weigh` $weigh `over` $over attr-dict
    `:` type($parentIds) `,` type($parentWeights) `,` type($logits)
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
    and `offsets[E]` is the number of sorted rows. `capacity` tells what is known
    of the ids: that no expert has more slots.

    ```mlir
    %offsets, %tokens, %slots = moe.plan %ids : tensor<?x2xi32>
        outs(%o, %t, %s : tensor<9xindex>, tensor<?xindex>, tensor<?xindex>)
    ```

    C1: offsets are static, of at least two elements (E + 1). C2: tokens and
    slots have one type. C3: capacity >= 1.
  }];
  let arguments = (ins MoE_Ids:$ids, MoE_Indices:$offsetsInit, MoE_Indices:$tokensInit, MoE_Indices:$slotsInit,
                       OptionalAttr<I64Attr>:$capacity);
  let results = (outs MoE_Indices:$offsets, MoE_Indices:$tokens, MoE_Indices:$slots);
  let assemblyFormat = [{
    $ids (`capacity` $capacity^)? attr-dict `:` type($ids) `outs` `(` $offsetsInit `,` $tokensInit `,` $slotsInit `:` type($offsetsInit) `,`
    type($tokensInit) `,` type($slotsInit) `)` `->` type($offsets) `,` type($tokens) `,` type($slots)
  }];
  let extraClassDeclaration = "::mlir::MutableOperandRange getDpsInitsMutable();";
}

def MoE_PlanRowsOp : MoE_GroupedOp<"plan_rows"> {
  let summary = "the order of the slots of a routing that picks rows";
  let description = [{
    Slots of a routing that picks rows are in the order of their experts as they
    are: slot `s = r * k + j` belongs to expert `r / windows` and holds row
    `ids[r, j]`. The plan leaves out slots whose id is -1. Results as those of
    `moe.plan`.

    ```mlir
    %offsets, %tokens, %slots = moe.plan_rows %ids : tensor<?x2xi32>
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

def MoE_PlanAllOp : MoE_GroupedOp<"plan_all"> {
  let summary = "the order of the slots where every row goes to every expert";
  let description = [{
    The plan of a routing of all E experts in the order of their index, which
    needs no ids and no sort: sorted row `e * T + t` is slot `t * E + e` and holds
    row t. `rows` is T. Results as those of `moe.plan`.

    ```mlir
    %offsets, %tokens, %slots = moe.plan_all %t
        outs(%o, %i, %i : tensor<5xindex>, tensor<?xindex>, tensor<?xindex>)
        -> tensor<5xindex>, tensor<?xindex>, tensor<?xindex>
    ```

    C1: offsets are static, of at least two elements (E + 1). C2: tokens and
    slots have one type.
  }];
  let arguments = (ins Index:$rows, MoE_Indices:$offsetsInit, MoE_Indices:$tokensInit, MoE_Indices:$slotsInit);
  let results = (outs MoE_Indices:$offsets, MoE_Indices:$tokens, MoE_Indices:$slots);
  let assemblyFormat = [{
    $rows attr-dict `outs` `(` $offsetsInit `,` $tokensInit `,` $slotsInit `:` type($offsetsInit) `,`
    type($tokensInit) `,` type($slotsInit) `)` `->` type($offsets) `,` type($tokens) `,` type($slots)
  }];
  let extraClassDeclaration = "::mlir::MutableOperandRange getDpsInitsMutable();";
}

def MoE_GatherOp : MoE_GroupedOp<"gather", [AttrSizedOperandSegments]> {
  let summary = "rows in the order of a plan";
  let description = [{
    `result[r] = rows[tokens[r]]`; with weights,
    `result[r] = rows[tokens[r]] * weights[slots[r]]`, multiplied in f32 and
    rounded once. `offsets` says that a plan left out slots: only rows before
    the last offset are there, others of the result are unspecified.

    ```mlir
    %sorted = moe.gather %x at %tokens : tensor<?x64xf32>, tensor<?xindex> outs(%o : tensor<?x64xf32>) -> tensor<?x64xf32>
    %scaled = moe.gather %x at %tokens weights %w slots %slots : tensor<?x64xf32>, tensor<?xindex>
        weights tensor<?xf32> slots tensor<?xindex> outs(%o : tensor<?x64xf32>) -> tensor<?x64xf32>
    ```

    C1: rows and result have the same width and element type. C2: weights and
    slots come together.
  }];
  let arguments = (ins MoE_Rows:$rows, MoE_Indices:$tokens, Optional<MoE_Indices>:$offsets,
                       Optional<1DTensorOf<[AnyFloat]>>:$weights, Optional<MoE_Indices>:$slots, MoE_Rows:$init);
  let results = (outs MoE_Rows:$result);
  let assemblyFormat = [{
    $rows `at` $tokens (`offsets` $offsets^)? (`weights` $weights^)? (`slots` $slots^)? attr-dict
    `:` type($rows) `,` type($tokens) (`offsets` type($offsets)^)? (`weights` type($weights)^)? (`slots` type($slots)^)?
    `outs` `(` $init `:` type($init) `)` `->` type($result)
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
    value. `offsets` says that a plan left out slots: only rows before the last
    offset are there.

    ```mlir
    %s = moe.scatter %rows to %slots : tensor<?x64xf32>, tensor<?xindex> outs(%o : tensor<?x64xf32>) -> tensor<?x64xf32>
    ```

    C1: rows and result have the same width and element type.
  }];
  let arguments = (ins MoE_Rows:$rows, MoE_Indices:$slots, Optional<MoE_Indices>:$offsets, MoE_Rows:$init);
  let results = (outs MoE_Rows:$result);
  let assemblyFormat = [{
    $rows `to` $slots (`offsets` $offsets^)? attr-dict `:` type($rows) `,` type($slots) (`offsets` type($offsets)^)?
    `outs` `(` $init `:` type($init) `)` `->` type($result)
  }];
  let extraClassDeclaration = "::mlir::MutableOperandRange getDpsInitsMutable();";
}

#endif // MOE_GROUPED_OPS_TD
