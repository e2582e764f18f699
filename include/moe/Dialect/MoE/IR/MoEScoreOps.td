// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Scores: one op for each way to give every row a logit for every expert.

#ifndef MOE_SCORE_OPS_TD
#define MOE_SCORE_OPS_TD

include "mlir/IR/OpAsmInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "moe/Dialect/MoE/IR/MoEBodyOps.td"

class MoE_ScoreOp<string kind, list<Trait> traits = []> : MoE_Op<"score." # kind, traits # [Pure,
    DeclareOpInterfaceMethods<ScoreOpInterface>, DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let hasVerifier = 1;
}

def MoE_ScoreAffineOp : MoE_ScoreOp<"affine"> {
  let summary = "logits as rows times a matrix, plus an optional bias";
  let description = [{
    `logits[t, e] = sum_d rows[t, d] * weight[e, d] + bias[e]`, accumulated in
    f32 and rounded once to the type of the logits: the projection precision of
    the router.

    ```mlir
    %logits = moe.score.affine %x, %w : tensor<?x64xbf16>, tensor<8x64xbf16> -> tensor<?x8xbf16>
    %logits = moe.score.affine %x, %w bias %b : tensor<?x64xbf16>, tensor<8x64xbf16>, tensor<8xbf16> -> tensor<?x8xbf16>
    ```

    C1: the weight has as many columns as the rows. C2: the logits have a
    column for each row of the weight. C3: so has the bias.
  }];
  let arguments = (ins MoE_Rows:$rows, MoE_Rows:$weight, Optional<1DTensorOf<[AnyFloat]>>:$bias);
  let results = (outs MoE_Rows:$logits);
  let assemblyFormat = [{
    $rows `,` $weight (`bias` $bias^)? attr-dict `:` type($rows) `,` type($weight) (`,` type($bias)^)? `->`
    type($logits)
  }];
}

def MoE_ScoreNegDistanceOp : MoE_ScoreOp<"neg_distance"> {
  let summary = "logits as negative distances to prototypes";
  let description = [{
    `logits[t, e] = -|rows[t] - prototypes[e]|^power`, with the Euclidean norm;
    power 2 ranks like an affine score, power 1 is the Laplace gate.

    ```mlir
    %logits = moe.score.neg_distance %x, %p power 2 : tensor<?x2xf32>, tensor<16x2xf32> -> tensor<?x16xf32>
    ```

    C1: prototypes have as many columns as the rows. C2: the logits have a
    column for each prototype. C3: power is 1 or 2.
  }];
  let arguments = (ins MoE_Rows:$rows, MoE_Rows:$prototypes, I64Attr:$power);
  let results = (outs MoE_Rows:$logits);
  let assemblyFormat = [{
    $rows `,` $prototypes `power` $power attr-dict `:` type($rows) `,` type($prototypes) `->` type($logits)
  }];
}

def MoE_ScoreCosineOp : MoE_ScoreOp<"cosine"> {
  let summary = "logits as scaled cosines of the angles between rows and vectors";
  let description = [{
    `logits[t, e] = scale * (rows[t] . vectors[e]) / ((|rows[t]| + row_eps) *
    (|vectors[e]| + vector_eps))`, with Euclidean norms, computed in f32 and
    rounded once. Scale is an inverse temperature. Without eps a row or vector
    of zeros gives NaN; with both it is the perturbed cosine router (Nguyen et
    al., 2024).

    ```mlir
    %logits = moe.score.cosine %x, %v row_eps 0.01 vector_eps 0.01 scale 16.0
        : tensor<?x64xf32>, tensor<8x64xf32> -> tensor<?x8xf32>
    ```

    C1: vectors have as many columns as the rows. C2: the logits have a column
    for each vector. C3: eps are finite and >= 0. C4: scale is finite and not
    zero.
  }];
  let arguments = (ins MoE_Rows:$rows, MoE_Rows:$vectors, DefaultValuedAttr<F64Attr, "0.0">:$row_eps,
                       DefaultValuedAttr<F64Attr, "0.0">:$vector_eps, DefaultValuedAttr<F64Attr, "1.0">:$scale);
  let results = (outs MoE_Rows:$logits);
  let assemblyFormat = [{
    $rows `,` $vectors (`row_eps` $row_eps^)? (`vector_eps` $vector_eps^)? (`scale` $scale^)? attr-dict
    `:` type($rows) `,` type($vectors) `->` type($logits)
  }];
}

#endif // MOE_SCORE_OPS_TD
