// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Row-wise ops: what expert bodies are written in. They also work on plain tensors of rows.

#ifndef MOE_BODY_OPS_TD
#define MOE_BODY_OPS_TD

include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "moe/Dialect/MoE/IR/MoEBase.td"
include "moe/Dialect/MoE/IR/MoEInterfaces.td"

def MoE_Rows : 2DTensorOf<[AnyFloat]>;

def MoE_LinearOp : MoE_Op<"linear", [Pure, DeclareOpInterfaceMethods<RowwiseOpInterface>,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "rows times one or several matrices";
  let description = [{
    `result[i, n] = sum_k rows[i, k] * matrix[n, k]` for each matrix `[N, K]`
    (the layout of a linear layer's weight). Products are accumulated in f32
    and rounded once to the result's type. Several matrices of one shape share
    one pass over the rows: `moe-fuse-gate-up` makes that form.

    ```mlir
    %g = moe.linear %x, %gate : tensor<?x64xbf16>, tensor<80x64xbf16> -> tensor<?x80xf32>
    %g, %u = moe.linear %x, %gate, %up : tensor<?x64xbf16>, tensor<80x64xbf16>, tensor<80x64xbf16>
        -> tensor<?x80xf32>, tensor<?x80xf32>
    ```

    C1: one result for each matrix. C2: each matrix has as many columns as the
    rows. C3: each result has the rows' row count and its matrix's rows as
    columns. C4: all matrices have one type, and so have the results.
  }];
  let arguments = (ins MoE_Rows:$rows, Variadic<MoE_Rows>:$matrices);
  let results = (outs Variadic<MoE_Rows>:$results);
  let assemblyFormat = "$rows `,` $matrices attr-dict `:` type($rows) `,` type($matrices) `->` type($results)";
  let hasVerifier = 1;
}

def MoE_MapOp : MoE_Op<"map", [Pure, SingleBlock, RecursiveMemoryEffects,
    DeclareOpInterfaceMethods<RowwiseOpInterface>,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "one scalar function at every element of rows";
  let description = [{
    The region computes one element of the result from the elements at the same
    place of the operands. An operand of rank 1 is a vector over the columns (a
    bias), the same for every row. An activation is such a region: a new one
    needs no new op, and it is inlined where it runs.

    ```mlir
    %h = moe.map %g, %u : tensor<?x80xf32>, tensor<?x80xf32> -> tensor<?x80xbf16> {
    ^bb0(%a: f32, %b: f32):
      ...
      moe.yield %c : bf16
    }
    ```

    C1: the first operand is a tensor of rows. C2: operands and result agree in
    row count and in columns. C3: the block has an argument of the element type
    of each operand. C4: it yields one value of the result's element type. C5:
    the ops of the region have no side effects.
  }];
  let arguments = (ins Variadic<TensorRankOf<[AnyFloat], [1, 2]>>:$inputs);
  let results = (outs MoE_Rows:$result);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$inputs attr-dict `:` type($inputs) `->` type($result) $body";
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
}

def MoE_RoundRowsOp : MoE_Op<"round_rows", [Pure, DeclareOpInterfaceMethods<RowwiseOpInterface>,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "each row rounded to 255 multiples of one number";
  let description = [{
    The rows that a product by weights of few bits takes, rounded to a signed
    byte and a scale each. With `m` the largest magnitude of a row, at least
    2^-100, and in f32:

        q = nearest_even(x * (127 / m)),  value = q * (m / 127)

    A row that holds a NaN or an infinity becomes NaN. As for weights the type
    is that of the values: each level computes with the same numbers, and one
    that multiplies bytes keeps q and the scale instead (see
    `moe-emit-micro-kernels`).

    ```mlir
    %q = moe.round_rows %x : tensor<?x64xbf16> -> tensor<?x64xf32>
    ```

    C1: the result has the shape of the rows.
  }];
  let arguments = (ins MoE_Rows:$rows);
  let results = (outs 2DTensorOf<[F32]>:$result);
  let assemblyFormat = "$rows attr-dict `:` type($rows) `->` type($result)";
  let hasVerifier = 1;
}

def MoE_YieldOp : MoE_Op<"yield", [Pure, Terminator, ReturnLike]> {
  let summary = "ends a region of this dialect";
  let description = [{
    Gives the region's value: one element in a `moe.map` and in the epilogue of
    a `moe.grouped_matmul`, rows in `moe.experts`.
  }];
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
  let builders = [OpBuilder<(ins), [{ /* nothing to yield */ }]>];
}

#endif // MOE_BODY_OPS_TD
