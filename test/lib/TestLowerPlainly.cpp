// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- TestLowerPlainly.cpp - any stage to the kernel stage by a short way -------------------------===//
//
// Takes what any pass of moe-compile-pipeline leaves and brings it to the kernel stage without the passes that make it
// fast: no tuned tile sizes, no micro-kernels, upstream's bufferisation with all its checks, buffers on the stack
// instead of a planned workspace, serial loops instead of tasks. What the C ABI asks for is made by the passes of the
// pipeline. Two neighbouring snapshots, lowered so and run, tell whether the pass between them is right.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "moe/Codegen/CPU/Passes.h"
#include "moe/Codegen/Common/Passes.h"
#include "moe/Conversion/Passes.h"
#include "moe/Dialect/MoE/IR/MoE.h"
#include "moe/Pipelines/Pipelines.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotModuleBufferize.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/Passes.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/X86Vector/X86VectorDialect.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace mlir::moe;

static SmallVector<func::FuncOp> kernelsOf(ModuleOp module) {
  SmallVector<func::FuncOp> kernels;
  for (auto func : module.getOps<func::FuncOp>())
    if (!func.isExternal() && !func.isPrivate() && !func.getName().ends_with("_workspace"))
      kernels.push_back(func);
  return kernels;
}

template <typename... Ops>
static bool has(ModuleOp module) {
  return module.walk([](Operation *op) { return isa<Ops...>(op) ? WalkResult::interrupt() : WalkResult::advance(); })
      .wasInterrupted();
}

static bool hasArgument(ModuleOp module, function_ref<bool(Type)> is) {
  return llvm::any_of(kernelsOf(module), [&](func::FuncOp func) { return llvm::any_of(func.getArgumentTypes(), is); });
}

static void forgetTileSizes(ModuleOp module) {
  module.walk([](GroupedMatmulOp op) { op.removeConfigAttr(); });
}

/// Serial loops are one thread's, and nothing is brought near.
static void runAlone(ModuleOp module) {
  module.walk([](ThreadsOp op) {
    OpBuilder b(op);
    op.replaceAllUsesWith(arith::ConstantIndexOp::create(b, op.getLoc(), 1).getResult());
    op.erase();
  });
  module.walk([](PrefetchOp op) { op.erase(); });
}

/// Upstream's, with its checks of parallel regions, without the elimination of empty tensors.
static LogicalResult bufferizePlainly(ModuleOp module) {
  bufferization::OneShotBufferizationOptions options;
  options.bufferizeFunctionBoundaries = true;
  options.functionArgTypeConverterFn = [](bufferization::TensorLikeType type, Attribute space, func::FuncOp func,
                                          const bufferization::BufferizationOptions &) {
    auto tensor = cast<RankedTensorType>(type);
    MemRefLayoutAttrInterface layout;
    if (tensor.getRank() == 2 && tensor.isDynamicDim(0))
      layout = StridedLayoutAttr::get(func.getContext(), 0, {ShapedType::kDynamic, 1});
    return cast<bufferization::BufferLikeType>(
        MemRefType::get(tensor.getShape(), tensor.getElementType(), layout, space));
  };
  options.unknownTypeConverterFn = [](TensorType type, Attribute space, const bufferization::BufferizationOptions &) {
    return bufferization::getMemRefTypeWithStaticIdentityLayout(type, space);
  };
  // A kernel has no runtime library that could copy.
  options.memCpyFn = [](OpBuilder &b, Location loc, Value from, Value to) {
    linalg::makeMemRefCopyOp(b, loc, from, to);
    return success();
  };
  bufferization::BufferizationState state;
  return bufferization::runOneShotModuleBufferize(module, options, state);
}

/// Every buffer on the stack of the call, where small layers have room, and a workspace of no byte.
static void putBuffersOnStack(ModuleOp module) {
  module.walk([](memref::DeallocOp op) { op.erase(); });
  module.walk([](memref::AllocOp alloc) {
    OpBuilder b(alloc);
    auto type = alloc.getType();
    Value stack = memref::AllocaOp::create(b, alloc.getLoc(), type, alloc.getDynamicSizes(), b.getI64IntegerAttr(64));
    alloc.replaceAllUsesWith(stack);
    alloc.erase();
  });
  MLIRContext *context = module.getContext();
  for (func::FuncOp func : kernelsOf(module)) {
    auto bytes = MemRefType::get({ShapedType::kDynamic}, IntegerType::get(context, 8));
    (void)func.insertArgument(func.getNumArguments(), bytes, DictionaryAttr(), func.getLoc());
    OpBuilder b(func);
    b.setInsertionPointAfter(func);
    auto type = b.getFunctionType({b.getIndexType()}, {b.getI64Type()});
    auto query = func::FuncOp::create(b, func.getLoc(), (func.getName() + "_workspace").str(), type);
    b.setInsertionPointToStart(query.addEntryBlock());
    Value none = arith::ConstantOp::create(b, func.getLoc(), b.getI64IntegerAttr(0));
    func::ReturnOp::create(b, func.getLoc(), none);
  }
}

namespace {

struct TestLowerPlainly : PassWrapper<TestLowerPlainly, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(TestLowerPlainly)

  TestLowerPlainly() = default;
  TestLowerPlainly(const TestLowerPlainly &other) : PassWrapper(other) {}

  StringRef getArgument() const override { return "test-moe-lower-plainly"; }
  StringRef getDescription() const override { return "Lower any stage to serial loops on buffers"; }
  void getDependentDialects(DialectRegistry &registry) const override {
    registry.insert<affine::AffineDialect, arith::ArithDialect, bufferization::BufferizationDialect,
                    cf::ControlFlowDialect, func::FuncDialect, linalg::LinalgDialect, LLVM::LLVMDialect,
                    math::MathDialect, memref::MemRefDialect, scf::SCFDialect, tensor::TensorDialect, ub::UBDialect,
                    vector::VectorDialect, x86vector::X86VectorDialect>();
  }

  void runOnOperation() override {
    // Variants of a layer are functions of their own for a while.
    LogicalResult inlined = run([](OpPassManager &passes) { passes.addPass(createInlinerPass()); });
    if (failed(inlined) || failed(toArguments()) || failed(toBuffers()) || failed(toKernel()))
      signalPassFailure();
  }

private:
  LogicalResult run(function_ref<void(OpPassManager &)> build) {
    OpPassManager passes(ModuleOp::getOperationName());
    build(passes);
    return runPipeline(passes, getOperation());
  }

  /// Tensors of any stage to functions with an argument for each output.
  LogicalResult toArguments() {
    ModuleOp module = getOperation();
    if (llvm::all_of(kernelsOf(module), [](func::FuncOp func) { return func.getNumResults() == 0; }))
      return success();
    // The machine is recorded by the pass that chooses tile sizes.
    if (!module->hasAttr(kTargetAttr) && failed(run([&](OpPassManager &passes) {
          SelectKernelConfigOptions config;
          config.level = level;
          passes.addPass(createSelectKernelConfig(config));
        })))
      return failure();
    forgetTileSizes(module);
    bool model = has<RouteOp, RouteWithinOp, MakeRoutingOp, DispatchOp, ExpertsOp, CombineOp>(module);
    if (!model && failed(run([](OpPassManager &passes) { passes.addPass(createConvertGroupedToLinalg()); })))
      return failure();
    runAlone(module);
    return run([](OpPassManager &passes) {
      passes.addPass(createConvertMoEToLinalg()); // in the grouped form, of products that no expert makes
      buildCleanup(passes);                       // sizes of tensors become functions of the number of rows
      passes.addPass(createPrepareKernelArguments());
    });
  }

  LogicalResult toBuffers() {
    ModuleOp module = getOperation();
    runAlone(module);
    bool tensors = hasArgument(module, llvm::IsaPred<TensorType>);
    if (tensors && failed(bufferizePlainly(module)))
      return failure();
    bool pointed = has<FromAddressOp>(module);
    return run([&](OpPassManager &passes) {
      if (tensors)
        buildCleanup(passes); // slices of slices of weights fold
      if (!pointed)
        passes.addPass(createPointWeights());
      passes.addPass(createConvertLinalgToLoopsPass());
    });
  }

  LogicalResult toKernel() {
    ModuleOp module = getOperation();
    if (hasArgument(module, llvm::IsaPred<LLVM::LLVMPointerType>)) // has tasks already
      return success();
    bool planned = llvm::any_of(module.getOps<func::FuncOp>(),
                                [](func::FuncOp func) { return func.getName().ends_with("_workspace"); });
    if (!planned)
      putBuffersOnStack(module);
    return run([&](OpPassManager &passes) {
      passes.addNestedPass<func::FuncOp>(createForallToForLoopPass());
      ExpandBF16Options bf16;
      bf16.level = level;
      passes.addPass(createExpandBF16(bf16));
      passes.addPass(createOutlineTasks()); // of which there are none: it adds the argument for a pool
    });
  }

  Option<std::string> level{*this, "level", llvm::cl::desc("machine level"), llvm::cl::init("x86-64-v3")};
};

} // namespace

namespace mlir::moe::test {
void registerTestLowerPlainly();
void registerTestLowerPlainly() { PassRegistration<TestLowerPlainly>(); }
} // namespace mlir::moe::test
