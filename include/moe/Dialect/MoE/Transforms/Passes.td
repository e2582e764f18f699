// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Passes from moe to moe. The first example of a description is the first case of its test in
// test/Dialect/MoE/Transforms, word for word, and becomes the second (test/Meta/pass-examples.test).

#ifndef MOE_TRANSFORMS_PASSES
#define MOE_TRANSFORMS_PASSES

include "mlir/Pass/PassBase.td"

//===-- On the model form -----------------------------------------------------------------------------------===//

def HoistIdenticalExperts : Pass<"moe-hoist-identical-experts"> {
  let summary = "Compute experts that are all the same before rows are dispatched";
  let description = [{
    A body of `moe.experts` that uses no expert's slice of a weight is one
    function of the row: identity, zero, constant, or any other. It is computed
    once for each row, and its result is dispatched. Where that goes straight on
    to the combination, `moe-to-grouped` needs neither plan nor gather. A map
    that looks at no element becomes one number.

    Declined for weighted dispatches, for experts that pick rows, and for a
    product where slots may go nowhere.

    ```mlir
    func.func @identity(%x: tensor<?x4xf32>, %r: !moe.routing<8, 2, f32>) -> tensor<?x4xf32> {
      %rows = moe.dispatch %x by %r : tensor<?x4xf32>, !moe.routing<8, 2, f32> -> !moe.ragged<8, 4, f32>
      %y = moe.experts %rows : !moe.ragged<8, 4, f32> -> !moe.ragged<8, 4, f32> {
      ^bb0(%row: tensor<?x4xf32>):
        moe.yield %row : tensor<?x4xf32>
      }
      %out = moe.combine %y by %r weighted_sum : !moe.ragged<8, 4, f32>, !moe.routing<8, 2, f32> -> tensor<?x4xf32>
      return %out : tensor<?x4xf32>
    }
    ```
    becomes
    ```mlir
    func.func @identity(%x: tensor<?x4xf32>, %r: !moe.routing<8, 2, f32>) -> tensor<?x4xf32> {
      %rows = moe.dispatch %x by %r : tensor<?x4xf32>, !moe.routing<8, 2, f32> -> !moe.ragged<8, 4, f32>
      %out = moe.combine %rows by %r weighted_sum : !moe.ragged<8, 4, f32>, !moe.routing<8, 2, f32> -> tensor<?x4xf32>
      return %out : tensor<?x4xf32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect"];
}

def SelectAll : Pass<"moe-select-all"> {
  let summary = "Select nothing where every expert is selected";
  let description = [{
    Rows of a `moe.route` that selects every expert go to all of them, whatever
    the logits are: dispatches and combinations use `#moe.all`, in the order of
    the experts, and `moe-to-grouped` lowers them without top-k and sort. Who
    unpacks the routing keeps the one that lists the best expert first. A score
    over the selected is one over all.

    ```mlir
    func.func @all(%x: tensor<?x4xf32>, %logits: tensor<?x2xf32>) -> (tensor<?x4xf32>, tensor<?x2xi32>, tensor<?x2xf32>) {
      %r = moe.route %logits select #moe.top_k<2> rank logits weigh #moe.softmax over selected
          : tensor<?x2xf32> -> !moe.routing<2, 2, f32>
      %rows = moe.dispatch %x by %r : tensor<?x4xf32>, !moe.routing<2, 2, f32> -> !moe.ragged<2, 4, f32>
      %out = moe.combine %rows by %r weighted_sum : !moe.ragged<2, 4, f32>, !moe.routing<2, 2, f32> -> tensor<?x4xf32>
      %ids, %w = moe.unpack_routing %r : !moe.routing<2, 2, f32> -> tensor<?x2xi32>, tensor<?x2xf32>
      return %out, %ids, %w : tensor<?x4xf32>, tensor<?x2xi32>, tensor<?x2xf32>
    }
    ```
    becomes
    ```mlir
    func.func @all(%x: tensor<?x4xf32>, %logits: tensor<?x2xf32>) -> (tensor<?x4xf32>, tensor<?x2xi32>, tensor<?x2xf32>) {
      %r = moe.route %logits select #moe.top_k<2> rank logits weigh #moe.softmax over selected
          : tensor<?x2xf32> -> !moe.routing<2, 2, f32>
      %all = moe.route %logits select #moe.all rank logits weigh #moe.softmax over all
          : tensor<?x2xf32> -> !moe.routing<2, 2, f32>
      %rows = moe.dispatch %x by %all : tensor<?x4xf32>, !moe.routing<2, 2, f32> -> !moe.ragged<2, 4, f32>
      %out = moe.combine %rows by %all weighted_sum : !moe.ragged<2, 4, f32>, !moe.routing<2, 2, f32> -> tensor<?x4xf32>
      %ids, %w = moe.unpack_routing %r : !moe.routing<2, 2, f32> -> tensor<?x2xi32>, tensor<?x2xf32>
      return %out, %ids, %w : tensor<?x4xf32>, tensor<?x2xi32>, tensor<?x2xf32>
    }
    ```
  }];
}

def MarkUnusedExperts : Pass<"moe-mark-unused-experts", "::mlir::ModuleOp"> {
  let summary = "Say of weights which experts no row reaches";
  let description = [{
    An expert that the IR alone shows to get no row is dead: its bias of the
    selection is -inf while enough others are alive, its group is never kept, its
    node of a tree is dead, or the ids of a routing are constants without it.
    Experts keep their numbers; `moe.weight` lists the dead ones as `unused`, so
    that they are neither read from the checkpoint nor held in memory. A weight
    that another layer or another use needs is not marked.

    A row whose logits are NaN or infinite may still be sent to such an expert
    (NaN is compared last): it finds the weights of another one there.

    ```mlir
    moe.weight @router : tensor<4x8xf32> from "router"
    moe.weight @w : tensor<4x8x8xf32> from "experts.{e}.w"
    moe.layer @moe0 block 0 = @k(@router, @w)
    func.func @k(%x: tensor<?x8xf32>, %router: tensor<4x8xf32>, %w: tensor<4x8x8xf32>) -> tensor<?x8xf32> {
      %bias = arith.constant dense<[0.0, 0xFF800000, 1.0, 0xFF800000]> : tensor<4xf32>
      %l = moe.score.affine %x, %router : tensor<?x8xf32>, tensor<4x8xf32> -> tensor<?x4xf32>
      %r = moe.route %l bias %bias select #moe.top_k<2> rank scores weigh #moe.sigmoid over each
          : tensor<?x4xf32>, tensor<4xf32> -> !moe.routing<4, 2, f32>
      %rows = moe.dispatch %x by %r : tensor<?x8xf32>, !moe.routing<4, 2, f32> -> !moe.ragged<4, 8, f32>
      %y = moe.experts %rows weights %w : !moe.ragged<4, 8, f32>, tensor<4x8x8xf32> -> !moe.ragged<4, 8, f32> {
      ^bb0(%row: tensor<?x8xf32>, %we: tensor<8x8xf32>):
        %p = moe.linear %row, %we : tensor<?x8xf32>, tensor<8x8xf32> -> tensor<?x8xf32>
        moe.yield %p : tensor<?x8xf32>
      }
      %out = moe.combine %y by %r weighted_sum : !moe.ragged<4, 8, f32>, !moe.routing<4, 2, f32> -> tensor<?x8xf32>
      return %out : tensor<?x8xf32>
    }
    ```
    becomes
    ```mlir
    moe.weight @router : tensor<4x8xf32> from "router"
    moe.weight @w : tensor<4x8x8xf32> from "experts.{e}.w" unused [1, 2, 3, 4]
    moe.layer @moe0 block 0 = @k(@router, @w)
    func.func @k(%x: tensor<?x8xf32>, %router: tensor<4x8xf32>, %w: tensor<4x8x8xf32>) -> tensor<?x8xf32> {
      %bias = arith.constant dense<[0.0, 0xFF800000, 1.0, 0xFF800000]> : tensor<4xf32>
      %l = moe.score.affine %x, %router : tensor<?x8xf32>, tensor<4x8xf32> -> tensor<?x4xf32>
      %r = moe.route %l bias %bias select #moe.top_k<2> rank scores weigh #moe.sigmoid over each
          : tensor<?x4xf32>, tensor<4xf32> -> !moe.routing<4, 2, f32>
      %rows = moe.dispatch %x by %r : tensor<?x8xf32>, !moe.routing<4, 2, f32> -> !moe.ragged<4, 8, f32>
      %y = moe.experts %rows weights %w : !moe.ragged<4, 8, f32>, tensor<4x8x8xf32> -> !moe.ragged<4, 8, f32> {
      ^bb0(%row: tensor<?x8xf32>, %we: tensor<8x8xf32>):
        %p = moe.linear %row, %we : tensor<?x8xf32>, tensor<8x8xf32> -> tensor<?x8xf32>
        moe.yield %p : tensor<?x8xf32>
      }
      %out = moe.combine %y by %r weighted_sum : !moe.ragged<4, 8, f32>, !moe.routing<4, 2, f32> -> tensor<?x8xf32>
      return %out : tensor<?x8xf32>
    }
    ```
  }];
}

def FuseGateUp : Pass<"moe-fuse-gate-up"> {
  let summary = "Multiply rows by several matrices in one product";
  let description = [{
    Products of the same rows by matrices of one type become one `moe.linear`
    of several matrices, so that the rows are read once and a later epilogue
    sees an element of each result together. It works inside `moe.experts` and
    on plain rows (a shared expert). The matrices must be there at the first of
    the products.

    ```mlir
    func.func @shared(%x: tensor<?x64xf32>, %gate: tensor<80x64xf32>, %up: tensor<80x64xf32>)
        -> (tensor<?x80xf32>, tensor<?x80xf32>) {
      %g = moe.linear %x, %gate : tensor<?x64xf32>, tensor<80x64xf32> -> tensor<?x80xf32>
      %u = moe.linear %x, %up : tensor<?x64xf32>, tensor<80x64xf32> -> tensor<?x80xf32>
      return %g, %u : tensor<?x80xf32>, tensor<?x80xf32>
    }
    ```
    becomes
    ```mlir
    func.func @shared(%x: tensor<?x64xf32>, %gate: tensor<80x64xf32>, %up: tensor<80x64xf32>)
        -> (tensor<?x80xf32>, tensor<?x80xf32>) {
      %g, %u = moe.linear %x, %gate, %up
          : tensor<?x64xf32>, tensor<80x64xf32>, tensor<80x64xf32> -> tensor<?x80xf32>, tensor<?x80xf32>
      return %g, %u : tensor<?x80xf32>, tensor<?x80xf32>
    }
    ```
  }];
}

def QuantizeWeights : Pass<"moe-quantize-weights", "::mlir::ModuleOp"> {
  let summary = "Round the matrices of experts to a number format when they are loaded";
  let description = [{
    A weight of a layer that does nothing but multiply rows (`moe.linear`,
    inside `moe.experts` or on plain rows) gets the number format: its
    `moe.weight` and the kernel's argument say so, and their type becomes f32,
    which holds the rounded values. Rows keep their type. What scores experts
    is left alone: routers are small, and choose other experts when rounded.

    ```mlir
    moe.weight @up : tensor<8x4xbf16> from "up"
    moe.layer @moe0 block 0 = @k(@up)
    func.func @k(%x: tensor<?x4xbf16>, %up: tensor<8x4xbf16>) -> tensor<?x8xf32> {
      %y = moe.linear %x, %up : tensor<?x4xbf16>, tensor<8x4xbf16> -> tensor<?x8xf32>
      return %y : tensor<?x8xf32>
    }
    ```
    becomes, for the default int8,
    ```mlir
    moe.weight @up : tensor<8x4xf32> from "up" format "int8"
    moe.layer @moe0 block 0 = @k(@up)
    func.func @k(%x: tensor<?x4xbf16>, %up: tensor<8x4xf32> {moe.format = "int8"}) -> tensor<?x8xf32> {
      %y = moe.linear %x, %up : tensor<?x4xbf16>, tensor<8x4xf32> -> tensor<?x8xf32>
      return %y : tensor<?x8xf32>
    }
    ```
  }];
  let options = [Option<"format", "format", "std::string", "\"int8\"", "number format, see --dtype of moe-compile">];
}

def ToGrouped : Pass<"moe-to-grouped", "::mlir::ModuleOp"> {
  let summary = "Lower the model form to plain tensors whose rows are sorted by expert";
  let description = [{
    A routing becomes its ids and weights, ragged rows become sorted rows with
    offsets and slots; functions, calls and structured control flow that carry
    them are split alike. Each dispatch plans its routing (CSE leaves one plan
    for a routing), and the body of `moe.experts` runs over the sorted rows of
    all experts: products by an expert's matrix become `moe.grouped_matmul`,
    and a `moe.map` of several products or with vectors of an expert becomes
    the epilogue of one. Whatever else takes an expert's slices or is no
    `moe.map` goes into a `moe.grouped_body` of as many ops as can run
    together, and a remark says why. Where the routing may drop slots, the plan's
    offsets say how many rows there are, and the combination leaves out slots
    by their ids. A routing of all experts in order has a plan without a sort, and
    rows that come back from a dispatch unchanged are combined where they are,
    without a plan.

    Not lowered yet, with an error: ragged operands that several routings
    dispatched.

    ```mlir
    func.func @one(%x: tensor<?x4xf32>, %r: !moe.routing<8, 1, f32>, %w: tensor<8x4x4xf32>) -> tensor<?x4xf32> {
      %rows = moe.dispatch %x by %r : tensor<?x4xf32>, !moe.routing<8, 1, f32> -> !moe.ragged<8, 4, f32>
      %y = moe.experts %rows weights %w : !moe.ragged<8, 4, f32>, tensor<8x4x4xf32> -> !moe.ragged<8, 4, f32> {
      ^bb0(%row: tensor<?x4xf32>, %we: tensor<4x4xf32>):
        %p = moe.linear %row, %we : tensor<?x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32>
        moe.yield %p : tensor<?x4xf32>
      }
      %out = moe.combine %y by %r sum : !moe.ragged<8, 4, f32>, !moe.routing<8, 1, f32> -> tensor<?x4xf32>
      return %out : tensor<?x4xf32>
    }
    ```
    becomes
    ```mlir
    func.func @one(%x: tensor<?x4xf32>, %ids: tensor<?x1xi32>, %weights: tensor<?x1xf32>, %w: tensor<8x4x4xf32>)
        -> tensor<?x4xf32> {
      %zero = arith.constant 0 : index
      %t = tensor.dim %ids, %zero : tensor<?x1xi32>
      %o = tensor.empty() : tensor<9xindex>
      %i = tensor.empty(%t) : tensor<?xindex>
      %offsets, %tokens, %slots = moe.plan %ids : tensor<?x1xi32>
          outs(%o, %i, %i : tensor<9xindex>, tensor<?xindex>, tensor<?xindex>)
          -> tensor<9xindex>, tensor<?xindex>, tensor<?xindex>
      %f = tensor.empty(%t) : tensor<?x4xf32>
      %rows = moe.gather %x at %tokens offsets %offsets : tensor<?x4xf32>, tensor<?xindex> offsets tensor<9xindex>
          outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32>
      %p = moe.grouped_matmul %rows weights %w offsets %offsets
          : tensor<?x4xf32> weights tensor<8x4x4xf32> offsets tensor<9xindex>
          outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32> {
      ^bb0(%acc: f32):
        moe.yield %acc : f32
      }
      %s = moe.scatter %p to %slots offsets %offsets : tensor<?x4xf32>, tensor<?xindex> offsets tensor<9xindex>
          outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32>
      %out = moe.combine_slots %s 1 sum ids %ids : tensor<?x4xf32> ids tensor<?x1xi32>
          outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32>
      return %out : tensor<?x4xf32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

//===-- On the grouped form ---------------------------------------------------------------------------------===//

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

//===-- Variants by the number of rows ----------------------------------------------------------------------===//

def ChooseVariants : Pass<"moe-choose-variants", "::mlir::ModuleOp"> {
  let summary = "Say which ways to run a routing's products are worth having, and from how many rows on";
  let description = [{
    Asks the cost model (moe/CostModel/CostModel.h) whether the products of a
    routing are faster slot by slot, without a sort, than in the order of a
    plan, and up to how many rows. The choice and the estimates are the plan's
    attribute `moe.variants`; a plan that has one keeps it. The machine is that
    of the module's attribute `moe.machine`, such as `{threads = 16,
    shared_size = 67108864}`, by the keys of the cost model; constants that it
    leaves out are the cost model's own. With `variants=single-row` products run
    slot by slot for any number of rows where they can, with `variants=grouped`
    always in the order of the plan. Places padded to a capacity are weighed, too.

    ```mlir
    func.func @few(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %w: tensor<8x4x4xf32>) -> tensor<?x4xf32> {
      %c0 = arith.constant 0 : index
      %c2 = arith.constant 2 : index
      %t = tensor.dim %ids, %c0 : tensor<?x2xi32>
      %n = arith.muli %t, %c2 : index
      %o = tensor.empty() : tensor<9xindex>
      %i = tensor.empty(%n) : tensor<?xindex>
      %offsets, %tokens, %slots = moe.plan %ids : tensor<?x2xi32>
          outs(%o, %i, %i : tensor<9xindex>, tensor<?xindex>, tensor<?xindex>)
          -> tensor<9xindex>, tensor<?xindex>, tensor<?xindex>
      %f = tensor.empty(%n) : tensor<?x4xf32>
      %p = moe.grouped_matmul %x gather %tokens weights %w offsets %offsets scatter %slots
          : tensor<?x4xf32> gather tensor<?xindex> weights tensor<8x4x4xf32> offsets tensor<9xindex>
            scatter tensor<?xindex> outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32> {
      ^bb0(%acc: f32):
        moe.yield %acc : f32
      }
      %g = tensor.empty(%t) : tensor<?x4xf32>
      %y = moe.combine_slots %p 2 sum : tensor<?x4xf32> outs(%g : tensor<?x4xf32>) -> tensor<?x4xf32>
      return %y : tensor<?x4xf32>
    }
    ```
    becomes
    ```mlir
    func.func @few(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %w: tensor<8x4x4xf32>) -> tensor<?x4xf32> {
      %c0 = arith.constant 0 : index
      %c2 = arith.constant 2 : index
      %t = tensor.dim %ids, %c0 : tensor<?x2xi32>
      %n = arith.muli %t, %c2 : index
      %o = tensor.empty() : tensor<9xindex>
      %i = tensor.empty(%n) : tensor<?xindex>
      %offsets, %tokens, %slots = moe.plan %ids {moe.variants = #moe.variants<<single_row from 0, 2 ns>, <grouped from 32, 283 ns>>} : tensor<?x2xi32>
          outs(%o, %i, %i : tensor<9xindex>, tensor<?xindex>, tensor<?xindex>)
          -> tensor<9xindex>, tensor<?xindex>, tensor<?xindex>
      %f = tensor.empty(%n) : tensor<?x4xf32>
      %p = moe.grouped_matmul %x gather %tokens weights %w offsets %offsets scatter %slots
          : tensor<?x4xf32> gather tensor<?xindex> weights tensor<8x4x4xf32> offsets tensor<9xindex>
            scatter tensor<?xindex> outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32> {
      ^bb0(%acc: f32):
        moe.yield %acc : f32
      }
      %g = tensor.empty(%t) : tensor<?x4xf32>
      %y = moe.combine_slots %p 2 sum : tensor<?x4xf32> outs(%g : tensor<?x4xf32>) -> tensor<?x4xf32>
      return %y : tensor<?x4xf32>
    }
    ```
  }];
  let options = [Option<"variants", "variants", "std::string", "\"auto\"", "auto, single-row or grouped">];
}

def ForkVariants : Pass<"moe-fork-variants", "::mlir::ModuleOp"> {
  let summary = "A function for each variant of a routing's products, and a test on the number of rows";
  let description = [{
    Where a plan has `moe.variants`, all that depends on it up to the
    combination of the rows becomes a private function for each variant, which
    says what it is in `moe.variant`, and the kernel calls one of them by the
    number of rows. Arguments, weights and results are the same for all. The
    functions are inlined again before tiles are cut.

    ```mlir
    func.func @k(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %w: tensor<8x4x4xf32>) -> tensor<?x4xf32> {
      %c0 = arith.constant 0 : index
      %c2 = arith.constant 2 : index
      %t = tensor.dim %ids, %c0 : tensor<?x2xi32>
      %n = arith.muli %t, %c2 : index
      %o = tensor.empty() : tensor<9xindex>
      %i = tensor.empty(%n) : tensor<?xindex>
      %offsets, %tokens, %slots = moe.plan %ids {moe.variants = #moe.variants<<single_row from 0, 100 ns>, <grouped from 3, 250 ns>>} : tensor<?x2xi32>
          outs(%o, %i, %i : tensor<9xindex>, tensor<?xindex>, tensor<?xindex>)
          -> tensor<9xindex>, tensor<?xindex>, tensor<?xindex>
      %f = tensor.empty(%n) : tensor<?x4xf32>
      %p = moe.grouped_matmul %x gather %tokens weights %w offsets %offsets scatter %slots
          : tensor<?x4xf32> gather tensor<?xindex> weights tensor<8x4x4xf32> offsets tensor<9xindex>
            scatter tensor<?xindex> outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32> {
      ^bb0(%acc: f32):
        moe.yield %acc : f32
      }
      %g = tensor.empty(%t) : tensor<?x4xf32>
      %y = moe.combine_slots %p 2 sum : tensor<?x4xf32> outs(%g : tensor<?x4xf32>) -> tensor<?x4xf32>
      return %y : tensor<?x4xf32>
    }
    ```
    becomes
    ```mlir
    func.func @k(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %w: tensor<8x4x4xf32>) -> tensor<?x4xf32> {
      %c0 = arith.constant 0 : index
      %t = tensor.dim %ids, %c0 : tensor<?x2xi32>
      %out = tensor.empty(%t) : tensor<?x4xf32>
      %c3 = arith.constant 3 : index
      %few = arith.cmpi ult, %t, %c3 : index
      %y = scf.if %few -> (tensor<?x4xf32>) {
        %s = func.call @k_single_row(%ids, %x, %w, %out)
            : (tensor<?x2xi32>, tensor<?x4xf32>, tensor<8x4x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
        scf.yield %s : tensor<?x4xf32>
      } else {
        %g = func.call @k_grouped(%ids, %x, %w, %out)
            : (tensor<?x2xi32>, tensor<?x4xf32>, tensor<8x4x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
        scf.yield %g : tensor<?x4xf32>
      } {moe.variants = #moe.variants<<single_row from 0, 100 ns>, <grouped from 3, 250 ns>>}
      return %y : tensor<?x4xf32>
    }
    func.func private @k_single_row(%ids: tensor<?x2xi32>, %x: tensor<?x4xf32>, %w: tensor<8x4x4xf32>,
                                %out: tensor<?x4xf32>) -> tensor<?x4xf32>
        attributes {moe.variant = "single_row"} {
      %c2 = arith.constant 2 : index
      %c0 = arith.constant 0 : index
      %o = tensor.empty() : tensor<9xindex>
      %t = tensor.dim %ids, %c0 : tensor<?x2xi32>
      %n = arith.muli %t, %c2 : index
      %i = tensor.empty(%n) : tensor<?xindex>
      %offsets, %tokens, %slots = moe.plan %ids : tensor<?x2xi32>
          outs(%o, %i, %i : tensor<9xindex>, tensor<?xindex>, tensor<?xindex>)
          -> tensor<9xindex>, tensor<?xindex>, tensor<?xindex>
      %f = tensor.empty(%n) : tensor<?x4xf32>
      %p = moe.grouped_matmul %x gather %tokens weights %w offsets %offsets scatter %slots
          : tensor<?x4xf32> gather tensor<?xindex> weights tensor<8x4x4xf32> offsets tensor<9xindex>
            scatter tensor<?xindex> outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32> {
      ^bb0(%acc: f32):
        moe.yield %acc : f32
      }
      %y = moe.combine_slots %p 2 sum : tensor<?x4xf32> outs(%out : tensor<?x4xf32>) -> tensor<?x4xf32>
      return %y : tensor<?x4xf32>
    }
    func.func private @k_grouped(%ids: tensor<?x2xi32>, %x: tensor<?x4xf32>, %w: tensor<8x4x4xf32>,
                                %out: tensor<?x4xf32>) -> tensor<?x4xf32>
        attributes {moe.variant = "grouped"} {
      %c2 = arith.constant 2 : index
      %c0 = arith.constant 0 : index
      %o = tensor.empty() : tensor<9xindex>
      %t = tensor.dim %ids, %c0 : tensor<?x2xi32>
      %n = arith.muli %t, %c2 : index
      %i = tensor.empty(%n) : tensor<?xindex>
      %offsets, %tokens, %slots = moe.plan %ids : tensor<?x2xi32>
          outs(%o, %i, %i : tensor<9xindex>, tensor<?xindex>, tensor<?xindex>)
          -> tensor<9xindex>, tensor<?xindex>, tensor<?xindex>
      %f = tensor.empty(%n) : tensor<?x4xf32>
      %p = moe.grouped_matmul %x gather %tokens weights %w offsets %offsets scatter %slots
          : tensor<?x4xf32> gather tensor<?xindex> weights tensor<8x4x4xf32> offsets tensor<9xindex>
            scatter tensor<?xindex> outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32> {
      ^bb0(%acc: f32):
        moe.yield %acc : f32
      }
      %y = moe.combine_slots %p 2 sum : tensor<?x4xf32> outs(%out : tensor<?x4xf32>) -> tensor<?x4xf32>
      return %y : tensor<?x4xf32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect"];
}

def ToSingleRows : Pass<"moe-to-single-rows", "::mlir::ModuleOp"> {
  let summary = "Products of a routing slot by slot, without a plan";
  let description = [{
    In a function whose `moe.variant` is `single_row`, the products of a plan
    become `moe.slot_matmul`: rows stay in the order of the slots, so the plan,
    gathers and scatters go away, and row-wise ops between products run on rows
    of slots. Declined, with a remark, where an op needs the order of the plan.

    ```mlir
    func.func @k_single_row(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %w: tensor<8x4x4xf32>) -> tensor<?x4xf32>
        attributes {moe.variant = "single_row"} {
      %c0 = arith.constant 0 : index
      %c2 = arith.constant 2 : index
      %t = tensor.dim %ids, %c0 : tensor<?x2xi32>
      %n = arith.muli %t, %c2 : index
      %o = tensor.empty() : tensor<9xindex>
      %i = tensor.empty(%n) : tensor<?xindex>
      %offsets, %tokens, %slots = moe.plan %ids : tensor<?x2xi32>
          outs(%o, %i, %i : tensor<9xindex>, tensor<?xindex>, tensor<?xindex>)
          -> tensor<9xindex>, tensor<?xindex>, tensor<?xindex>
      %f = tensor.empty(%n) : tensor<?x4xf32>
      %p = moe.grouped_matmul %x gather %tokens weights %w offsets %offsets scatter %slots
          : tensor<?x4xf32> gather tensor<?xindex> weights tensor<8x4x4xf32> offsets tensor<9xindex>
            scatter tensor<?xindex> outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32> {
      ^bb0(%acc: f32):
        moe.yield %acc : f32
      }
      %g = tensor.empty(%t) : tensor<?x4xf32>
      %y = moe.combine_slots %p 2 sum : tensor<?x4xf32> outs(%g : tensor<?x4xf32>) -> tensor<?x4xf32>
      return %y : tensor<?x4xf32>
    }
    ```
    becomes
    ```mlir
    func.func @k_single_row(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %w: tensor<8x4x4xf32>) -> tensor<?x4xf32>
        attributes {moe.variant = "single_row"} {
      %c0 = arith.constant 0 : index
      %c2 = arith.constant 2 : index
      %t = tensor.dim %ids, %c0 : tensor<?x2xi32>
      %n = arith.muli %t, %c2 : index
      %f = tensor.empty(%n) : tensor<?x4xf32>
      %p = moe.slot_matmul %x tokens ids %ids weights %w
          : tensor<?x4xf32> ids tensor<?x2xi32> weights tensor<8x4x4xf32> outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32> {
      ^bb0(%acc: f32):
        moe.yield %acc : f32
      }
      %g = tensor.empty(%t) : tensor<?x4xf32>
      %y = moe.combine_slots %p 2 sum : tensor<?x4xf32> outs(%g : tensor<?x4xf32>) -> tensor<?x4xf32>
      return %y : tensor<?x4xf32>
    }
    ```
  }];
}

//===-- Between forms ---------------------------------------------------------------------------------------===//

def VerifyForm : Pass<"moe-verify-form"> {
  let summary = "Check that nothing is left of the forms above";
  let description = [{
    Closes a stage of a pipeline. `model` has no op of the grouped form yet,
    `grouped` no op or type of the model form, `linalg` no op of either form
    (`moe.weight` and `moe.layer` are in neither), `kernel` no tensors, and
    `target` consists of the LLVM dialect alone. The error names what is left and what
    would have removed it. Scores and row-wise ops on plain rows are in both
    forms. By default an op of the grouped form is an error:

    ```mlir
    func.func @early(%ids: tensor<?x2xi32>, %o: tensor<9xindex>, %t: tensor<?xindex>) {
      %offsets, %tokens, %slots = moe.plan %ids : tensor<?x2xi32>
          outs(%o, %t, %t : tensor<9xindex>, tensor<?xindex>, tensor<?xindex>)
          -> tensor<9xindex>, tensor<?xindex>, tensor<?xindex>
      return
    }
    ```
  }];
  let options = [
    Option<"form", "form", "::mlir::moe::Form", "::mlir::moe::Form::Model", "the form to check",
      [{::llvm::cl::values(
        clEnumValN(::mlir::moe::Form::Model, "model", "what a layer computes"),
        clEnumValN(::mlir::moe::Form::Grouped, "grouped", "rows sorted by expert, grouped products"),
        clEnumValN(::mlir::moe::Form::Linalg, "linalg", "loops over tiles with linalg inside"),
        clEnumValN(::mlir::moe::Form::Kernel, "kernel", "vector loops on buffers"),
        clEnumValN(::mlir::moe::Form::Target, "target", "the LLVM dialect"))}]>,
  ];
}

#endif // MOE_TRANSFORMS_PASSES
