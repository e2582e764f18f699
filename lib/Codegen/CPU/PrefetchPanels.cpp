// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- PrefetchPanels.cpp - a tile says which weights its task needs next ---------------------------------===//

#include "moe/Codegen/CPU/Passes.h"
#include "moe/Conversion/GroupedToLinalg/TileProduct.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace mlir::moe {
#define GEN_PASS_DEF_PREFETCHPANELS
#include "moe/Codegen/CPU/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

namespace {

/// Computes values of one iteration of a loop for another one.
class OtherIteration {
public:
  OtherIteration(OpBuilder &b, scf::ForOp loop, Value induction) : b(b), loop(loop) {
    map.map(loop.getInductionVar(), induction);
  }

  /// Fails where the value depends on what earlier iterations did.
  LogicalResult compute(Value value) {
    if (map.contains(value) || !loop.getRegion().isAncestor(value.getParentRegion()))
      return success();
    Operation *op = value.getDefiningOp();
    if (!op || op->getNumRegions() != 0 || !isMemoryEffectFree(op))
      return failure();
    for (Value operand : op->getOperands())
      if (failed(compute(operand)))
        return failure();
    b.clone(*op, map);
    return success();
  }

  Value lookup(Value value) const { return map.lookupOrDefault(value); }

private:
  OpBuilder &b;
  scf::ForOp loop;
  IRMapping map;
};

struct PrefetchPanels : moe::impl::PrefetchPanelsBase<PrefetchPanels> {
  void runOnOperation() override {
    SmallVector<linalg::GenericOp> products;
    getOperation()->walk([&](linalg::GenericOp op) {
      if (op->hasAttr(kTileProductAttr) && !isa_and_nonnull<PrefetchOp>(op->getPrevNode()))
        products.push_back(op);
    });
    for (linalg::GenericOp product : products) {
      auto category = remark::RemarkOpts::name("panel").category("moe-prefetch-panels");
      if (auto config = product->getAttrOfType<KernelConfigAttr>(kTileProductAttr); config && !config.getPrefetch()) {
        remark::missed(product.getLoc(), category) << remark::reason("its kernel configuration asks for no prefetch");
        continue;
      }
      if (auto loop = dyn_cast<scf::ForOp>(product->getParentOp()); loop && succeeded(prefetch(loop, product)))
        remark::passed(product.getLoc(), category) << "the next tile's weights are prefetched while this one runs";
      else
        remark::missed(product.getLoc(), category) << remark::reason("no loop of this task knows the next tile");
    }
  }

private:
  static LogicalResult prefetch(scf::ForOp loop, linalg::GenericOp product) {
    OpBuilder b(product);
    Location loc = product.getLoc();
    // The last tile names its own weights: they are near, and prefetching them costs next to nothing.
    Value current = loop.getInductionVar();
    Value following = arith::AddIOp::create(b, loc, current, loop.getStep());
    Value more = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, following, loop.getUpperBound());
    OtherIteration next(b, loop, arith::SelectOp::create(b, loc, more, following, current));
    SmallVector<Value> matrices;
    for (Value matrix : product.getInputs().drop_front()) {
      if (failed(next.compute(matrix)) || next.lookup(matrix) == matrix)
        return failure();
      matrices.push_back(next.lookup(matrix));
    }
    PrefetchOp::create(b, loc, matrices);
    return success();
  }
};

} // namespace
