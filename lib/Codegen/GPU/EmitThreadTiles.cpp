// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- EmitThreadTiles.cpp - tile products to one element a thread ----------------------------------------===//
//
// The plain way to multiply a tile, for any types and sizes: a parallel loop inside the task, over the elements of the
// tile, each with its sums in registers and the epilogue on them. Nothing is gathered or stored in between.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "moe/Codegen/GPU/Passes.h"
#include "moe/Conversion/GroupedToLinalg/TileProduct.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/IRMapping.h"

namespace mlir::moe {
#define GEN_PASS_DEF_EMITTHREADTILES
#include "moe/Codegen/GPU/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

static Value toF32(OpBuilder &b, Location loc, Value value) {
  auto type = cast<FloatType>(value.getType());
  if (type.isF32())
    return value;
  if (type.getWidth() < 32)
    return arith::ExtFOp::create(b, loc, b.getF32Type(), value);
  return arith::TruncFOp::create(b, loc, b.getF32Type(), value);
}

namespace {

/// One tile; (row, column) is the element that a thread computes.
class ThreadTile {
public:
  explicit ThreadTile(const MatchedTileProduct &tile) : tile(tile), loc(tile.final->getLoc()) {}

  void emit() {
    OpBuilder b(tile.final);
    OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
    SmallVector<OpFoldResult> ends{tile.numRows, tensor::getMixedSize(b, loc, tile.init, 1)};
    auto loop = scf::ForallOp::create(b, loc, SmallVector<OpFoldResult>(2, zero), ends,
                                      SmallVector<OpFoldResult>(2, one), ValueRange(tile.init), std::nullopt);
    b.setInsertionPoint(loop.getTerminator());
    row = loop.getInductionVar(0);
    column = loop.getInductionVar(1);
    Value value = epilogue(b, sums(b));
    Value outRow = tile.slots ? tensor::ExtractOp::create(b, loc, tile.slots, ValueRange(add(b, tile.firstRow, row)))
                              : add(b, tile.outRow, row);
    SmallVector<OpFoldResult> at{outRow, column}, single(2, one), steps(2, one);
    Value shared = loop.getRegionIterArgs()[0], origin = arith::ConstantIndexOp::create(b, loc, 0);
    Value place = tensor::ExtractSliceOp::create(b, loc, shared, at, single, steps);
    Value stored = tensor::InsertOp::create(b, loc, value, place, ValueRange{origin, origin});
    b.setInsertionPointToEnd(loop.getTerminator().getBody());
    tensor::ParallelInsertSliceOp::create(b, loc, stored, shared, at, single, steps);
    tile.final->getResult(0).replaceAllUsesWith(loop.getResult(0));
    tile.final->erase();
  }

private:
  Value add(OpBuilder &b, Value x, Value y) const { return arith::AddIOp::create(b, loc, x, y); }

  /// sum_k row[k] * matrix_i[column, k] in ascending order of k, in f32.
  SmallVector<Value> sums(OpBuilder &b) const {
    Value source = add(b, tile.firstRow, row);
    if (tile.tokens)
      source = tensor::ExtractOp::create(b, loc, tile.tokens, ValueRange(source));
    Value zero = arith::ConstantIndexOp::create(b, loc, 0), one = arith::ConstantIndexOp::create(b, loc, 1);
    int64_t reduction = cast<RankedTensorType>(tile.rows.getType()).getDimSize(1);
    Value start = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(0.0f));
    auto loop = scf::ForOp::create(b, loc, zero, arith::ConstantIndexOp::create(b, loc, reduction), one,
                                   SmallVector<Value>(tile.matrices.size(), start));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value k = loop.getInductionVar();
    Value x = toF32(b, loc, tensor::ExtractOp::create(b, loc, tile.rows, ValueRange{source, k}));
    SmallVector<Value> next;
    for (auto [matrix, sum] : llvm::zip_equal(tile.matrices, loop.getRegionIterArgs())) {
      Value w = toF32(b, loc, tensor::ExtractOp::create(b, loc, matrix, ValueRange{column, k}));
      next.push_back(math::FmaOp::create(b, loc, x, w, sum));
    }
    scf::YieldOp::create(b, loc, next);
    return SmallVector<Value>(loop.getResults());
  }

  Value epilogue(OpBuilder &b, ArrayRef<Value> sums) const {
    linalg::GenericOp op = tile.epilogue;
    if (!op)
      return sums.front();
    IRMapping map;
    for (OpOperand *input : op.getDpsInputOperands()) {
      unsigned i = input->getOperandNumber();
      Value value = i < sums.size() ? sums[i] : Value();
      if (!value) {
        SmallVector<Value> at;
        for (AffineExpr index : op.getMatchingIndexingMap(input).getResults())
          at.push_back(index == b.getAffineDimExpr(0) ? row : column);
        value = tensor::ExtractOp::create(b, loc, input->get(), at);
      }
      map.map(op.getBody()->getArgument(i), value);
    }
    for (Operation &inner : op.getBody()->without_terminator())
      b.clone(inner, map);
    return map.lookupOrDefault(op.getBody()->getTerminator()->getOperand(0));
  }

  const MatchedTileProduct &tile;
  Location loc;
  Value row, column;
};

struct EmitThreadTiles : moe::impl::EmitThreadTilesBase<EmitThreadTiles> {
  void runOnOperation() override {
    SmallVector<linalg::GenericOp> products;
    getOperation()->walk([&](linalg::GenericOp op) {
      if (op->hasAttr(kTileProductAttr))
        products.push_back(op);
    });
    for (linalg::GenericOp product : products) {
      FailureOr<MatchedTileProduct> tile = matchTileProduct(product);
      if (succeeded(tile))
        ThreadTile(*tile).emit();
    }
  }
};

} // namespace
