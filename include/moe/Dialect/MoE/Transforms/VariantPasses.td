// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Passes that make variants of the grouped form, by the number of rows.

#ifndef MOE_TRANSFORMS_VARIANT_PASSES
#define MOE_TRANSFORMS_VARIANT_PASSES

include "mlir/Pass/PassBase.td"

def ChooseVariants : Pass<"moe-choose-variants", "::mlir::ModuleOp"> {
  let summary = "Say which ways to run a routing's products are worth having, and from how many rows on";
  let description = [{
    Asks the cost model (moe/CostModel/CostModel.h) whether the products of a
    routing are faster slot by slot, without a sort, than in the order of a
    plan, and up to how many rows; and where experts have a capacity, whether
    places padded to it save enough of the sort, from the number of rows on that
    may take them all. The choice and the estimates are the plan's attribute
    `moe.variants`; a plan that has one keeps it. The machine is that of the
    module's attribute `moe.machine`, such as `{threads = 16,
    shared_size = 67108864}`, by the keys of the cost model; constants that it
    leaves out are the cost model's own. With `variants=single-row` products run
    slot by slot for any number of rows where they can, with `variants=padded`
    at padded places where they can, with `variants=grouped` always in the order
    of the plan.

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
  let options = [Option<"variants", "variants", "std::string", "\"auto\"", "auto, single-row, grouped or padded">];
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
    of slots. Rows that are weighted while they are gathered are weighted in that
    order. Declined, with a remark, where an op needs the order of the plan.

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
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect"];
}

def ToPadded : Pass<"moe-to-padded", "::mlir::ModuleOp"> {
  let summary = "Products of a routing with a place for every row that an expert may take";
  let description = [{
    In a function whose `moe.variant` is `padded`, a plan with a capacity c
    becomes `moe.plan_padded`, whose groups begin at multiples of c, so that
    slots are placed in one pass, and its products `moe.padded_matmul`. Rows
    between products have E * c places, whatever T is; those that nothing took
    are not computed. Declined, with a remark, where the routing has no capacity
    or an op needs the rows of the plan one after the other.

    ```mlir
    func.func @k_padded(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %w: tensor<8x4x4xf32>) -> tensor<?x4xf32>
        attributes {moe.variant = "padded"} {
      %c0 = arith.constant 0 : index
      %c2 = arith.constant 2 : index
      %t = tensor.dim %ids, %c0 : tensor<?x2xi32>
      %n = arith.muli %t, %c2 : index
      %o = tensor.empty() : tensor<9xindex>
      %i = tensor.empty(%n) : tensor<?xindex>
      %offsets, %tokens, %slots = moe.plan %ids capacity 3 : tensor<?x2xi32>
          outs(%o, %i, %i : tensor<9xindex>, tensor<?xindex>, tensor<?xindex>)
          -> tensor<9xindex>, tensor<?xindex>, tensor<?xindex>
      %f = tensor.empty(%n) : tensor<?x4xf32>
      %h = moe.grouped_matmul %x gather %tokens weights %w offsets %offsets
          : tensor<?x4xf32> gather tensor<?xindex> weights tensor<8x4x4xf32> offsets tensor<9xindex>
            outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32> {
      ^bb0(%acc: f32):
        moe.yield %acc : f32
      }
      %p = moe.grouped_matmul %h weights %w offsets %offsets scatter %slots
          : tensor<?x4xf32> weights tensor<8x4x4xf32> offsets tensor<9xindex>
            scatter tensor<?xindex> outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32> {
      ^bb0(%acc: f32):
        moe.yield %acc : f32
      }
      %g = tensor.empty(%t) : tensor<?x4xf32>
      %y = moe.combine_slots %p 2 sum ids %ids : tensor<?x4xf32> ids tensor<?x2xi32> outs(%g : tensor<?x4xf32>)
          -> tensor<?x4xf32>
      return %y : tensor<?x4xf32>
    }
    ```
    becomes
    ```mlir
    func.func @k_padded(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %w: tensor<8x4x4xf32>) -> tensor<?x4xf32>
        attributes {moe.variant = "padded"} {
      %c0 = arith.constant 0 : index
      %c2 = arith.constant 2 : index
      %t = tensor.dim %ids, %c0 : tensor<?x2xi32>
      %n = arith.muli %t, %c2 : index
      %i = tensor.empty() : tensor<8xindex>
      %j = tensor.empty() : tensor<24xindex>
      %counts, %tokens, %slots = moe.plan_padded %ids capacity 3 : tensor<?x2xi32>
          outs(%i, %j, %j : tensor<8xindex>, tensor<24xindex>, tensor<24xindex>)
          -> tensor<8xindex>, tensor<24xindex>, tensor<24xindex>
      %f = tensor.empty(%n) : tensor<?x4xf32>
      %e = tensor.empty() : tensor<24x4xf32>
      %h = moe.padded_matmul %x gather %tokens weights %w counts %counts capacity 3
          : tensor<?x4xf32> gather tensor<24xindex> weights tensor<8x4x4xf32> counts tensor<8xindex>
            outs(%e : tensor<24x4xf32>) -> tensor<24x4xf32> {
      ^bb0(%acc: f32):
        moe.yield %acc : f32
      }
      %p = moe.padded_matmul %h weights %w counts %counts capacity 3 scatter %slots
          : tensor<24x4xf32> weights tensor<8x4x4xf32> counts tensor<8xindex>
            scatter tensor<24xindex> outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32> {
      ^bb0(%acc: f32):
        moe.yield %acc : f32
      }
      %g = tensor.empty(%t) : tensor<?x4xf32>
      %y = moe.combine_slots %p 2 sum ids %ids : tensor<?x4xf32> ids tensor<?x2xi32> outs(%g : tensor<?x4xf32>)
          -> tensor<?x4xf32>
      return %y : tensor<?x4xf32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::tensor::TensorDialect"];
}

#endif // MOE_TRANSFORMS_VARIANT_PASSES
