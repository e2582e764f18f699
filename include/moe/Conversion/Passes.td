// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Conversions between the moe dialect and upstream dialects.

#ifndef MOE_CONVERSION_PASSES
#define MOE_CONVERSION_PASSES

include "mlir/Pass/PassBase.td"

def ConvertMoEToLinalg : Pass<"convert-moe-to-linalg", "::mlir::ModuleOp"> {
  let summary = "Lower the model form to linalg and loops in the plainest way";
  let description = [{
    The reference lowering: every op on its own, one row after the other, no
    fusion, no grouping by expert. It stays in the tree for good, and every
    optimised path is compared with it.

    A routing becomes its ids `[T, K]` and weights `[T, K]`; ragged rows become
    one row for each slot, `[T * K, width]` (slot `t * K + k` is the k-th choice
    of row t), and the ids. Types change at function boundaries and in regions,
    too. `moe.weight` and `moe.layer` stay.

    Before:
    ```mlir
    func.func @score(%x: tensor<?x4xf32>, %w: tensor<3x4xf32>) -> !moe.routing<3, 1, f32> {
      %logits = moe.score.affine %x, %w : tensor<?x4xf32>, tensor<3x4xf32> -> tensor<?x3xf32>
      %routing = moe.route %logits select #moe.top_k<1> rank logits weigh #moe.sigmoid over each
          : tensor<?x3xf32> -> !moe.routing<3, 1, f32>
      return %routing : !moe.routing<3, 1, f32>
    }
    ```
    After: the function returns `tensor<?x1xi32>` and `tensor<?x1xf32>`, the
    logits are a `linalg.generic`, the routing is loops.

    A routing that picks rows has a row of ids for each window of each expert.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::linalg::LinalgDialect",
                           "::mlir::math::MathDialect", "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect",
                           "::mlir::vector::VectorDialect"];
}

def ConvertGroupedToLinalg : Pass<"convert-grouped-to-linalg", "::mlir::ModuleOp"> {
  let summary = "Lower the grouped form to parallel loops over tiles with linalg inside";
  let description = [{
    `moe.grouped_matmul` becomes an `scf.forall` over runs of panels of output
    columns, a few runs for each thread; inside, one loop over experts and their
    panels (experts are data: the IR has one size for any number of them) with
    the tile product in linalg: rows gathered, all
    matrices in one contraction, the epilogue as an elementwise op, rows put in
    place or scattered. `moe.router`, `moe.combine_slots` and a `moe.map` become
    loops over blocks of rows, `moe.plan` a counting sort, `moe.grouped_body` a
    loop over blocks of sorted rows with the body inlined for one row. A `#moe.kernel_config` on a
    product goes to its tile (`moe.tile_product`) for the micro-kernel emitter.

    Before:

    ```mlir
    func.func @product(%x: tensor<?x4xf32>, %w: tensor<8x64x4xf32>, %offsets: tensor<9xindex>, %init: tensor<?x64xf32>)
        -> tensor<?x64xf32> {
      %y = moe.grouped_matmul %x weights %w offsets %offsets
          : tensor<?x4xf32> weights tensor<8x64x4xf32> offsets tensor<9xindex> outs(%init : tensor<?x64xf32>)
          -> tensor<?x64xf32> {
      ^bb0(%acc: f32):
        moe.yield %acc : f32
      }
      return %y : tensor<?x64xf32>
    }
    ```

    After, but for the identity that stands for an epilogue:

    ```mlir
    #rows = affine_map<(m, n, k) -> (m, k)>
    #columns = affine_map<(m, n, k) -> (n, k)>
    #product = affine_map<(m, n, k) -> (m, n)>
    func.func @product(%x: tensor<?x4xf32>, %w: tensor<8x64x4xf32>, %offsets: tensor<9xindex>, %init: tensor<?x64xf32>)
        -> tensor<?x64xf32> {
      %zero = arith.constant 0.0 : f32
      %c0 = arith.constant 0 : index
      %c8 = arith.constant 8 : index
      %c1 = arith.constant 1 : index
      %c4 = arith.constant 4 : index
      %c2 = arith.constant 2 : index
      %threads = moe.threads : index
      %wanted = arith.muli %threads, %c4 : index
      %runs = arith.minui %wanted, %c2 : index
      %y = scf.forall (%run) in (%runs) shared_outs(%out = %init) -> (tensor<?x64xf32>) {
        %before = arith.muli %run, %c2 : index
        %from = arith.divui %before, %runs : index
        %following = arith.addi %run, %c1 : index
        %until = arith.muli %following, %c2 : index
        %to = arith.divui %until, %runs : index
        %own = arith.subi %to, %from : index
        %tiles = arith.muli %own, %c8 : index
        %n = tensor.dim %init, %c0 : tensor<?x64xf32>
        %done = scf.for %i = %c0 to %tiles step %c1 iter_args(%all = %out) -> (tensor<?x64xf32>) {
          %expert = arith.divui %i, %own : index
          %number = arith.remui %i, %own : index
          %column = affine.apply affine_map<(d0, d1) -> (d0 * 32 + d1 * 32)>(%from, %number)
          %part = tensor.extract_slice %all[0, %column] [%n, 32] [1, 1] : tensor<?x64xf32> to tensor<?x32xf32>
          %after = arith.addi %expert, %c1 : index
          %first = tensor.extract %offsets[%expert] : tensor<9xindex>
          %end = tensor.extract %offsets[%after] : tensor<9xindex>
          %m = arith.subi %end, %first : index
          %matrix = tensor.extract_slice %w[%expert, %column, 0] [1, 32, 4] [1, 1, 1]
              : tensor<8x64x4xf32> to tensor<32x4xf32>
          %rows = tensor.extract_slice %x[%first, 0] [%m, 4] [1, 1] : tensor<?x4xf32> to tensor<?x4xf32>
          %empty = tensor.empty(%m) : tensor<?x32xf32>
          %start = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x32xf32>) -> tensor<?x32xf32>
          %tile = linalg.generic {indexing_maps = [#rows, #columns, #product],
                                  iterator_types = ["parallel", "parallel", "reduction"]}
              ins(%rows, %matrix : tensor<?x4xf32>, tensor<32x4xf32>) outs(%start : tensor<?x32xf32>)
              attrs = {moe.tile_product} {
          ^bb0(%a: f32, %b: f32, %sum: f32):
            %ab = arith.mulf %a, %b : f32
            %acc = arith.addf %sum, %ab : f32
            linalg.yield %acc : f32
          } -> tensor<?x32xf32>
          %panel = tensor.insert_slice %tile into %part[%first, 0] [%m, 32] [1, 1]
              : tensor<?x32xf32> into tensor<?x32xf32>
          %next = tensor.insert_slice %panel into %all[0, %column] [%n, 32] [1, 1]
              : tensor<?x32xf32> into tensor<?x64xf32>
          scf.yield %next : tensor<?x64xf32>
        }
        scf.forall.in_parallel {
          tensor.parallel_insert_slice %done into %out[0, 0] [%n, 64] [1, 1]
              : tensor<?x64xf32> into tensor<?x64xf32>
        }
      }
      return %y : tensor<?x64xf32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect", "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect", "::mlir::vector::VectorDialect"];
}

//===-- To the model form -----------------------------------------------------------------------------------===//

def TransposeWeights : Pass<"moe-transpose-weights", "::mlir::ModuleOp"> {
  let summary = "Give weights the order [N, K] where expert bodies multiply by [K, N]";
  let description = [{
    Frameworks write a product of rows [T, K] with a matrix [K, N] as often as with
    [N, K], but `moe.linear` and the products made of it take [N, K]. A weight is
    packed when it is loaded, from whatever order is stored; so where all that is
    done with an argument of a kernel are products by [K, N] in expert bodies, the
    argument gets the other order, and its `moe.weight` says `transposed`, or no
    longer does. Weights of other layers stay as they are: what two of them take in
    different orders becomes two symbols.

    Declined where another op takes the matrix, where the kernel is called or no
    layer says where its weights are, for weights that are a part of the rows that
    are stored, and for those rounded to a number format, row by row.

    ```mlir
    #rows = affine_map<(t, n, k) -> (t, k)>
    #turned = affine_map<(t, n, k) -> (k, n)>
    #product = affine_map<(t, n, k) -> (t, n)>
    moe.weight @w : tensor<8x4x6xf32> from "experts.{e}.w"
    moe.layer @moe0 block 0 = @k(@w)
    func.func @k(%x: tensor<?x4xf32>, %l: tensor<?x8xf32>, %w: tensor<8x4x6xf32>) -> tensor<?x6xf32> {
      %r = moe.route %l select #moe.top_k<2> rank logits weigh #moe.softmax over selected
          : tensor<?x8xf32> -> !moe.routing<8, 2, f32>
      %rows = moe.dispatch %x by %r : tensor<?x4xf32>, !moe.routing<8, 2, f32> -> !moe.ragged<8, 4, f32>
      %y = moe.experts %rows weights %w : !moe.ragged<8, 4, f32>, tensor<8x4x6xf32> -> !moe.ragged<8, 6, f32> {
      ^bb0(%row: tensor<?x4xf32>, %m: tensor<4x6xf32>):
        %c0 = arith.constant 0 : index
        %zero = arith.constant 0.0 : f32
        %n = tensor.dim %row, %c0 : tensor<?x4xf32>
        %zeros = tensor.splat %zero[%n] : tensor<?x6xf32>
        %p = linalg.generic {indexing_maps = [#rows, #turned, #product],
                             iterator_types = ["parallel", "parallel", "reduction"]}
            ins(%row, %m : tensor<?x4xf32>, tensor<4x6xf32>) outs(%zeros : tensor<?x6xf32>) {
        ^bb0(%a: f32, %c: f32, %acc: f32):
          %ac = arith.mulf %a, %c : f32
          %s = arith.addf %acc, %ac : f32
          linalg.yield %s : f32
        } -> tensor<?x6xf32>
        moe.yield %p : tensor<?x6xf32>
      }
      %out = moe.combine %y by %r weighted_sum : !moe.ragged<8, 6, f32>, !moe.routing<8, 2, f32> -> tensor<?x6xf32>
      return %out : tensor<?x6xf32>
    }
    ```
    becomes
    ```mlir
    #rows = affine_map<(t, n, k) -> (t, k)>
    #matrix = affine_map<(t, n, k) -> (n, k)>
    #product = affine_map<(t, n, k) -> (t, n)>
    moe.weight @w : tensor<8x6x4xf32> from "experts.{e}.w" transposed
    moe.layer @moe0 block 0 = @k(@w)
    func.func @k(%x: tensor<?x4xf32>, %l: tensor<?x8xf32>, %w: tensor<8x6x4xf32>) -> tensor<?x6xf32> {
      %r = moe.route %l select #moe.top_k<2> rank logits weigh #moe.softmax over selected
          : tensor<?x8xf32> -> !moe.routing<8, 2, f32>
      %rows = moe.dispatch %x by %r : tensor<?x4xf32>, !moe.routing<8, 2, f32> -> !moe.ragged<8, 4, f32>
      %y = moe.experts %rows weights %w : !moe.ragged<8, 4, f32>, tensor<8x6x4xf32> -> !moe.ragged<8, 6, f32> {
      ^bb0(%row: tensor<?x4xf32>, %m: tensor<6x4xf32>):
        %c0 = arith.constant 0 : index
        %zero = arith.constant 0.0 : f32
        %n = tensor.dim %row, %c0 : tensor<?x4xf32>
        %zeros = tensor.splat %zero[%n] : tensor<?x6xf32>
        %p = linalg.generic {indexing_maps = [#rows, #matrix, #product],
                             iterator_types = ["parallel", "parallel", "reduction"]}
            ins(%row, %m : tensor<?x4xf32>, tensor<6x4xf32>) outs(%zeros : tensor<?x6xf32>) {
        ^bb0(%a: f32, %c: f32, %acc: f32):
          %ac = arith.mulf %a, %c : f32
          %s = arith.addf %acc, %ac : f32
          linalg.yield %s : f32
        } -> tensor<?x6xf32>
        moe.yield %p : tensor<?x6xf32>
      }
      %out = moe.combine %y by %r weighted_sum : !moe.ragged<8, 6, f32>, !moe.routing<8, 2, f32> -> tensor<?x6xf32>
      return %out : tensor<?x6xf32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect", "::mlir::moe::MoEDialect"];
}

def NormalizeExpertBodies : Pass<"moe-normalize-expert-bodies"> {
  let summary = "Say the products and elementwise ops of expert bodies in moe.linear and moe.map";
  let description = [{
    A body of `moe.experts` may be any row-wise tensor code, but grouped products
    are made of `moe.linear`, and their epilogues of `moe.map`; the rest runs row
    by row. This pass makes a `moe.linear` of each contraction in linalg of rows
    [T, K] with a matrix [N, K], accumulated in f32, and a `moe.map` of each
    elementwise op of linalg, arith or math: numbers, and vectors that were
    broadcast to rows, become such, and a map joins the only one that takes it.

    Declined for matrices [K, N] (`moe-transpose-weights` turns those that it can), for sums in other types than f32, and for what
    is no product and not elementwise.

    ```mlir
    #rows = affine_map<(t, n, k) -> (t, k)>
    #matrix = affine_map<(t, n, k) -> (n, k)>
    #product = affine_map<(t, n, k) -> (t, n)>
    #element = affine_map<(t, n) -> (t, n)>
    #bias = affine_map<(t, n) -> (n)>
    func.func @body(%rows: !moe.ragged<8, 4, f32>, %w: tensor<8x6x4xf32>, %b: tensor<8x6xf32>) -> !moe.ragged<8, 6, f32> {
      %y = moe.experts %rows weights %w, %b
          : !moe.ragged<8, 4, f32>, tensor<8x6x4xf32>, tensor<8x6xf32> -> !moe.ragged<8, 6, f32> {
      ^bb0(%r: tensor<?x4xf32>, %m: tensor<6x4xf32>, %v: tensor<6xf32>):
        %c0 = arith.constant 0 : index
        %zero = arith.constant 0.0 : f32
        %n = tensor.dim %r, %c0 : tensor<?x4xf32>
        %empty = tensor.empty(%n) : tensor<?x6xf32>
        %zeros = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x6xf32>) -> tensor<?x6xf32>
        %p = linalg.generic {indexing_maps = [#rows, #matrix, #product],
                             iterator_types = ["parallel", "parallel", "reduction"]}
            ins(%r, %m : tensor<?x4xf32>, tensor<6x4xf32>) outs(%zeros : tensor<?x6xf32>) {
        ^bb0(%a: f32, %c: f32, %acc: f32):
          %ac = arith.mulf %a, %c : f32
          %s = arith.addf %acc, %ac : f32
          linalg.yield %s : f32
        } -> tensor<?x6xf32>
        %h = linalg.generic {indexing_maps = [#element, #bias, #element], iterator_types = ["parallel", "parallel"]}
            ins(%p, %v : tensor<?x6xf32>, tensor<6xf32>) outs(%empty : tensor<?x6xf32>) {
        ^bb0(%a: f32, %c: f32, %unused: f32):
          %s = arith.addf %a, %c : f32
          linalg.yield %s : f32
        } -> tensor<?x6xf32>
        %relu = arith.maximumf %h, %zeros : tensor<?x6xf32>
        moe.yield %relu : tensor<?x6xf32>
      }
      return %y : !moe.ragged<8, 6, f32>
    }
    ```
    becomes
    ```mlir
    func.func @body(%rows: !moe.ragged<8, 4, f32>, %w: tensor<8x6x4xf32>, %b: tensor<8x6xf32>) -> !moe.ragged<8, 6, f32> {
      %y = moe.experts %rows weights %w, %b
          : !moe.ragged<8, 4, f32>, tensor<8x6x4xf32>, tensor<8x6xf32> -> !moe.ragged<8, 6, f32> {
      ^bb0(%r: tensor<?x4xf32>, %m: tensor<6x4xf32>, %v: tensor<6xf32>):
        %zero = arith.constant 0.0 : f32
        %p = moe.linear %r, %m : tensor<?x4xf32>, tensor<6x4xf32> -> tensor<?x6xf32>
        %relu = moe.map %p, %v : tensor<?x6xf32>, tensor<6xf32> -> tensor<?x6xf32> {
        ^bb0(%a: f32, %c: f32):
          %s = arith.addf %a, %c : f32
          %d = arith.maximumf %s, %zero : f32
          moe.yield %d : f32
        }
        moe.yield %relu : tensor<?x6xf32>
      }
      return %y : !moe.ragged<8, 6, f32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::moe::MoEDialect"];
}

def RaiseMaskedDense : Pass<"moe-raise-masked-dense"> {
  let summary = "Route rows where all experts were computed for all rows and multiplied by sparse weights";
  let description = [{
    Finds `out[t, d] = sum_e weights[t, e] * outputs[e, t, d]` in linalg, where

    * weights are made of ids and weights of K slots, `sum_k (ids[t, k] == e ?
      w[t, k] : 0)`, in one op or several, by selection or by multiplication;
    * outputs are computed from rows [T, D] and from weights of experts,
      [E, N, K] or [E, N], by ops in which rows and experts are parallel loops:
      contractions, broadcasts, elementwise ops. Dimensions may be in any order.

    It becomes a routing (ids out of range go nowhere), a dispatch, experts with
    the body of one expert in `moe.linear` and `moe.map` (as by
    `moe-normalize-expert-bodies`), and a combination. What would be multiplied by
    zero is not computed: an expert that gives infinities or NaN no longer spoils
    rows that did not choose it.

    Declined for weights that are not seen to be sparse, for ops that do not
    compute row by row, and where a dense tensor has another user.

    ```mlir
    #rows = affine_map<(e, t, n, k) -> (t, k)>
    #hidden = affine_map<(e, t, n, k) -> (e, t, k)>
    #matrix = affine_map<(e, t, n, k) -> (e, n, k)>
    #product = affine_map<(e, t, n, k) -> (e, t, n)>
    #choice = affine_map<(t, e, k) -> (t, k)>
    #mask = affine_map<(t, e, k) -> (t, e)>
    #masked = affine_map<(t, d, e) -> (t, e)>
    #outputs = affine_map<(t, d, e) -> (e, t, d)>
    #sum = affine_map<(t, d, e) -> (t, d)>
    func.func @masked(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %w: tensor<?x2xf32>, %up: tensor<8x6x4xf32>,
                      %down: tensor<8x4x6xf32>) -> tensor<?x4xf32> {
      %c0 = arith.constant 0 : index
      %zero = arith.constant 0.0 : f32
      %n = tensor.dim %x, %c0 : tensor<?x4xf32>
      %h0 = tensor.empty(%n) : tensor<8x?x6xf32>
      %hz = linalg.fill ins(%zero : f32) outs(%h0 : tensor<8x?x6xf32>) -> tensor<8x?x6xf32>
      %h = linalg.generic {indexing_maps = [#rows, #matrix, #product],
                           iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
          ins(%x, %up : tensor<?x4xf32>, tensor<8x6x4xf32>) outs(%hz : tensor<8x?x6xf32>) {
      ^bb0(%a: f32, %b: f32, %acc: f32):
        %p = arith.mulf %a, %b : f32
        %s = arith.addf %acc, %p : f32
        linalg.yield %s : f32
      } -> tensor<8x?x6xf32>
      %relu = arith.maximumf %h, %hz : tensor<8x?x6xf32>
      %y0 = tensor.empty(%n) : tensor<8x?x4xf32>
      %yz = linalg.fill ins(%zero : f32) outs(%y0 : tensor<8x?x4xf32>) -> tensor<8x?x4xf32>
      %y = linalg.generic {indexing_maps = [#hidden, #matrix, #product],
                           iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
          ins(%relu, %down : tensor<8x?x6xf32>, tensor<8x4x6xf32>) outs(%yz : tensor<8x?x4xf32>) {
      ^bb0(%a: f32, %b: f32, %acc: f32):
        %p = arith.mulf %a, %b : f32
        %s = arith.addf %acc, %p : f32
        linalg.yield %s : f32
      } -> tensor<8x?x4xf32>
      %m0 = tensor.empty(%n) : tensor<?x8xf32>
      %mz = linalg.fill ins(%zero : f32) outs(%m0 : tensor<?x8xf32>) -> tensor<?x8xf32>
      %mask = linalg.generic {indexing_maps = [#choice, #choice, #mask],
                              iterator_types = ["parallel", "parallel", "reduction"]}
          ins(%ids, %w : tensor<?x2xi32>, tensor<?x2xf32>) outs(%mz : tensor<?x8xf32>) {
      ^bb0(%id: i32, %v: f32, %acc: f32):
        %e = linalg.index 1 : index
        %number = arith.index_cast %e : index to i32
        %here = arith.cmpi eq, %id, %number : i32
        %one = arith.select %here, %v, %zero : f32
        %s = arith.addf %acc, %one : f32
        linalg.yield %s : f32
      } -> tensor<?x8xf32>
      %o0 = tensor.empty(%n) : tensor<?x4xf32>
      %oz = linalg.fill ins(%zero : f32) outs(%o0 : tensor<?x4xf32>) -> tensor<?x4xf32>
      %out = linalg.generic {indexing_maps = [#masked, #outputs, #sum],
                             iterator_types = ["parallel", "parallel", "reduction"]}
          ins(%mask, %y : tensor<?x8xf32>, tensor<8x?x4xf32>) outs(%oz : tensor<?x4xf32>) {
      ^bb0(%v: f32, %a: f32, %acc: f32):
        %p = arith.mulf %v, %a : f32
        %s = arith.addf %acc, %p : f32
        linalg.yield %s : f32
      } -> tensor<?x4xf32>
      return %out : tensor<?x4xf32>
    }
    ```
    becomes
    ```mlir
    #rows = affine_map<(t, k) -> (t, k)>
    func.func @masked(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %w: tensor<?x2xf32>, %up: tensor<8x6x4xf32>,
                      %down: tensor<8x4x6xf32>) -> tensor<?x4xf32> {
      %zero = arith.constant 0.0 : f32
      %c0 = arith.constant 0 : index
      %n = tensor.dim %ids, %c0 : tensor<?x2xi32>
      %i0 = tensor.empty(%n) : tensor<?x2xi32>
      %known = linalg.generic {indexing_maps = [#rows, #rows], iterator_types = ["parallel", "parallel"]}
          ins(%ids : tensor<?x2xi32>) outs(%i0 : tensor<?x2xi32>) {
      ^bb0(%id: i32, %unused: i32):
        %number = arith.index_cast %id : i32 to index
        %c8 = arith.constant 8 : index
        %none = arith.constant -1 : index
        %inside = arith.cmpi ult, %number, %c8 : index
        %or = arith.select %inside, %number, %none : index
        %i = arith.index_cast %or : index to i32
        linalg.yield %i : i32
      } -> tensor<?x2xi32>
      %r = moe.make_routing %known, %w : tensor<?x2xi32>, tensor<?x2xf32> -> !moe.routing<8, 2, f32>
      %sent = moe.dispatch %x by %r : tensor<?x4xf32>, !moe.routing<8, 2, f32> -> !moe.ragged<8, 4, f32>
      %y = moe.experts %sent weights %up, %down
          : !moe.ragged<8, 4, f32>, tensor<8x6x4xf32>, tensor<8x4x6xf32> -> !moe.ragged<8, 4, f32> {
      ^bb0(%row: tensor<?x4xf32>, %u: tensor<6x4xf32>, %d: tensor<4x6xf32>):
        %h = moe.linear %row, %u : tensor<?x4xf32>, tensor<6x4xf32> -> tensor<?x6xf32>
        %relu = moe.map %h : tensor<?x6xf32> -> tensor<?x6xf32> {
        ^bb0(%a: f32):
          %m = arith.maximumf %a, %zero : f32
          moe.yield %m : f32
        }
        %p = moe.linear %relu, %d : tensor<?x6xf32>, tensor<4x6xf32> -> tensor<?x4xf32>
        moe.yield %p : tensor<?x4xf32>
      }
      %out = moe.combine %y by %r weighted_sum : !moe.ragged<8, 4, f32>, !moe.routing<8, 2, f32> -> tensor<?x4xf32>
      return %out : tensor<?x4xf32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::moe::MoEDialect",
                           "::mlir::tensor::TensorDialect"];
}

#endif // MOE_CONVERSION_PASSES
