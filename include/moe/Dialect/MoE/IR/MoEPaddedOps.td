// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The grouped form with a fixed place for every row that an expert may take.

#ifndef MOE_PADDED_OPS_TD
#define MOE_PADDED_OPS_TD

include "moe/Dialect/MoE/IR/MoEGroupedOps.td"

def MoE_PlanPaddedOp : MoE_GroupedOp<"plan_padded"> {
  let summary = "the slots of each expert at places of their own";
  let description = [{
    An order of E * c places, c = `capacity`: those of expert e begin at e * c,
    whatever the ids, so one pass over the slots puts each at the next place of
    its expert, in ascending order, and there is nothing to count before and
    nothing to add up. `counts[e]` is how many places of e are taken;
    `tokens[p]` is the row t and `slots[p]` the slot t * K + k at place p, both
    unspecified where nothing is. An id of -1 gets no place, and neither does a
    slot beyond the capacity of its expert.

    ```mlir
    %counts, %tokens, %slots = moe.plan_padded %ids capacity 4 : tensor<?x2xi32>
        outs(%n, %p, %p : tensor<8xindex>, tensor<32xindex>, tensor<32xindex>)
        -> tensor<8xindex>, tensor<32xindex>, tensor<32xindex>
    ```

    C1: counts are static, of at least one element (E). C2: capacity >= 1, and
    at most 2^20 places. C3: tokens and slots have E * c elements.
  }];
  let arguments = (ins MoE_Ids:$ids, I64Attr:$capacity, MoE_Indices:$countsInit, MoE_Indices:$tokensInit,
                       MoE_Indices:$slotsInit);
  let results = (outs MoE_Indices:$counts, MoE_Indices:$tokens, MoE_Indices:$slots);
  let assemblyFormat = [{
    $ids `capacity` $capacity attr-dict `:` type($ids) `outs` `(` $countsInit `,` $tokensInit `,` $slotsInit `:`
    type($countsInit) `,` type($tokensInit) `,` type($slotsInit) `)` `->` type($counts) `,` type($tokens) `,`
    type($slots)
  }];
  let extraClassDeclaration = "::mlir::MutableOperandRange getDpsInitsMutable();";
}

def MoE_PaddedMatmulOp : MoE_GroupedOp<"padded_matmul", [AttrSizedOperandSegments, SingleBlock,
    RecursiveMemoryEffects]> {
  let summary = "the rows at the places of each expert times its matrices, with an epilogue on the accumulators";
  let description = [{
    `moe.grouped_matmul` whose groups have fixed begins and room between them:
    for every expert e and every place p in `e * c .. e * c + counts[e] - 1`,
    c = `capacity`:

        acc_i[n] = sum_k rows[p, k] * weights_i[e, n, k]          (f32)
        out[p, n] = epilogue(acc_0[n], acc_1[n], ..., columns_j[e, n], ..., scalars_j[p])

    `gather` and `scatter` as there: the row is `rows[tokens[p]]`, the result
    goes to row `slots[p]`, where scalars are read, too. Places that nothing took
    are neither read nor computed, so tokens and slots need no value there, and
    rows of `outs` at them keep theirs. An expert has no more than c rows, as
    with `moe.plan_padded`; `moe-to-padded` makes both.

    ```mlir
    %h = moe.padded_matmul %x gather %tokens weights %gate, %up counts %counts capacity 4
        : tensor<?x64xbf16> gather tensor<32xindex> weights tensor<8x80x64xbf16>, tensor<8x80x64xbf16>
        counts tensor<8xindex> outs(%init : tensor<32x80xbf16>) -> tensor<32x80xbf16> {
    ^bb0(%g: f32, %u: f32):
      ...
      moe.yield %v : bf16
    }
    ```

    C1: at least one matrix. C2: all matrices have one type [E, N, K], K the
    rows' width. C3: the result has N columns. C4: column operands are [E, N].
    C5: the block has an f32 argument for each matrix, then one of the element
    type of each column operand and of each scalar operand. C6: it yields one
    value of the result's element type. C7: the ops of the region have no side
    effects. C8: counts have E elements. C9: capacity >= 1, and at most 2^20
    places.
  }];
  let arguments = (ins MoE_Rows:$rows, Optional<MoE_Indices>:$tokens, Variadic<3DTensorOf<[AnyFloat]>>:$weights,
                       MoE_Indices:$counts, I64Attr:$capacity, Variadic<MoE_Rows>:$columns,
                       Variadic<1DTensorOf<[AnyFloat]>>:$scalars, Optional<MoE_Indices>:$slots, MoE_Rows:$init,
                       OptionalAttr<MoE_KernelConfigAttr>:$config);
  let results = (outs MoE_Rows:$result);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $rows (`gather` $tokens^)? `weights` $weights `counts` $counts `capacity` $capacity (`columns` $columns^)?
    (`scalars` $scalars^)? (`scatter` $slots^)? (`config` $config^)? attr-dict `:` type($rows)
    (`gather` type($tokens)^)? `weights` type($weights) `counts` type($counts) (`columns` type($columns)^)?
    (`scalars` type($scalars)^)? (`scatter` type($slots)^)?
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

#endif // MOE_PADDED_OPS_TD
