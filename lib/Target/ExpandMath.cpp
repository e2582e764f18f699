// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- ExpandMath.cpp - math functions become arithmetic --------------------------------------------------===//

#include "moe/Target/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#include "llvm/ADT/StringSet.h"

namespace mlir::moe {
#define GEN_PASS_DEF_EXPANDMATH
#include "moe/Target/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;

namespace {
struct ExpandMath : mlir::moe::impl::ExpandMathBase<ExpandMath> {
  void runOnOperation() override {
    // Written in terms of functions with an approximation, or of instructions.
    SmallVector<StringRef> derived = {"sinh", "cosh", "tan",   "asinh", "acosh", "atanh",
                                      "exp2", "powf", "fpowi", "ipowi", "rsqrt"};
    static const llvm::StringSet<> approximated = {
        math::TanhOp::getOperationName(), math::AtanOp::getOperationName(),  math::Atan2Op::getOperationName(),
        math::AcosOp::getOperationName(), math::AsinOp::getOperationName(),  math::LogOp::getOperationName(),
        math::Log2Op::getOperationName(), math::Log1pOp::getOperationName(), math::ErfOp::getOperationName(),
        math::ErfcOp::getOperationName(), math::ExpOp::getOperationName(),   math::ExpM1Op::getOperationName(),
        math::CbrtOp::getOperationName(), math::SinOp::getOperationName(),   math::CosOp::getOperationName()};
    auto known = [](StringRef name) { return approximated.contains(name); };
    RewritePatternSet patterns(&getContext());
    math::populateExpansionPatterns(patterns, derived);
    populateMathF32ExpansionPatterns(patterns, known);
    populateMathPolynomialApproximationPatterns(patterns, known);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
