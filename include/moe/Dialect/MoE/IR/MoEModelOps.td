// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The model form: what a layer computes. Scores have a file of their own.

#ifndef MOE_MODEL_OPS_TD
#define MOE_MODEL_OPS_TD

include "mlir/IR/OpAsmInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "moe/Dialect/MoE/IR/MoEAttrs.td"
include "moe/Dialect/MoE/IR/MoEBodyOps.td"
include "moe/Dialect/MoE/IR/MoETypes.td"

//===-- Routings --------------------------------------------------------------------------------------------===//

def MoE_RouteOp : MoE_Op<"route", [Pure, DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let summary = "from logits to a routing: select, then weigh";
  let description = [{
    `select` picks entries of the logits. What it compares is `rank`: the
    logits as they are, or the scores, `score(logits)`; a `bias` [experts] is
    added for the comparison only. The weight of a selected entry is its score,
    normalised `over` a set when the function needs one (`all` experts, the
    `selected` ones, or those of a `group`), then optionally renormalised and
    multiplied by `scale`. Scores are computed in f32; the weight type of the
    routing is the output precision.

    Where experts select rows, `all` still means the experts of a row, while
    `selected` and renormalisation are over the rows that an expert selected in
    one window.

    ```mlir
    %r = moe.route %logits select #moe.top_k<2> rank scores weigh #moe.softmax over all renormalize
        : tensor<?x8xf32> -> !moe.routing<8, 2, f32>
    %r = moe.route %logits bias %b select #moe.group_top_k<8, groups = 8, keep = 4, reduce = top2_sum> rank scores
        weigh #moe.sigmoid over each renormalize<eps = 1.0e-20> scale 2.5
        : tensor<?x256xf32>, tensor<256xf32> -> !moe.routing<256, 8, f32>
    ```

    C1: select is a selection. C2: weigh is a score function. C3: the routing
    has as many experts as the logits have columns. C4: its count is that of
    the selection. C5: its axis is that of the selection. C6: the bias has an
    element for each expert. C7: a normalising function needs a set, `over`
    all, selected or group; any other function takes each logit alone. C8: over
    group needs a selection with groups. C9: scale is finite and not zero. C10: a
    normalised score can be ranked only when it is normalised over all or a
    group.
  }];
  let arguments = (ins MoE_Rows:$logits, Optional<1DTensorOf<[AnyFloat]>>:$bias, AnyAttr:$select,
                       MoE_Rank:$rank, AnyAttr:$weigh, MoE_Over:$over,
                       OptionalAttr<MoE_RenormalizeAttr>:$renormalize, OptionalAttr<F64Attr>:$scale);
  let results = (outs MoE_RoutingType:$routing);
  let assemblyFormat = [{
    $logits (`bias` $bias^)? `select` $select `rank` $rank `weigh` $weigh `over` $over
    (`renormalize` $renormalize^)? (`scale` $scale^)? attr-dict `:` type($logits) (`,` type($bias)^)? `->`
    qualified(type($routing))
  }];
  let extraClassDeclaration = [{
    SelectAttrInterface getSelection();
    ScoreFunctionAttrInterface getScoreFunction();
  }];
  let hasVerifier = 1;
}

def MoE_RouteWithinOp : MoE_Op<"route_within", [Pure,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let summary = "a further level: select among the children of the selected nodes";
  let description = [{
    `parent` selects among G nodes; node g has the experts `g * M .. g * M + M - 1`
    as children, M = experts / G. Within each selected node the k best children
    by `logits` [rows, experts] are selected; weights multiply. Trees and
    two-level routers are chains of this op.

    ```mlir
    %leaf = moe.route_within %node, %logits select #moe.top_k<1> weigh #moe.one over each
        : !moe.routing<4, 1, f32>, tensor<?x16xf32> -> !moe.routing<16, 1, f32>
    ```

    C1: select is a selection. C2: weigh is a score function. C3: the number of
    nodes divides the number of experts. C4: the count is the parent's count
    times the selection's. C5: parent, selection and result pick experts. C6:
    the selection holds for M experts. C7: a normalising function needs `over`
    all (the children of a node) or selected.
  }];
  let arguments = (ins MoE_RoutingType:$parent, MoE_Rows:$logits, AnyAttr:$select, AnyAttr:$weigh, MoE_Over:$over);
  let results = (outs MoE_RoutingType:$routing);
  let assemblyFormat = [{
    $parent `,` $logits `select` $select `weigh` $weigh `over` $over attr-dict `:` qualified(type($parent)) `,` type($logits)
    `->` qualified(type($routing))
  }];
  let extraClassDeclaration = [{
    SelectAttrInterface getSelection();
    ScoreFunctionAttrInterface getScoreFunction();
  }];
  let hasVerifier = 1;
}

def MoE_MakeRoutingOp : MoE_Op<"make_routing", [Pure,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let summary = "a routing from expert ids and weights computed elsewhere";
  let description = [{
    The door for every router that no other op covers. Ids are in
    `0 .. experts - 1`, or -1 for a slot that goes nowhere.

    ```mlir
    %r = moe.make_routing %ids, %w : tensor<?x2xi32>, tensor<?x2xf32> -> !moe.routing<8, 2, f32>
    ```

    C1: ids and weights have `count` columns. C2: the weights have the
    routing's weight type. C3: the routing picks experts.
  }];
  let arguments = (ins 2DTensorOf<[I32]>:$ids, MoE_Rows:$weights);
  let results = (outs MoE_RoutingType:$routing);
  let assemblyFormat = "$ids `,` $weights attr-dict `:` type($ids) `,` type($weights) `->` qualified(type($routing))";
  let hasVerifier = 1;
}

def MoE_NarrowRoutingOp : MoE_Op<"narrow_routing", [Pure,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let summary = "the part of a routing that goes to some of its experts";
  let description = [{
    The experts `begin .. end - 1` of a routing, counted from 0. Pairs with any
    other expert go nowhere; weights stay as they are. A layer with experts of
    several kinds (zero and identity experts beside MLPs, say) has one router
    over all of them, a chain of dispatch, experts and combine for each part,
    and adds the results.

    ```mlir
    %mlps = moe.narrow_routing %r from 0 to 8 : !moe.routing<12, 2, f32> -> !moe.routing<8, 2, f32>
    %identities = moe.narrow_routing %r from 8 to 12 : !moe.routing<12, 2, f32> -> !moe.routing<4, 2, f32>
    ```

    C1: both routings pick experts. C2: 0 <= begin < end <= experts. C3: the
    result has end - begin experts, and the count and weight type of the whole.
  }];
  let arguments = (ins MoE_RoutingType:$whole, I64Attr:$begin, I64Attr:$end);
  let results = (outs MoE_RoutingType:$routing);
  let assemblyFormat = [{
    $whole `from` $begin `to` $end attr-dict `:` qualified(type($whole)) `->` qualified(type($routing))
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

def MoE_UnpackRoutingOp : MoE_Op<"unpack_routing", [Pure,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let summary = "the expert ids and weights of a routing";
  let description = [{
    For a routing that picks experts: ids and weights `[rows, count]`, best
    first, ids -1 where a slot was dropped, whose weight means nothing. For one that picks rows: row ids
    and weights `[experts * windows, count]`, all windows of expert 0 first;
    ids -1 where an expert found no row.

    ```mlir
    %ids, %w = moe.unpack_routing %r : !moe.routing<8, 2, f32> -> tensor<?x2xi32>, tensor<?x2xf32>
    ```

    C1: both results have `count` columns. C2: the weights have the routing's
    weight type.
  }];
  let arguments = (ins MoE_RoutingType:$routing);
  let results = (outs 2DTensorOf<[I32]>:$ids, MoE_Rows:$weights);
  let assemblyFormat = "$routing attr-dict `:` qualified(type($routing)) `->` type($ids) `,` type($weights)";
  let hasVerifier = 1;
}

//===-- Dispatch, experts, combine --------------------------------------------------------------------------===//

def MoE_DispatchOp : MoE_Op<"dispatch", [Pure, DeclareOpInterfaceMethods<RoutedOpInterface>,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let summary = "sends rows to the experts of a routing";
  let description = [{
    Each (row, expert) pair of the routing puts the row into the expert's
    group. `weighted` multiplies it by the pair's weight on the way (a router
    that acts on the experts' input, as llama4's).

    ```mlir
    %rows = moe.dispatch %x by %r : tensor<?x64xf32>, !moe.routing<8, 2, f32> -> !moe.ragged<8, 64, f32>
    ```

    C1: the ragged rows have the routing's experts. C2: they have the rows'
    width. C3: they have the rows' element type.
  }];
  let arguments = (ins MoE_Rows:$rows, MoE_RoutingType:$routing, UnitAttr:$weighted);
  let results = (outs MoE_RaggedType:$dispatched);
  let assemblyFormat = [{
    $rows `by` $routing (`weighted` $weighted^)? attr-dict `:` type($rows) `,` qualified(type($routing)) `->` qualified(type($dispatched))
  }];
  let hasVerifier = 1;
}

def MoE_ExpertsOp : MoE_Op<"experts", [Pure, AttrSizedOperandSegments, SingleBlock, RecursiveMemoryEffects,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames", "getAsmBlockArgumentNames"]>]> {
  let summary = "one body for every expert, over its rows and its slices of the weights";
  let description = [{
    The region sees the rows of one expert, one tensor `[rows, width]` for each
    ragged operand, and that expert's slice of each weight (the first dimension
    removed). It must be row-wise: row i of what it yields depends on row i of
    the rows alone. Ops from `moe.linear` and `moe.map` become grouped
    products; any other row-wise tensor op is legal.

    ```mlir
    %y = moe.experts %rows weights %gate, %up, %down
        : !moe.ragged<8, 64, f32>, tensor<8x80x64xf32>, tensor<8x80x64xf32>, tensor<8x64x80xf32>
        -> !moe.ragged<8, 64, f32> {
    ^bb0(%r: tensor<?x64xf32>, %wg: tensor<80x64xf32>, %wu: tensor<80x64xf32>, %wd: tensor<64x80xf32>):
      ...
      moe.yield %out : tensor<?x64xf32>
    }
    ```

    C1: at least one ragged operand. C2: ragged operands and result have the
    same experts. C3: each weight has that many slices. C4: the block's
    arguments are the rows and the slices. C5: it yields rows of the result's
    width and element type. C6: the body is row-wise.
  }];
  let arguments = (ins Variadic<MoE_RaggedType>:$rows, Variadic<AnyRankedTensor>:$weights);
  let results = (outs MoE_RaggedType:$result);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
}

def MoE_CombineOp : MoE_Op<"combine", [Pure, DeclareOpInterfaceMethods<RoutedOpInterface>]> {
  let summary = "one row of output from the rows that a row's experts gave";
  let description = [{
    Over the pairs of a row, with weights w and expert outputs y:
    `weighted_sum` w * y summed, `sum`, `mean`, `max` of y, `log_sum_exp`
    log(sum(w * exp(y))), the log density of a mixture. Computed in f32, in the
    order of the routing (of experts, for a routing that picks rows and, after
    `moe-select-all`, for one of all experts), and rounded once. A row without
    any pair is 0 (-inf for max and log_sum_exp). The pairs of a row whose
    weights are NaN make it NaN, whatever their experts give: 0 * NaN is NaN.

    ```mlir
    %y = moe.combine %rows by %r weighted_sum : !moe.ragged<8, 64, f32>, !moe.routing<8, 2, f32> -> tensor<?x64xf32>
    ```

    `like` names the tensor that was dispatched when a routing picks rows, as
    the number of rows cannot be read from such a routing.

    C1: rows and routing have the same experts. C2: the result has the rows'
    width. C3: a routing that picks rows needs `like`, one that picks experts
    has none.
  }];
  let arguments = (ins MoE_RaggedType:$rows, MoE_RoutingType:$routing, MoE_CombineKind:$kind,
                       Optional<MoE_Rows>:$like);
  let results = (outs MoE_Rows:$result);
  let assemblyFormat = [{
    $rows `by` $routing $kind (`like` $like^)? attr-dict `:` qualified(type($rows)) `,` qualified(type($routing)) (`,` type($like)^)? `->`
    type($result)
  }];
  let hasVerifier = 1;
}

#endif // MOE_MODEL_OPS_TD
