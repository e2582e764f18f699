// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Enumerations shared by ops and attributes.

#ifndef MOE_ENUMS_TD
#define MOE_ENUMS_TD

include "mlir/IR/EnumAttr.td"
include "moe/Dialect/MoE/IR/MoEBase.td"

def MoE_Axis : I32EnumAttr<"Axis", "along which axis of the logits [rows, experts] a selection picks", [
    I32EnumAttrCase<"Expert", 0, "expert">, // token choice: each row picks experts
    I32EnumAttrCase<"Row", 1, "row">        // expert choice: each expert picks rows
  ]> {
  let cppNamespace = "::mlir::moe";
  let genSpecializedAttr = 0;
}

def MoE_Rank : I32EnumAttr<"Rank", "what a selection compares", [
    I32EnumAttrCase<"Logits", 0, "logits">,
    I32EnumAttrCase<"Scores", 1, "scores">
  ]> {
  let cppNamespace = "::mlir::moe";
}

def MoE_Over : I32EnumAttr<"Over", "the set that a score function is normalised over", [
    I32EnumAttrCase<"Each", 0, "each">,
    I32EnumAttrCase<"All", 1, "all">,
    I32EnumAttrCase<"Selected", 2, "selected">,
    I32EnumAttrCase<"Group", 3, "group">
  ]> {
  let cppNamespace = "::mlir::moe";
}

def MoE_GroupReduce : I32EnumAttr<"GroupReduce", "the score of a group of experts", [
    I32EnumAttrCase<"Max", 0, "max">,
    I32EnumAttrCase<"Top2Sum", 1, "top2_sum">
  ]> {
  let cppNamespace = "::mlir::moe";
  let genSpecializedAttr = 0;
}

def MoE_GroupMask : I32EnumAttr<"GroupMask", "what a score becomes in a group that is not kept", [
    I32EnumAttrCase<"NegInf", 0, "neg_inf">,
    I32EnumAttrCase<"Zero", 1, "zero">
  ]> {
  let cppNamespace = "::mlir::moe";
  let genSpecializedAttr = 0;
}

def MoE_CombineKind : I32EnumAttr<"CombineKind", "how the outputs of a row's experts become one row", [
    I32EnumAttrCase<"WeightedSum", 0, "weighted_sum">,
    I32EnumAttrCase<"Sum", 1, "sum">,
    I32EnumAttrCase<"Mean", 2, "mean">,
    I32EnumAttrCase<"Max", 3, "max">,
    I32EnumAttrCase<"LogSumExp", 4, "log_sum_exp">
  ]> {
  let cppNamespace = "::mlir::moe";
}

def MoE_PartOf : I32EnumAttr<"PartOf", "along which logical dimension a weight is a part of what is stored", [
    I32EnumAttrCase<"Rows", 0, "rows">,
    I32EnumAttrCase<"Columns", 1, "columns">
  ]> {
  let cppNamespace = "::mlir::moe";
  let genSpecializedAttr = 0;
}

def MoE_VariantKind : I32EnumAttr<"VariantKind", "how the products of a routing go over its slots", [
    I32EnumAttrCase<"SingleRow", 0, "single_row">,
    I32EnumAttrCase<"Grouped", 1, "grouped">,
    I32EnumAttrCase<"Padded", 2, "padded">
  ]> {
  let cppNamespace = "::mlir::moe";
  let genSpecializedAttr = 0;
}

#endif // MOE_ENUMS_TD
