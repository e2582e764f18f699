// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- NormalizeExpertBodies.cpp - products and maps in place of plain tensor code --------------------------===//
//
// Grouped products are made of moe.linear, and epilogues of moe.map. A body may be written in linalg, arith and math as
// well; what of it are products and elementwise functions of rows is said in those two ops here.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "BodyMaps.h"
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

/// A linalg op that multiplies rows [T, K] by a matrix.
struct Product {
  linalg::LinalgOp op;
  Value rows, matrix;
  bool transposed; ///< the matrix is [K, N] and not [N, K]
};

/// The product of two of the op's inputs, summed over one loop, or none.
std::optional<Product> matchProduct(Operation *operation) {
  auto op = dyn_cast<linalg::LinalgOp>(operation);
  if (!op || op->getNumResults() != 1 || op.getNumLoops() != 3 || op.getNumReductionLoops() != 1 ||
      op.getNumDpsInputs() != 2)
    return std::nullopt;
  Value summand = getSummand(op);
  auto multiply = summand ? summand.getDefiningOp<arith::MulFOp>() : arith::MulFOp();
  if (!multiply)
    return std::nullopt;
  auto lhs = dyn_cast<BlockArgument>(stripExtension(multiply.getLhs()));
  auto rhs = dyn_cast<BlockArgument>(stripExtension(multiply.getRhs()));
  if (!lhs || !rhs || lhs.getArgNumber() + rhs.getArgNumber() != 1 || lhs.getOwner() != op.getBlock() ||
      rhs.getOwner() != op.getBlock())
    return std::nullopt;

  AffineMap result = op.getIndexingMapMatchingResult(op->getResult(0));
  if (result.getNumResults() != 2 || !result.isProjectedPermutation())
    return std::nullopt;
  AffineExpr row = result.getResult(0), column = result.getResult(1);
  SmallVector<unsigned> reductions;
  op.getReductionDims(reductions);
  AffineExpr inner = getAffineDimExpr(reductions.front(), op.getContext());
  for (unsigned first : {0, 1}) {
    OpOperand *rows = op.getDpsInputOperand(first), *matrix = op.getDpsInputOperand(1 - first);
    if (op.getMatchingIndexingMap(rows).getResults() != ArrayRef<AffineExpr>{row, inner})
      continue;
    ArrayRef<AffineExpr> order = op.getMatchingIndexingMap(matrix).getResults();
    if (order == ArrayRef<AffineExpr>{column, inner})
      return Product{op, rows->get(), matrix->get(), false};
    if (order == ArrayRef<AffineExpr>{inner, column})
      return Product{op, rows->get(), matrix->get(), true};
  }
  return std::nullopt;
}

std::optional<StringRef> reasonAgainst(const Product &product) {
  auto element = [](Value v) { return getElementTypeOrSelf(v.getType()); };
  auto result = cast<RankedTensorType>(product.op->getResult(0).getType());
  if (!result.isDynamicDim(0))
    return "it takes no rows";
  if (product.transposed)
    return "its matrix is [K, N], and moe.linear takes [N, K]";
  if (!result.getElementType().isF32())
    return "it does not accumulate in f32";
  if (element(product.rows) != element(product.matrix))
    return "rows and matrix have different element types";
  return std::nullopt;
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
    std::optional<Product> product = matchProduct(op);
    if (product && !reasonAgainst(*product)) {
      ++products;
      convert(*product);
    } else if (!isa<MapOp, linalg::FillOp>(op) && !maps.reasonAgainst(op)) {
      ++functions;
      maps.convert(b, op);
    }
  }

  void convert(const Product &product) {
    linalg::LinalgOp op = product.op;
    b.setInsertionPoint(op);
    Value init = op.getDpsInits().front();
    auto linear = LinearOp::create(b, op.getLoc(), op->getResultTypes(), product.rows, ValueRange{product.matrix});
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
    std::optional<Product> product = matchProduct(&op);
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
