// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- TestEmitRoute.cpp - lowers moe.select by either emission of a route --------------------------------===//

#include "moe/Dialect/MoE/Routers/EmitRoute.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Pass/Pass.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

/// An op marked `test.reference` is lowered by emitRouteReference, any other by emitRoute.
struct TestEmitRoute : PassWrapper<TestEmitRoute, OperationPass<>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(TestEmitRoute)

  StringRef getArgument() const override { return "test-moe-emit-route"; }
  StringRef getDescription() const override { return "Lower moe.select, plainly where it is marked test.reference"; }
  void getDependentDialects(DialectRegistry &registry) const override {
    registry.insert<arith::ArithDialect, math::MathDialect, scf::SCFDialect, tensor::TensorDialect,
                    vector::VectorDialect>();
  }

  void runOnOperation() override {
    getOperation()->walk([](SelectOp op) {
      OpBuilder b(op);
      auto emit = op->hasAttr("test.reference") ? emitRouteReference : emitRoute;
      auto routed =
          emit(b, op.getLoc(), RouteSpec::of(op), op.getLogits(), op.getBias(), op.getIdsInit(), op.getWeightsInit());
      op.replaceAllUsesWith(ValueRange{routed.first, routed.second});
      op.erase();
    });
  }
};

} // namespace

namespace mlir::moe::test {
void registerTestEmitRoute();
void registerTestEmitRoute() { PassRegistration<TestEmitRoute>(); }
} // namespace mlir::moe::test
