// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The interfaces through which passes work: no pass asks what kind an op or attribute is.

#ifndef MOE_INTERFACES_TD
#define MOE_INTERFACES_TD

include "mlir/IR/OpBase.td"

def SelectAttrInterface : AttrInterface<"SelectAttrInterface"> {
  let cppNamespace = "::mlir::moe";
  let description = [{
    A way to select entries of the logits `[rows, experts]`. Selection is a
    total order: larger first, ties to the lowest index, NaN last. How a
    selection becomes IR is another interface, `SelectEmitter`, which
    lib/Dialect/MoE/Routers attaches.
  }];
  let methods = [
    InterfaceMethod<"The axis that is selected along.", "::mlir::moe::Axis", "getSelectAxis">,
    InterfaceMethod<"How many entries are selected: experts of a row, or rows of an expert.",
      "int64_t", "getCount", (ins "int64_t":$experts)>,
    InterfaceMethod<"Number of groups of experts; 1 when there are none.", "int64_t", "getNumGroups">,
    InterfaceMethod<"Whether a selected entry may be dropped: its id is -1 then.", "bool", "mayDrop">,
    InterfaceMethod<[{
        Rows of a window, where rows are selected: each `getWindow` consecutive
        rows are selected from alone, the last of them from what is left. 0: all
        rows are one window. A parameter of this name is the implementation.
      }],
      "int64_t", "getWindow", (ins), "", "return 0;">,
    InterfaceMethod<[{
        How many rows an expert takes at most, in row order; 0: any number. A
        parameter of this name is the implementation.
      }],
      "int64_t", "getCapacity", (ins), "", "return 0;">,
    InterfaceMethod<[{
        Whether all experts are selected in the order of their index, whatever
        the logits are.
      }],
      "bool", "isInOrder", (ins), "", "return false;">,
    InterfaceMethod<[{
        Takes from `reachable`, which has a bit for each expert, the experts that
        no row selects when what is compared is -inf for those in `lowest` and a
        larger number for all others.
      }],
      "void", "dropUnreachable", (ins "const ::llvm::BitVector &":$lowest, "::llvm::BitVector &":$reachable), "",
      "return;">,
    InterfaceMethod<"Checks the selection against the number of experts.", "::llvm::LogicalResult", "verifySelect",
      (ins "::llvm::function_ref<::mlir::InFlightDiagnostic()>":$emitError, "int64_t":$experts)>,
  ];
}

def ScoreFunctionAttrInterface : AttrInterface<"ScoreFunctionAttrInterface"> {
  let cppNamespace = "::mlir::moe";
  let description = [{
    A function from logits to scores. A *normalising* function (softmax) needs
    statistics of a set of logits; any other works on each logit alone. How it
    becomes IR is another interface, `ScoreFunctionEmitter`.
  }];
  let methods = [
    InterfaceMethod<"Whether the value at one expert depends on the other logits of the set.",
      "bool", "isNormalizing">,
    InterfaceMethod<"Whether a larger logit always means a larger or equal score.", "bool", "isMonotone">,
  ];
}

def ScoreOpInterface : OpInterface<"ScoreOpInterface"> {
  let cppNamespace = "::mlir::moe";
  let description = [{
    An op that gives every row a logit for every expert. Weights are operands,
    so shapes can be verified and a new kind of score is a new op, its
    emission and a test.
  }];
  let methods = [
    InterfaceMethod<"The rows [rows, width] that are scored.", "::mlir::Value", "getScoredRows">,
    InterfaceMethod<"The logits [rows, experts].", "::mlir::Value", "getLogits">,
    InterfaceMethod<[{
        The dimension of features of a row in which experts are ranked by linear
        functions, so that half-spaces of it part any two experts; 0 where there
        is none.
      }],
      "int64_t", "getRankingFeatures">,
  ];
}

def RowwiseOpInterface : OpInterface<"RowwiseOpInterface"> {
  let cppNamespace = "::mlir::moe";
  let description = [{
    An op on tensors whose first dimension is rows, such that row i of every
    result depends on row i of the row operands alone. Expert bodies consist
    of such ops; ops of other dialects are accepted by trait or by their
    indexing maps (see `verifyRowwise`).
  }];
  let methods = [
    InterfaceMethod<"Whether operand `index` may be a tensor of rows.", "bool", "isRowOperand",
      (ins "unsigned":$index)>,
  ];
}

def RoutedOpInterface : OpInterface<"RoutedOpInterface"> {
  let cppNamespace = "::mlir::moe";
  let description = [{
    An op of the model form that works on rows in the way a routing says:
    `moe.dispatch`, `moe.combine`. A pass that replaces a routing needs no list
    of op kinds.
  }];
  let methods = [
    InterfaceMethod<"The routing.", "::mlir::OpOperand &", "getRoutingOperand">,
  ];
}

#endif // MOE_INTERFACES_TD
