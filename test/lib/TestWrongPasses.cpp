// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- TestWrongPasses.cpp - passes that do harm, to see that it is noticed -------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Pass/Pass.h"

using namespace mlir;

namespace {

/// Makes a sum of the first product of floats: valid IR that computes something else.
struct TestMiscompile : PassWrapper<TestMiscompile, OperationPass<>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(TestMiscompile)

  StringRef getArgument() const override { return "test-moe-miscompile"; }
  StringRef getDescription() const override { return "Replace the first arith.mulf by arith.addf"; }

  void runOnOperation() override {
    getOperation()->walk([](arith::MulFOp op) {
      OpBuilder b(op);
      op.replaceAllUsesWith(arith::AddFOp::create(b, op.getLoc(), op.getLhs(), op.getRhs()).getResult());
      op.erase();
      return WalkResult::interrupt();
    });
  }
};

/// Fails on an op of the given name, or crashes on it.
struct TestFailOn : PassWrapper<TestFailOn, OperationPass<>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(TestFailOn)
  TestFailOn() = default;
  TestFailOn(const TestFailOn &other) : PassWrapper(other) {}

  StringRef getArgument() const override { return "test-moe-fail-on"; }
  StringRef getDescription() const override { return "Fail, or crash, where there is an op of a name"; }

  void runOnOperation() override {
    getOperation()->walk([&](Operation *op) {
      if (op->getName().getStringRef() != name)
        return WalkResult::advance();
      if (crash)
        __builtin_trap();
      op->emitOpError("is what the pass fails on");
      signalPassFailure();
      return WalkResult::interrupt();
    });
  }

  Option<std::string> name{*this, "op", llvm::cl::desc("name of the op")};
  Option<bool> crash{*this, "crash", llvm::cl::desc("crash instead of failing")};
};

} // namespace

namespace mlir::moe::test {
void registerTestWrongPasses();
void registerTestWrongPasses() {
  PassRegistration<TestMiscompile>();
  PassRegistration<TestFailOn>();
}
} // namespace mlir::moe::test
