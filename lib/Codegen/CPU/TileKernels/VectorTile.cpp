// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- VectorTile.cpp - a tile on vector registers --------------------------------------------------------===//

#include "VectorTile.h"

#include "ReadVector.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mlir::moe;

/// Loops over blocks of rows, tallest first.
FailureOr<Value> VectorTile::emit(OpBuilder &b, Location loc, const TileOperands &tile, Value out,
                                  FinishRow finish) const {
  Value begin = arith::ConstantIndexOp::create(b, loc, 0);
  int64_t perRow = tile.matrices * (tile.columns / lanes);
  bool failed = false;
  for (int64_t height : tile.heights) {
    Value step = arith::ConstantIndexOp::create(b, loc, height);
    Value left = arith::SubIOp::create(b, loc, tile.numRows, begin);
    Value rest = arith::RemUIOp::create(b, loc, left, step);
    Value end = arith::SubIOp::create(b, loc, tile.numRows, rest);
    auto block = [&](OpBuilder &nested, Location loc, Value first, ValueRange carried) {
      SmallVector<Value> rows, sources;
      for (int64_t r = 0; r != height; ++r) {
        rows.push_back(arith::AddIOp::create(nested, loc, first, arith::ConstantIndexOp::create(nested, loc, r)));
        sources.push_back(tile.sourceRow(nested, loc, rows.back()));
      }
      SmallVector<Value> sums = reduce(nested, loc, tile, sources);
      Value updated = carried[0];
      for (auto [r, row] : llvm::enumerate(rows)) {
        FailureOr<Value> next = finish(nested, loc, row, ArrayRef(sums).slice(r * perRow, perRow), updated);
        failed |= mlir::failed(next);
        updated = failed ? updated : *next;
      }
      scf::YieldOp::create(nested, loc, updated);
    };
    out = scf::ForOp::create(b, loc, begin, end, step, ValueRange(out), block).getResult(0);
    begin = end;
  }
  if (failed)
    return failure();
  return out;
}

/// The accumulators, [row][matrix][vector], after the whole reduction.
SmallVector<Value> VectorTile::reduce(OpBuilder &b, Location loc, const TileOperands &tile,
                                      ArrayRef<Value> rows) const {
  auto type = VectorType::get({lanes}, b.getF32Type());
  Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
  SmallVector<Value> sums(rows.size() * tile.matrices * (tile.columns / lanes), zero);
  int64_t groups = tile.reduction / kGroup();
  if (groups != 0) {
    Value begin = arith::ConstantIndexOp::create(b, loc, 0), end = arith::ConstantIndexOp::create(b, loc, groups);
    Value one = arith::ConstantIndexOp::create(b, loc, 1);
    auto loop = scf::ForOp::create(b, loc, begin, end, one, sums,
                                   [&](OpBuilder &nested, Location loc, Value group, ValueRange carried) {
                                     SmallVector<Value> next(carried);
                                     step(nested, loc, tile, rows, group, /*whole=*/true, next);
                                     scf::YieldOp::create(nested, loc, next);
                                   });
    sums.assign(loop.getResults().begin(), loop.getResults().end());
  }
  // A last group that the rows do not fill: packed weights are zero there, and rows are read up to their end.
  if (tile.reduction % kGroup() != 0)
    step(b, loc, tile, rows, arith::ConstantIndexOp::create(b, loc, groups), /*whole=*/false, sums);
  return sums;
}

void VectorTile::step(OpBuilder &b, Location loc, const TileOperands &tile, ArrayRef<Value> rows, Value group,
                      bool whole, SmallVector<Value> &sums) const {
  SmallVector<Value> weights;
  for (int64_t j = 0; j != tile.matrices; ++j)
    for (int64_t first = 0; first != tile.columns; first += lanes) {
      Value matrix = arith::ConstantIndexOp::create(b, loc, j);
      Value element = arith::ConstantIndexOp::create(b, loc, first * kGroup());
      Value packed = readVector(b, loc, tile.panel, ValueRange{group, matrix, element}, lanes * kGroup(), true);
      weights.push_back(prepareWeights(b, loc, packed));
    }
  Value k = arith::MulIOp::create(b, loc, group, arith::ConstantIndexOp::create(b, loc, kGroup()));
  for (auto [r, row] : llvm::enumerate(rows)) {
    Value broadcast = broadcastRow(b, loc, readVector(b, loc, tile.rows, ValueRange{row, k}, kGroup(), whole));
    for (auto [i, weight] : llvm::enumerate(weights)) {
      Value &sum = sums[r * weights.size() + i];
      sum = multiply(b, loc, broadcast, weight, sum);
    }
  }
}
