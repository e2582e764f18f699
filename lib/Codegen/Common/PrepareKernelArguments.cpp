// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- PrepareKernelArguments.cpp - results become arguments, weights say how they lie --------------------===//

#include "moe/Codegen/Common/Passes.h"
#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "llvm/ADT/SetVector.h"

namespace mlir::moe {
#define GEN_PASS_DEF_PREPAREKERNELARGUMENTS
#include "moe/Codegen/Common/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

/// A weight that no micro-kernel packed: row-major, experts one after the other.
static PackingAttr plainPacking(RankedTensorType type, int64_t weight) {
  ArrayRef<int64_t> shape = type.getShape();
  int64_t experts = shape.size() == 3 ? shape[0] : 1;
  int64_t rows = shape.size() == 1 ? 1 : shape[shape.size() - 2];
  return PackingAttr::get(type.getContext(), {weight}, experts, rows, shape.back(), /*panel=*/0, /*kGroup=*/1,
                          type.getElementType());
}

/// Unused weights go (their packed form took over); the others get a plain packing.
static void prepareWeights(func::FuncOp func) {
  llvm::BitVector unused(func.getNumArguments());
  unsigned inputs = countInputs(func);
  for (unsigned i = inputs; i != func.getNumArguments(); ++i) {
    if (func.getArgAttr(i, kPackingAttr))
      continue;
    if (func.getArgument(i).use_empty())
      unused.set(i);
    else if (auto type = dyn_cast<RankedTensorType>(func.getArgument(i).getType()))
      func.setArgAttr(i, kPackingAttr, plainPacking(type, i - inputs));
  }
  (void)func.eraseArguments(unused);
}

/// Writes `value` to `out`. Where it comes from the branches of a test, each of them writes it, so that it is computed
/// in `out` whichever branch runs; `tests` gets those whose results are not needed any more.
static void writeTo(OpBuilder &b, Location loc, Value value, Value out, llvm::SetVector<Operation *> &tests) {
  auto test = value.getDefiningOp<scf::IfOp>();
  if (!test || !value.hasOneUse()) {
    bufferization::MaterializeInDestinationOp::create(b, loc, Type(), value, out, /*restrict=*/true, /*writable=*/true);
    return;
  }
  tests.insert(test);
  OpBuilder::InsertionGuard guard(b);
  for (scf::YieldOp yield : {test.thenYield(), test.elseYield()}) {
    b.setInsertionPoint(yield);
    writeTo(b, loc, yield.getOperand(cast<OpResult>(value).getResultNumber()), out, tests);
  }
}

/// Each result is written to an argument of its own: rows of any stride.
static LogicalResult prepareResults(func::FuncOp func) {
  MLIRContext *ctx = func.getContext();
  SmallVector<Type> results(func.getResultTypes());
  SmallVector<StringAttr> names;
  for (unsigned i = 0; i != results.size(); ++i) {
    auto name = func.getResultAttrOfType<StringAttr>(i, kResultNameAttr);
    names.push_back(name ? name : StringAttr::get(ctx, i == 0 ? Twine("output") : "result" + Twine(i)));
  }
  auto returnOp = cast<func::ReturnOp>(func.front().getTerminator());
  OpBuilder b(returnOp);
  llvm::SetVector<Operation *> tests;
  auto layout = StridedLayoutAttr::get(ctx, 0, {ShapedType::kDynamic, 1});
  for (auto [i, type] : llvm::enumerate(results)) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor || tensor.getRank() != 2)
      return func.emitOpError("expects results of rank 2 in a kernel, got ") << type;
    auto memref = MemRefType::get(tensor.getShape(), tensor.getElementType(), layout);
    unsigned index = func.getNumArguments();
    (void)func.insertArgument(index, memref, b.getDictionaryAttr(b.getNamedAttr(kResultNameAttr, names[i])),
                              func.getLoc());
    writeTo(b, returnOp.getLoc(), returnOp.getOperand(i), func.getArgument(index), tests);
  }
  func::ReturnOp::create(b, returnOp.getLoc());
  returnOp.erase();
  func.setFunctionType(FunctionType::get(ctx, func.getArgumentTypes(), {}));
  func.removeResAttrsAttr();
  RewritePatternSet patterns(ctx);
  scf::IfOp::getCanonicalizationPatterns(patterns, ctx);
  if (!tests.empty())
    (void)applyOpPatternsGreedily(llvm::to_vector(llvm::reverse(tests)), std::move(patterns));
  return success();
}

namespace {

struct PrepareKernelArguments : moe::impl::PrepareKernelArgumentsBase<PrepareKernelArguments> {
  void runOnOperation() override {
    for (auto func : getOperation().getOps<func::FuncOp>()) {
      if (func.isExternal())
        continue;
      prepareWeights(func);
      if (failed(prepareResults(func)))
        return signalPassFailure();
    }
  }
};

} // namespace
