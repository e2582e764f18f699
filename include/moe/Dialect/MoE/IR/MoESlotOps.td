// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The grouped form without a plan: rows in the order of their slots, for few rows.

#ifndef MOE_SLOT_OPS_TD
#define MOE_SLOT_OPS_TD

include "moe/Dialect/MoE/IR/MoEGroupedOps.td"

def MoE_SlotMatmulOp : MoE_GroupedOp<"slot_matmul", [AttrSizedOperandSegments, SingleBlock, RecursiveMemoryEffects]> {
  let summary = "the row of each slot times the matrices of its expert, with an epilogue on the accumulators";
  let description = [{
    `moe.grouped_matmul` whose groups are single slots: nothing is sorted,
    gathered or scattered. For every slot s = t * K + k whose expert
    e = `ids[t, k]` is not -1:

        acc_i[n] = sum_d row[d] * weights_i[e, n, d]          (f32)
        out[s, n] = epilogue(acc_0[n], acc_1[n], ..., columns_j[e, n], ..., scalars_j[s])

    With `tokens` the row is that of the token, `rows[t]`; without, `rows` has a
    row for each slot, `rows[s]`. Rows of `outs` whose slot has no expert keep
    their value. It reads an expert's matrices once for each of its slots, so it
    is for as many rows as seldom meet at an expert; `moe-to-single-rows` makes
    it.

    ```mlir
    %h = moe.slot_matmul %x tokens ids %ids weights %gate, %up
        : tensor<?x64xbf16> ids tensor<?x2xi32> weights tensor<8x80x64xbf16>, tensor<8x80x64xbf16>
        outs(%init : tensor<?x80xbf16>) -> tensor<?x80xbf16> {
    ^bb0(%g: f32, %u: f32):
      ...
      moe.yield %v : bf16
    }
    ```

    C1: at least one matrix. C2: all matrices have one type [E, N, D], D the
    rows' width. C3: the result has N columns. C4: column operands are [E, N].
    C5: the block has an f32 argument for each matrix, then one of the element
    type of each column operand and of each scalar operand. C6: it yields one
    value of the result's element type. C7: the ops of the region have no side
    effects.
  }];
  let arguments = (ins MoE_Rows:$rows, UnitAttr:$tokens, MoE_Ids:$ids, Variadic<3DTensorOf<[AnyFloat]>>:$weights,
                       Variadic<MoE_Rows>:$columns, Variadic<1DTensorOf<[AnyFloat]>>:$scalars, MoE_Rows:$init,
                       OptionalAttr<MoE_KernelConfigAttr>:$config);
  let results = (outs MoE_Rows:$result);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $rows (`tokens` $tokens^)? `ids` $ids `weights` $weights (`columns` $columns^)? (`scalars` $scalars^)?
    (`config` $config^)? attr-dict `:` type($rows) `ids` type($ids) `weights` type($weights)
    (`columns` type($columns)^)? (`scalars` type($scalars)^)?
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

#endif // MOE_SLOT_OPS_TD
