// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Types of the model form. They end at the grouped form, by 1:N conversion.

#ifndef MOE_TYPES_TD
#define MOE_TYPES_TD

include "mlir/IR/AttrTypeBase.td"
include "moe/Dialect/MoE/IR/MoEEnums.td"

class MoE_Type<string name, string typeMnemonic> : TypeDef<MoE_Dialect, name> {
  let mnemonic = typeMnemonic;
  let genVerifyDecl = 1;
}

def MoE_RoutingType : MoE_Type<"Routing", "routing"> {
  let summary = "which experts each row goes to, and with what weight";
  let description = [{
    The immutable result of a route: `count` (row, expert) pairs per row
    (token choice) or per expert (expert choice, `row` in the type), each with
    a weight. How the pairs are stored is not said. A part of a routing
    (`moe.narrow_routing`) may have more pairs a row than experts: those of
    other parts go nowhere in it.

    Example: `!moe.routing<64, 8, f32>`, `!moe.routing<8, 4, f32, row>`.

    C1: 1 <= experts <= 4096. C2: count >= 1. C3: the weight type is a float
    type.
  }];
  let parameters = (ins "int64_t":$experts, "int64_t":$count, "::mlir::Type":$weightType,
                        DefaultValuedParameter<"::mlir::moe::Axis", "::mlir::moe::Axis::Expert">:$axis);
  let assemblyFormat = "`<` $experts `,` $count `,` $weightType (`,` $axis^)? `>`";
}

def MoE_RaggedType : MoE_Type<"Ragged", "ragged"> {
  let summary = "rows grouped by expert, each group of its own length";
  let description = [{
    The result of a dispatch: for each of `experts` groups some number of rows
    of `width` elements. Neither order nor layout is said.

    Example: `!moe.ragged<64, 2048, bf16>`.

    C1: 1 <= experts <= 4096. C2: width >= 1. C3: the element type is a float
    type.
  }];
  let parameters = (ins "int64_t":$experts, "int64_t":$width, "::mlir::Type":$elementType);
  let assemblyFormat = "`<` $experts `,` $width `,` $elementType `>`";
}

#endif // MOE_TYPES_TD
