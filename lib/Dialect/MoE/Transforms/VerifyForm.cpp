// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- VerifyForm.cpp - what must be gone at each stage ---------------------------------------------------===//

#include "moe/Dialect/MoE/IR/MoE.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

namespace mlir::moe {
#define GEN_PASS_DEF_VERIFYFORM
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

namespace {

/// What a form excludes, and what would have removed it.
struct FormRules {
  StringRef name;
  StringRef advice;
  bool (*excludesOp)(Operation *);
  bool (*excludesType)(Type);
};

bool isModelOp(Operation *op) {
  return isa<RouteOp, RouteWithinOp, MakeRoutingOp, NarrowRoutingOp, UnpackRoutingOp, DispatchOp, ExpertsOp, CombineOp>(
      op);
}

bool isGroupedOp(Operation *op) {
  return isa<SelectOp, SelectRowsOp, SelectWithinOp, RouterOp, PlanOp, PlanRowsOp, PlanAllOp, GatherOp, GroupedMatmulOp,
             PlanPaddedOp, PaddedMatmulOp, SlotMatmulOp, ScatterOp, CombineSlotsOp, CombineRowsOp, GroupedBodyOp>(op);
}

/// Scores and row-wise ops belong to both forms.
bool isComputation(Operation *op) {
  return isModelOp(op) || isGroupedOp(op) || isa<ScoreOpInterface, RowwiseOpInterface>(op);
}
bool isOpaque(Type type) { return isa<RoutingType, RaggedType>(type); }
bool isTensor(Type type) { return isOpaque(type) || isa<TensorType>(type); }
bool isNothing(Type) { return false; }

bool isAboveTarget(Operation *op) {
  return !isa<ModuleOp>(op) && !isa_and_nonnull<LLVM::LLVMDialect>(op->getDialect());
}

FormRules rulesOf(Form form) {
  switch (form) {
  case Form::Model:
    return {"model", "write the layer with moe.route, moe.dispatch, moe.experts and moe.combine", isGroupedOp,
            isNothing};
  case Form::Grouped:
    return {"grouped", "run moe-to-grouped", isModelOp, isOpaque};
  case Form::Linalg:
    return {"linalg", "run the conversion of the grouped form to linalg", isComputation, isOpaque};
  case Form::Kernel:
    return {"kernel", "bufferise", isComputation, isTensor};
  case Form::Target:
    return {"target", "convert it to the LLVM dialect", isAboveTarget, isNothing};
  }
  llvm_unreachable("a form without rules");
}

struct VerifyForm : moe::impl::VerifyFormBase<VerifyForm> {
  using Base::Base;

  void runOnOperation() override {
    markAllAnalysesPreserved();
    FormRules rules = rulesOf(form);
    WalkResult result = getOperation()->walk([&](Operation *op) { return WalkResult(check(op, rules)); });
    if (result.wasInterrupted())
      signalPassFailure();
  }

private:
  LogicalResult check(Operation *op, const FormRules &rules) {
    if (rules.excludesOp(op))
      return op->emitOpError("is not part of the ") << rules.name << " form: " << rules.advice;
    // Arguments of functions are arguments of their blocks, but a declaration has no block.
    auto function = dyn_cast<FunctionOpInterface>(op);
    SmallVector<Type> types(function ? function.getArgumentTypes() : ArrayRef<Type>());
    llvm::append_range(types, function ? function.getResultTypes() : ArrayRef<Type>());
    llvm::append_range(types, op->getResultTypes());
    for (Region &region : op->getRegions())
      for (Block &block : region)
        llvm::append_range(types, block.getArgumentTypes());
    for (Type type : types)
      if (rules.excludesType(type))
        return op->emitOpError("has the type ")
               << type << ", which is not part of the " << rules.name << " form: " << rules.advice;
    return success();
  }
};

} // namespace
