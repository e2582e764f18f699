// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Symbols: where weights come from, and which kernel a MoE block calls.

#ifndef MOE_SYMBOL_OPS_TD
#define MOE_SYMBOL_OPS_TD

include "mlir/IR/BuiltinAttributes.td"
include "mlir/IR/SymbolInterfaces.td"
include "moe/Dialect/MoE/IR/MoEAttrs.td"
include "moe/Dialect/MoE/IR/MoEBase.td"

def MoE_WeightOp : MoE_Op<"weight", [Symbol]> {
  let summary = "one weight, stacked over experts, by reference to a checkpoint";
  let description = [{
    Declares a weight of the model: its logical type and the name of the
    checkpoint tensor that holds it. `{e}` in the name stands for the expert
    index, so that the op has one size whatever E is; without it one tensor
    holds all experts. The element type is the one to compute with; the
    checkpoint's is converted when weights are loaded. `transposed` says that
    each expert's matrix is stored with its dimensions exchanged. `part` says
    that more is stored than this weight: it takes some of the rows of each
    expert's matrix, or some of the columns of a vector (a bias). Rows and
    columns are those of the logical weight, whatever is transposed on disk. A
    weight of rank 2 with `{e}` in its name or with a part of columns is a
    vector for each expert. `unused` lists experts that no row is sent to, as
    begin and end (exclusive) of ranges in ascending order: they are neither read
    from the checkpoint nor held (`moe-mark-unused-experts` finds them). `format`
    names a quantised number format: each row of a matrix is rounded to it when
    weights are loaded, and the type says what the values are then, f32
    (docs/adding-a-number-format.md).

    ```mlir
    moe.weight @l0.gate : tensor<64x1024x2048xbf16> from "model.layers.0.mlp.experts.{e}.gate_proj.weight"
    moe.weight @l0.down : tensor<32x2880x2880xbf16> from "model.layers.0.mlp.experts.down_proj" transposed
    moe.weight @l0.up : tensor<32x2880x2880xbf16> from "model.layers.0.mlp.experts.gate_up_proj" transposed
        part<rows 1 step 2 of 5760>
    moe.weight @l0.up_bias : tensor<32x2880xbf16> from "model.layers.0.mlp.experts.gate_up_proj_bias"
        part<columns 1 step 2 of 5760>
    moe.weight @l1.up : tensor<8x80x64xf32> from "model.layers.1.mlp.experts.{e}.up_proj.weight" unused [2, 4, 7, 8]
    moe.weight @l0.in : tensor<64x1024x2048xf32> from "model.layers.0.mlp.experts.{e}.up_proj.weight" format "int8"
    ```

    C1: the type is a static tensor of floats of rank 1 (a vector for the
    router), 2 (a matrix, or a vector for each expert) or 3 (a matrix for each
    expert). C2: `{e}` occurs at most once, and not in a weight of rank 1. C3:
    only matrices can be transposed. C4: a part is of rows for matrices and of
    columns for vectors. C5: the last of the part's entries is one of those
    stored. C6: unused experts are ranges of the weight's experts, none empty, in
    ascending order. C7: only matrices of f32 have a `format`.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<AnyRankedTensor>:$type, StrAttr:$source,
                       UnitAttr:$transposed, OptionalAttr<MoE_PartAttr>:$part,
                       OptionalAttr<DenseI64ArrayAttr>:$unused, OptionalAttr<StrAttr>:$format);
  let assemblyFormat =
      "$sym_name `:` $type `from` $source (`transposed` $transposed^)? (`part` `` $part^)? "
      "(`unused` $unused^)? (`format` $format^)? attr-dict";
  let extraClassDeclaration = [{
    /// A vector for each expert (or one, at rank 1) rather than matrices.
    bool isVector();
    /// How many experts have a matrix or a vector of their own in it; 1 when it is the same for all.
    int64_t getNumExperts();
  }];
  let hasVerifier = 1;
}

def MoE_LayerOp : MoE_Op<"layer", [Symbol, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "a MoE block of a model: a kernel with its weights";
  let description = [{
    Block `block` of the model (MoE blocks count from 0, dense layers have no
    number) is computed by the function `kernel`, whose arguments are the rows
    and then the weights, in order. Blocks of one shape share a kernel.

    ```mlir
    moe.layer @moe0 block 0 = @olmoe(@l0.router, @l0.gate, @l0.up, @l0.down)
    ```

    `variants` are kernels that compute the same for other machine levels, best
    first, `kernel` among them; a library chooses among them when it is loaded.

    C1: the kernel is a function of this module. C2: each weight is a
    `moe.weight` of this module. C3: the kernel has more arguments than there
    are weights; those before the weights are inputs: tensors of rank 2, all
    of one number of rows. C4: the types of weights and arguments are equal
    (until the kernel stage packs them). C5: block >= 0. C6: variants are
    functions of this module, the kernel among them. C7: the number format of a
    weight is that of its argument (`moe.format`).
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, I64Attr:$block, FlatSymbolRefAttr:$kernel,
                       TypedArrayAttrBase<FlatSymbolRefAttr, "weights">:$weights,
                       OptionalAttr<DictionaryAttr>:$info,
                       OptionalAttr<TypedArrayAttrBase<FlatSymbolRefAttr, "kernels">>:$variants);
  let assemblyFormat = [{
    $sym_name `block` $block `=` $kernel `(` custom<SymbolList>($weights) `)` (`info` $info^)?
    (`variants` $variants^)? attr-dict
  }];
  let hasVerifier = 1;
}

#endif // MOE_SYMBOL_OPS_TD
