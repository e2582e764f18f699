// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The grouped form of what no grouped product covers: a body over the rows of each expert.

#ifndef MOE_GROUPED_BODY_OPS_TD
#define MOE_GROUPED_BODY_OPS_TD

include "moe/Dialect/MoE/IR/MoEGroupedOps.td"

def MoE_GroupedBodyOp : MoE_GroupedOp<"grouped_body", [AttrSizedOperandSegments, SingleBlock,
    RecursiveMemoryEffects]> {
  let summary = "a row-wise body over the sorted rows of each expert and its slices of the weights";
  let description = [{
    For every expert e, rows `offsets[e] .. offsets[e + 1] - 1` of each result
    are what the region gives for those rows of the operands and slice e of each
    weight. The region is the body of `moe.experts`, or that part of it which is
    no grouped product: any row-wise tensor ops. As it is row-wise, it may run
    on any number of rows at a time. Other rows of the results are unspecified.

    ```mlir
    %y = moe.grouped_body %rows weights %scale offsets %offsets
        : tensor<?x64xf32> weights tensor<8x64xf32> offsets tensor<9xindex>
        outs(%init : tensor<?x64xf32>) -> tensor<?x64xf32> {
    ^bb0(%row: tensor<?x64xf32>, %s: tensor<64xf32>):
      ...
      moe.yield %out : tensor<?x64xf32>
    }
    ```

    C1: at least one operand of rows. C2: offsets have E + 1 elements, and each
    weight E slices of rank 1 or more. C3: the block's arguments are rows of
    each operand, their number dynamic, and the slices. C4: it yields rows of
    each result's width and element type. C5: the body is row-wise.
  }];
  let arguments = (ins Variadic<MoE_Rows>:$rows, Variadic<AnyRankedTensor>:$weights, MoE_Indices:$offsets,
                       Variadic<MoE_Rows>:$inits);
  let results = (outs Variadic<MoE_Rows>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $rows (`weights` $weights^)? `offsets` $offsets attr-dict `:` type($rows) (`weights` type($weights)^)?
    `offsets` type($offsets) `outs` `(` $inits `:` type($inits) `)` `->` type($results) $body
  }];
  let extraClassDeclaration = [{
    int64_t getNumExperts() { return getOffsets().getType().getDimSize(0) - 1; }
    void getAsmBlockArgumentNames(::mlir::Region &region, ::mlir::OpAsmSetValueNameFn name);
    ::mlir::MutableOperandRange getDpsInitsMutable();
  }];
  let hasRegionVerifier = 1;
}

#endif // MOE_GROUPED_BODY_OPS_TD
