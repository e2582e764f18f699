// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- NormalizeExpertBodies.cpp - products and maps in place of plain tensor code --------------------------===//
//
// Grouped products are made of moe.linear, and epilogues of moe.map. A body may be written in linalg, arith and math as
// well; what of it are products and elementwise functions of rows is said in those two ops here.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "BodyMaps.h"
#include "BodyProducts.h"
#include "ExpertBodies.h"
#include "Structured.h"
#include "moe/Conversion/Passes.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::moe {
#define GEN_PASS_DEF_NORMALIZEEXPERTBODIES
#include "moe/Conversion/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

namespace {

std::optional<StringRef> reasonAgainst(const BodyProduct &product) {
  if (product.transposed)
    return "its matrix is [K, N], and moe.linear takes [N, K]";
  return product.reasonAgainst();
}

class BodyNormalizer {
public:
  BodyNormalizer(ExpertsOp experts, StringRef pass) : experts(experts), pass(pass), b(experts.getContext()) {}

  void run() {
    Block &body = experts.getBody().front();
    for (Operation *op = &body.front(); op != body.getTerminator();) {
      Operation *next = op->getNextNode();
      visit(op);
      op = next;
    }
    for (Operation *op = body.getTerminator()->getPrevNode(); op;) {
      Operation *previous = op->getPrevNode();
      if (isOpTriviallyDead(op))
        b.eraseOp(op);
      op = previous;
    }
    for (Operation &op : body.without_terminator())
      explain(op);
    if (products + functions)
      remark::passed(experts.getLoc(), remarkAbout(experts, "normalised", pass))
          << remark::add("{0} products and {1} elementwise ops", products, functions);
  }

private:
  void visit(Operation *op) {
    std::optional<BodyProduct> product = BodyProduct::match(op);
    if (product && !reasonAgainst(*product)) {
      ++products;
      convert(*product);
    } else if (!isa<MapOp, linalg::FillOp>(op) && !maps.reasonAgainst(op)) {
      ++functions;
      maps.convert(b, op);
    }
  }

  void convert(const BodyProduct &product) {
    linalg::LinalgOp op = product.op;
    b.setInsertionPoint(op);
    Value init = op.getDpsInits().front();
    auto linear =
        LinearOp::create(b, op.getLoc(), op->getResultTypes(), product.rows->get(), ValueRange{product.matrix->get()});
    if (isZeros(init))
      return b.replaceOp(op, linear.getResults());
    // What the sum starts from is a bias more often than not.
    auto sum = arith::AddFOp::create(b, op.getLoc(), linear.getResult(0), init);
    b.replaceOp(op, sum.getResult());
    if (!maps.reasonAgainst(sum))
      maps.convert(b, sum);
  }

  void explain(Operation &op) {
    bool plain = isa<linalg::LinalgOp>(op) || OpTrait::hasElementwiseMappableTraits(&op);
    if (!plain || isa<linalg::FillOp>(op) || op.getNumResults() != 1 || !isa<TensorType>(op.getResult(0).getType()))
      return;
    std::optional<BodyProduct> product = BodyProduct::match(&op);
    if (auto reason = product ? reasonAgainst(*product) : maps.reasonAgainst(&op))
      remark::missed(op.getLoc(), remarkAbout(&op, "not normalised", pass)) << remark::reason("{0}", *reason);
  }

  ExpertsOp experts;
  StringRef pass;
  IRRewriter b;
  BodyMaps maps;
  int64_t products = 0, functions = 0;
};

struct NormalizeExpertBodies : mlir::moe::impl::NormalizeExpertBodiesBase<NormalizeExpertBodies> {
  void runOnOperation() override {
    getOperation()->walk([&](ExpertsOp experts) { normalizeBody(experts, getArgument()); });
  }
};

} // namespace

void mlir::moe::normalizeBody(ExpertsOp experts, StringRef pass) { BodyNormalizer(experts, pass).run(); }
