// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Bufferize.cpp - tensors to buffers, with the layouts of the C ABI ----------------------------------===//

#include "moe/Codegen/Common/Passes.h"
#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotModuleBufferize.h"
#include "mlir/Dialect/Bufferization/Transforms/Transforms.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"

namespace mlir::moe {
#define GEN_PASS_DEF_BUFFERIZE
#include "moe/Codegen/Common/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

/// Rows of any stride for the inputs, a plain layout for weights.
static BaseMemRefType argumentType(bufferization::TensorLikeType type, Attribute memorySpace, func::FuncOp func,
                                   const bufferization::BufferizationOptions &) {
  auto tensor = cast<RankedTensorType>(type);
  MemRefLayoutAttrInterface layout;
  if (tensor.getRank() == 2 && tensor.isDynamicDim(0))
    layout = StridedLayoutAttr::get(func.getContext(), 0, {ShapedType::kDynamic, 1});
  return MemRefType::get(tensor.getShape(), tensor.getElementType(), layout, memorySpace);
}

/// Gives every use of an empty tensor one of its own. CSE makes those of one type one, and without its checks of
/// parallel regions the analysis lets a loop in a task carry both on in one buffer. Branches of which one runs share:
/// what they compute then is in one place, whichever it was.
static void separateEmptyTensors(ModuleOp module) {
  llvm::DenseMap<Operation *, SmallVector<Operation *, 2>> taken;
  OpBuilder builder(module.getContext());
  // In the order of the ops, not of the use lists, which differ between a module and what is read back of its text.
  module.walk<WalkOrder::PreOrder>([&](Operation *op) {
    for (OpOperand &use : op->getOpOperands()) {
      auto empty = use.get().getDefiningOp<tensor::EmptyOp>();
      if (!empty)
        continue;
      SmallVector<Operation *, 2> &owners = taken[empty];
      if (llvm::all_of(owners, [&](Operation *owner) { return insideMutuallyExclusiveRegions(owner, op); })) {
        owners.push_back(op);
        continue;
      }
      builder.setInsertionPoint(empty);
      use.set(builder.clone(*empty)->getResult(0));
    }
  });
}

namespace {

struct Bufferize : moe::impl::BufferizeBase<Bufferize> {
  void runOnOperation() override {
    separateEmptyTensors(getOperation());
    IRRewriter rewriter(&getContext());
    // What is computed into a fresh tensor and then put into an output is computed in the output.
    if (failed(bufferization::eliminateEmptyTensors(rewriter, getOperation())))
      return signalPassFailure();
    bufferization::OneShotBufferizationOptions options;
    options.bufferizeFunctionBoundaries = true;
    options.functionArgTypeConverterFn = [](bufferization::TensorLikeType type, Attribute memorySpace,
                                            func::FuncOp func, const bufferization::BufferizationOptions &opts) {
      return cast<bufferization::BufferLikeType>(argumentType(type, memorySpace, func, opts));
    };
    // Tasks of a parallel loop write disjoint parts, which the analysis cannot see; their private tensors are made
    // inside of the loop by construction.
    options.checkParallelRegions = false;
    options.unknownTypeConverterFn = [](TensorType type, Attribute memorySpace,
                                        const bufferization::BufferizationOptions &) {
      return bufferization::getMemRefTypeWithStaticIdentityLayout(type, memorySpace);
    };
    // Copies become loops: memref.copy of strided rows would call a runtime library that kernels do not have.
    options.memCpyFn = [](OpBuilder &b, Location loc, Value from, Value to) {
      linalg::makeMemRefCopyOp(b, loc, from, to);
      return success();
    };
    bufferization::BufferizationState state;
    if (failed(bufferization::runOneShotModuleBufferize(getOperation(), options, state)))
      signalPassFailure();
  }
};

} // namespace
