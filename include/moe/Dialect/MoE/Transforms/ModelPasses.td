// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Passes on the model form, down to the grouped form.

#ifndef MOE_TRANSFORMS_MODEL_PASSES
#define MOE_TRANSFORMS_MODEL_PASSES

include "mlir/Pass/PassBase.td"

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

    NaN is compared last, so a row that has too few scores that are numbers goes
    to experts with a bias of -inf, too. A bias therefore counts only where
    such a row is NaN at the end anyway: where scores are normalised over all
    experts, which makes them NaN together, and the combination takes weights.

    ```mlir
    moe.weight @router : tensor<4x8xf32> from "router"
    moe.weight @w : tensor<4x8x8xf32> from "experts.{e}.w"
    moe.layer @moe0 block 0 = @k(@router, @w)
    func.func @k(%x: tensor<?x8xf32>, %router: tensor<4x8xf32>, %w: tensor<4x8x8xf32>) -> tensor<?x8xf32> {
      %bias = arith.constant dense<[0.0, 0xFF800000, 1.0, 0xFF800000]> : tensor<4xf32>
      %l = moe.score.affine %x, %router : tensor<?x8xf32>, tensor<4x8xf32> -> tensor<?x4xf32>
      %r = moe.route %l bias %bias select #moe.top_k<2> rank scores weigh #moe.softmax over all
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
      %r = moe.route %l bias %bias select #moe.top_k<2> rank scores weigh #moe.softmax over all
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

def RoundRows : Pass<"moe-round-rows", "::mlir::ModuleOp"> {
  let summary = "Round the rows of products by quantised weights to signed bytes";
  let description = [{
    The rows of a `moe.linear` whose matrices are all weights in one of the
    given number formats go through `moe.round_rows`: then a product is one of
    small integers, which machines multiply several times as fast as floats.
    Rows that several products take are rounded once.

    ```mlir
    func.func @k(%x: tensor<?x4xbf16>, %up: tensor<8x4xf32> {moe.format = "int8"}) -> tensor<?x8xf32> {
      %y = moe.linear %x, %up : tensor<?x4xbf16>, tensor<8x4xf32> -> tensor<?x8xf32>
      return %y : tensor<?x8xf32>
    }
    ```
    becomes, for the default int8,
    ```mlir
    func.func @k(%x: tensor<?x4xbf16>, %up: tensor<8x4xf32> {moe.format = "int8"}) -> tensor<?x8xf32> {
      %q = moe.round_rows %x : tensor<?x4xbf16> -> tensor<?x4xf32>
      %y = moe.linear %q, %up : tensor<?x4xf32>, tensor<8x4xf32> -> tensor<?x8xf32>
      return %y : tensor<?x8xf32>
    }
    ```
  }];
  let options = [ListOption<"formats", "formats", "std::string", "number formats whose products take rounded rows",
                            "llvm::cl::list_init<std::string>({\"int8\"})">];
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

#endif // MOE_TRANSFORMS_MODEL_PASSES
