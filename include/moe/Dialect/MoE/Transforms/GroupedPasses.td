// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Passes on the grouped form.

#ifndef MOE_TRANSFORMS_GROUPED_PASSES
#define MOE_TRANSFORMS_GROUPED_PASSES

include "mlir/Pass/PassBase.td"

def GroupPlainProducts : Pass<"moe-group-plain-products"> {
  let summary = "Products of plain rows become grouped products of one group";
  let description = [{
    What every row runs through (a shared expert) is a grouped product whose one
    group is all rows, so that it gets the same kernels. A `moe.linear` of
    several matrices whose results go to one `moe.map` takes the map as its
    epilogue; any other becomes one product for each matrix. So does a
    `moe.score.affine` that no router took in.

    ```mlir
    func.func @shared(%x: tensor<?x4xf32>, %w: tensor<8x4xf32>) -> tensor<?x8xf32> {
      %y = moe.linear %x, %w : tensor<?x4xf32>, tensor<8x4xf32> -> tensor<?x8xf32>
      return %y : tensor<?x8xf32>
    }
    ```
    becomes
    ```mlir
    func.func @shared(%x: tensor<?x4xf32>, %w: tensor<8x4xf32>) -> tensor<?x8xf32> {
      %c0 = arith.constant 0 : index
      %rows = tensor.dim %x, %c0 : tensor<?x4xf32>
      %offsets = tensor.from_elements %c0, %rows : tensor<2xindex>
      %group = tensor.expand_shape %w [[0, 1], [2]] output_shape [1, 8, 4] : tensor<8x4xf32> into tensor<1x8x4xf32>
      %init = tensor.empty(%rows) : tensor<?x8xf32>
      %y = moe.grouped_matmul %x weights %group offsets %offsets
          : tensor<?x4xf32> weights tensor<1x8x4xf32> offsets tensor<2xindex> outs(%init : tensor<?x8xf32>)
          -> tensor<?x8xf32> {
      ^bb0(%acc: f32):
        moe.yield %acc : f32
      }
      return %y : tensor<?x8xf32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect"];
}

def FuseRouter : Pass<"moe-fuse-router"> {
  let summary = "Fuse an affine score and its selection into one pass over the rows";
  let description = [{
    The `moe.score.affine` and the `moe.select` of its logits become a
    `moe.router`, which selects while a block of logits is in registers or L1.
    Other users of the logits take them from the router. Any other score is
    left alone, and a remark names it.

    ```mlir
    func.func @router(%x: tensor<?x64xf32>, %w: tensor<8x64xf32>, %i: tensor<?x2xi32>, %v: tensor<?x2xf32>)
        -> (tensor<?x2xi32>, tensor<?x2xf32>) {
      %logits = moe.score.affine %x, %w : tensor<?x64xf32>, tensor<8x64xf32> -> tensor<?x8xf32>
      %ids, %weights = moe.select %logits select #moe.top_k<2> rank logits weigh #moe.softmax over selected
          : tensor<?x8xf32> outs(%i, %v : tensor<?x2xi32>, tensor<?x2xf32>) -> tensor<?x2xi32>, tensor<?x2xf32>
      return %ids, %weights : tensor<?x2xi32>, tensor<?x2xf32>
    }
    ```
    becomes
    ```mlir
    func.func @router(%x: tensor<?x64xf32>, %w: tensor<8x64xf32>, %i: tensor<?x2xi32>, %v: tensor<?x2xf32>)
        -> (tensor<?x2xi32>, tensor<?x2xf32>) {
      %zero = arith.constant 0 : index
      %t = tensor.dim %x, %zero : tensor<?x64xf32>
      %l = tensor.empty(%t) : tensor<?x8xf32>
      %j = tensor.empty(%t) : tensor<?x2xi32>
      %u = tensor.empty(%t) : tensor<?x2xf32>
      %logits, %ids, %weights = moe.router %x, %w select #moe.top_k<2> rank logits weigh #moe.softmax over selected
          : tensor<?x64xf32>, tensor<8x64xf32> outs(%l, %j, %u : tensor<?x8xf32>, tensor<?x2xi32>, tensor<?x2xf32>)
          -> tensor<?x8xf32>, tensor<?x2xi32>, tensor<?x2xf32>
      return %ids, %weights : tensor<?x2xi32>, tensor<?x2xf32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect"];
}

def FuseEpilogue : Pass<"moe-fuse-epilogue"> {
  let summary = "Run element-wise consumers of a grouped product on its accumulators";
  let description = [{
    The only user of a `moe.grouped_matmul`, when it is a `moe.map` or an
    element-wise op of another dialect, moves into the product's epilogue, and
    so do its users in turn. Declined when the consumer takes other rows, too.

    ```mlir
    func.func @relu(%x: tensor<?x4xf32>, %w: tensor<8x6x4xf32>, %offsets: tensor<9xindex>, %init: tensor<?x6xf32>)
        -> tensor<?x6xf32> {
      %p = moe.grouped_matmul %x weights %w offsets %offsets
          : tensor<?x4xf32> weights tensor<8x6x4xf32> offsets tensor<9xindex>
          outs(%init : tensor<?x6xf32>) -> tensor<?x6xf32> {
      ^bb0(%acc: f32):
        moe.yield %acc : f32
      }
      %h = moe.map %p : tensor<?x6xf32> -> tensor<?x6xf32> {
      ^bb0(%v: f32):
        %zero = arith.constant 0.0 : f32
        %max = arith.maximumf %v, %zero : f32
        moe.yield %max : f32
      }
      return %h : tensor<?x6xf32>
    }
    ```
    becomes
    ```mlir
    func.func @relu(%x: tensor<?x4xf32>, %w: tensor<8x6x4xf32>, %offsets: tensor<9xindex>, %init: tensor<?x6xf32>)
        -> tensor<?x6xf32> {
      %c0 = arith.constant 0 : index
      %n = tensor.dim %init, %c0 : tensor<?x6xf32>
      %e = tensor.empty(%n) : tensor<?x6xf32>
      %h = moe.grouped_matmul %x weights %w offsets %offsets
          : tensor<?x4xf32> weights tensor<8x6x4xf32> offsets tensor<9xindex>
          outs(%e : tensor<?x6xf32>) -> tensor<?x6xf32> {
      ^bb0(%acc: f32):
        %zero = arith.constant 0.0 : f32
        %max = arith.maximumf %acc, %zero : f32
        moe.yield %max : f32
      }
      return %h : tensor<?x6xf32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect"];
}

def RoundBeforeGather : Pass<"moe-round-before-gather"> {
  let summary = "Round rows before they are gathered";
  let description = [{
    A row that goes to K experts is gathered K times and the same each time, so
    it is rounded once, before. Declined where the gather weights the rows on
    the way.

    ```mlir
    func.func @round(%x: tensor<?x4xbf16>, %tokens: tensor<?xindex>, %a: tensor<?x4xbf16>) -> tensor<?x4xf32> {
      %rows = moe.gather %x at %tokens : tensor<?x4xbf16>, tensor<?xindex>
          outs(%a : tensor<?x4xbf16>) -> tensor<?x4xbf16>
      %q = moe.round_rows %rows : tensor<?x4xbf16> -> tensor<?x4xf32>
      return %q : tensor<?x4xf32>
    }
    ```
    becomes
    ```mlir
    func.func @round(%x: tensor<?x4xbf16>, %tokens: tensor<?xindex>, %a: tensor<?x4xbf16>) -> tensor<?x4xf32> {
      %q = moe.round_rows %x : tensor<?x4xbf16> -> tensor<?x4xf32>
      %zero = arith.constant 0 : index
      %n = tensor.dim %a, %zero : tensor<?x4xbf16>
      %b = tensor.empty(%n) : tensor<?x4xf32>
      %rows = moe.gather %q at %tokens : tensor<?x4xf32>, tensor<?xindex>
          outs(%b : tensor<?x4xf32>) -> tensor<?x4xf32>
      return %rows : tensor<?x4xf32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect"];
}

def FuseGather : Pass<"moe-fuse-gather"> {
  let summary = "Gather rows while a grouped product loads them";
  let description = [{
    A `moe.gather` that only grouped products take as their rows goes away: the
    products read the rows in place, by the token of each sorted row. Declined
    when somebody else needs the sorted rows.

    ```mlir
    func.func @gather(%x: tensor<?x4xf32>, %tokens: tensor<?xindex>, %w: tensor<8x6x4xf32>, %offsets: tensor<9xindex>,
                      %a: tensor<?x4xf32>, %b: tensor<?x6xf32>) -> tensor<?x6xf32> {
      %rows = moe.gather %x at %tokens : tensor<?x4xf32>, tensor<?xindex>
          outs(%a : tensor<?x4xf32>) -> tensor<?x4xf32>
      %p = moe.grouped_matmul %rows weights %w offsets %offsets
          : tensor<?x4xf32> weights tensor<8x6x4xf32> offsets tensor<9xindex>
          outs(%b : tensor<?x6xf32>) -> tensor<?x6xf32> {
      ^bb0(%acc: f32):
        moe.yield %acc : f32
      }
      return %p : tensor<?x6xf32>
    }
    ```
    becomes
    ```mlir
    func.func @gather(%x: tensor<?x4xf32>, %tokens: tensor<?xindex>, %w: tensor<8x6x4xf32>, %offsets: tensor<9xindex>,
                      %a: tensor<?x4xf32>, %b: tensor<?x6xf32>) -> tensor<?x6xf32> {
      %p = moe.grouped_matmul %x gather %tokens weights %w offsets %offsets
          : tensor<?x4xf32> gather tensor<?xindex> weights tensor<8x6x4xf32> offsets tensor<9xindex>
          outs(%b : tensor<?x6xf32>) -> tensor<?x6xf32> {
      ^bb0(%acc: f32):
        moe.yield %acc : f32
      }
      return %p : tensor<?x6xf32>
    }
    ```
  }];
}

def FuseCombine : Pass<"moe-fuse-combine"> {
  let summary = "Let a grouped product write weighted rows to their slots";
  let description = [{
    A `moe.scatter` of a product's rows becomes the way the product stores
    them. Where a weighted sum follows, the weight of a slot becomes a factor
    at the end of the epilogue, in f32 as in the combination, and a plain sum
    of K rows is left. Other combinations keep their weights.

    ```mlir
    func.func @combine(%x: tensor<?x6xf32>, %w: tensor<8x4x6xf32>, %offsets: tensor<9xindex>, %slots: tensor<?xindex>,
                       %weights: tensor<?x2xf32>, %n: index, %out: tensor<?x4xf32>) -> tensor<?x4xf32> {
      %init = tensor.empty(%n) : tensor<?x4xf32>
      %p = moe.grouped_matmul %x weights %w offsets %offsets
          : tensor<?x6xf32> weights tensor<8x4x6xf32> offsets tensor<9xindex>
          outs(%init : tensor<?x4xf32>) -> tensor<?x4xf32> {
      ^bb0(%acc: f32):
        moe.yield %acc : f32
      }
      %s = moe.scatter %p to %slots : tensor<?x4xf32>, tensor<?xindex> outs(%init : tensor<?x4xf32>) -> tensor<?x4xf32>
      %y = moe.combine_slots %s 2 weighted_sum weights %weights : tensor<?x4xf32>, tensor<?x2xf32>
          outs(%out : tensor<?x4xf32>) -> tensor<?x4xf32>
      return %y : tensor<?x4xf32>
    }
    ```
    becomes
    ```mlir
    func.func @combine(%x: tensor<?x6xf32>, %w: tensor<8x4x6xf32>, %offsets: tensor<9xindex>, %slots: tensor<?xindex>,
                       %weights: tensor<?x2xf32>, %n: index, %out: tensor<?x4xf32>) -> tensor<?x4xf32> {
      %factors = tensor.collapse_shape %weights [[0, 1]] : tensor<?x2xf32> into tensor<?xf32>
      %init = tensor.empty(%n) : tensor<?x4xf32>
      %s = moe.grouped_matmul %x weights %w offsets %offsets scalars %factors scatter %slots
          : tensor<?x6xf32> weights tensor<8x4x6xf32> offsets tensor<9xindex> scalars tensor<?xf32>
            scatter tensor<?xindex> outs(%init : tensor<?x4xf32>) -> tensor<?x4xf32> {
      ^bb0(%acc: f32, %factor: f32):
        %weighted = arith.mulf %acc, %factor : f32
        moe.yield %weighted : f32
      }
      %y = moe.combine_slots %s 2 sum : tensor<?x4xf32> outs(%out : tensor<?x4xf32>) -> tensor<?x4xf32>
      return %y : tensor<?x4xf32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect"];
}

def FuseResidual : Pass<"moe-fuse-residual"> {
  let summary = "Run maps of combined rows as the combination stores them";
  let description = [{
    The only user of a `moe.combine_slots`, when it is a `moe.map`, becomes its
    epilogue, and so do its users in turn: a residual, the rows of a shared
    expert or another combination, a scale of the output. Other rows that the
    map takes are in the order of the result. Declined when somebody else needs
    the combined rows, and where experts pick rows (`moe.combine_rows`).

    ```mlir
    func.func @residual(%slots: tensor<?x4xf32>, %x: tensor<?x4xf32>, %init: tensor<?x4xf32>) -> tensor<?x4xf32> {
      %sum = moe.combine_slots %slots 2 sum : tensor<?x4xf32> outs(%init : tensor<?x4xf32>) -> tensor<?x4xf32>
      %y = moe.map %x, %sum : tensor<?x4xf32>, tensor<?x4xf32> -> tensor<?x4xf32> {
      ^bb0(%a: f32, %b: f32):
        %scale = arith.constant 0.5 : f32
        %scaled = arith.mulf %b, %scale : f32
        %v = arith.addf %a, %scaled : f32
        moe.yield %v : f32
      }
      return %y : tensor<?x4xf32>
    }
    ```
    becomes
    ```mlir
    func.func @residual(%slots: tensor<?x4xf32>, %x: tensor<?x4xf32>, %init: tensor<?x4xf32>) -> tensor<?x4xf32> {
      %c0 = arith.constant 0 : index
      %n = tensor.dim %init, %c0 : tensor<?x4xf32>
      %e = tensor.empty(%n) : tensor<?x4xf32>
      %y = moe.combine_slots %slots 2 sum others %x : tensor<?x4xf32> others tensor<?x4xf32>
          outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32> epilogue {
      ^bb0(%b: f32, %a: f32):
        %scale = arith.constant 0.5 : f32
        %scaled = arith.mulf %b, %scale : f32
        %v = arith.addf %a, %scaled : f32
        moe.yield %v : f32
      }
      return %y : tensor<?x4xf32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect"];
}

def FoldSingleSlot : Pass<"moe-fold-single-slot"> {
  let summary = "Combine nothing where a row has one expert";
  let description = [{
    A `moe.combine_slots` of one slot, without weights and ids of its own, gives
    the row of that slot: the product before it stores to the rows of the result
    and rounds them in its epilogue. Declined where slots may be dropped.

    ```mlir
    func.func @one(%x: tensor<?x6xf32>, %w: tensor<8x4x6xf32>, %offsets: tensor<9xindex>, %slots: tensor<?xindex>,
                   %n: index, %out: tensor<?x4xbf16>) -> tensor<?x4xbf16> {
      %init = tensor.empty(%n) : tensor<?x4xf32>
      %s = moe.grouped_matmul %x weights %w offsets %offsets scatter %slots
          : tensor<?x6xf32> weights tensor<8x4x6xf32> offsets tensor<9xindex> scatter tensor<?xindex>
          outs(%init : tensor<?x4xf32>) -> tensor<?x4xf32> {
      ^bb0(%acc: f32):
        moe.yield %acc : f32
      }
      %y = moe.combine_slots %s 1 sum : tensor<?x4xf32> outs(%out : tensor<?x4xbf16>) -> tensor<?x4xbf16>
      return %y : tensor<?x4xbf16>
    }
    ```
    becomes
    ```mlir
    func.func @one(%x: tensor<?x6xf32>, %w: tensor<8x4x6xf32>, %offsets: tensor<9xindex>, %slots: tensor<?xindex>,
                   %n: index, %out: tensor<?x4xbf16>) -> tensor<?x4xbf16> {
      %y = moe.grouped_matmul %x weights %w offsets %offsets scatter %slots
          : tensor<?x6xf32> weights tensor<8x4x6xf32> offsets tensor<9xindex> scatter tensor<?xindex>
          outs(%out : tensor<?x4xbf16>) -> tensor<?x4xbf16> {
      ^bb0(%acc: f32):
        %rounded = arith.truncf %acc : f32 to bf16
        moe.yield %rounded : bf16
      }
      return %y : tensor<?x4xbf16>
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

#endif // MOE_TRANSFORMS_GROUPED_PASSES
