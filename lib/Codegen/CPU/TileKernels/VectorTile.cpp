// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- VectorTile.cpp - a tile on vector registers --------------------------------------------------------===//

#include "VectorTile.h"

#include "ReadVector.h"
#include "moe/Codegen/CPU/NumberFormat.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mlir::moe;

/// The sums of a block of rows over the whole reduction.
class VectorTile::Reduction {
public:
  Reduction(const VectorTile &kernel, const TileOperands &tile, ArrayRef<Value> rows)
      : kernel(kernel), tile(tile), format(*tile.format), rows(rows),
        panel{tile.matrices, tile.columns, tile.reduction, kernel.kGroup()},
        elements(format.groupsPerRead() * kernel.kGroup()) {}

  /// The accumulators, [row][matrix][vector].
  SmallVector<Value> emit(OpBuilder &b, Location loc) const {
    auto type = VectorType::get({kernel.lanes}, b.getF32Type());
    Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
    SmallVector<Value> sums(rows.size() * tile.matrices * (tile.columns / kernel.lanes), zero);
    int64_t block = format.scaleBlock();
    if (block > 0) {
      overBlocks(b, loc, block, sums);
      return sums;
    }
    overReads(b, loc, /*first=*/{}, tile.reduction, /*scales=*/{}, sums);
    if (block == NumberFormat::kWholeReduction) {
      SmallVector<Value> scales = readScales(b, loc, arith::ConstantIndexOp::create(b, loc, 0));
      for (auto [i, sum] : llvm::enumerate(sums))
        sum = arith::MulFOp::create(b, loc, sum, scales[i % scales.size()]);
    }
    return sums;
  }

private:
  /// Emits `body` for each vector of the panel's columns, in the order [matrix][vector].
  void forColumns(function_ref<void(const PanelColumns &)> body) const {
    for (int64_t matrix = 0; matrix != tile.matrices; ++matrix)
      for (int64_t first = 0; first != tile.columns; first += kernel.lanes)
        body({matrix, first, kernel.lanes});
  }

  SmallVector<Value> readScales(OpBuilder &b, Location loc, Value block) const {
    SmallVector<Value> scales;
    forColumns([&](const PanelColumns &columns) {
      scales.push_back(format.readScale(b, loc, panel, tile.panel, block, columns));
    });
    return scales;
  }

  /// A loop from 0 to `count` that carries the sums.
  static void loop(OpBuilder &b, Location loc, int64_t count, SmallVector<Value> &sums,
                   function_ref<void(OpBuilder &, Location, Value, SmallVector<Value> &)> body) {
    if (count == 0)
      return;
    Value begin = arith::ConstantIndexOp::create(b, loc, 0), end = arith::ConstantIndexOp::create(b, loc, count);
    Value one = arith::ConstantIndexOp::create(b, loc, 1);
    auto op = scf::ForOp::create(b, loc, begin, end, one, sums,
                                 [&](OpBuilder &nested, Location loc, Value i, ValueRange carried) {
                                   SmallVector<Value> next(carried);
                                   body(nested, loc, i, next);
                                   scf::YieldOp::create(nested, loc, next);
                                 });
    sums.assign(op.getResults().begin(), op.getResults().end());
  }

  /// Blocks of the reduction that share scales; the last may be cut short.
  void overBlocks(OpBuilder &b, Location loc, int64_t size, SmallVector<Value> &sums) const {
    auto block = [&](OpBuilder &nested, Location loc, Value i, int64_t width, SmallVector<Value> &next) {
      SmallVector<Value> scales = readScales(nested, loc, i);
      Value perBlock = arith::ConstantIndexOp::create(nested, loc, size / elements);
      overReads(nested, loc, arith::MulIOp::create(nested, loc, i, perBlock), width, scales, next);
    };
    loop(b, loc, tile.reduction / size, sums, [&](OpBuilder &nested, Location loc, Value i, SmallVector<Value> &next) {
      block(nested, loc, i, size, next);
    });
    if (int64_t rest = tile.reduction % size)
      block(b, loc, arith::ConstantIndexOp::create(b, loc, tile.reduction / size), rest, sums);
  }

  /// The reads of `width` elements of the reduction, from read `first` (or 0) on.
  void overReads(OpBuilder &b, Location loc, Value first, int64_t width, ArrayRef<Value> scales,
                 SmallVector<Value> &sums) const {
    auto at = [&](OpBuilder &b, Location loc, Value i) -> Value {
      return first ? arith::AddIOp::create(b, loc, first, i).getResult() : i;
    };
    loop(b, loc, width / elements, sums, [&](OpBuilder &nested, Location loc, Value i, SmallVector<Value> &next) {
      step(nested, loc, at(nested, loc, i), elements, scales, next);
    });
    // A last read that the rows do not fill: packed weights are zero there, and rows are read up to their end.
    if (int64_t rest = width % elements)
      step(b, loc, at(b, loc, arith::ConstantIndexOp::create(b, loc, width / elements)), rest, scales, sums);
  }

  /// One read of the panel times `width` elements of each row.
  void step(OpBuilder &b, Location loc, Value read, int64_t width, ArrayRef<Value> scales,
            SmallVector<Value> &sums) const {
    SmallVector<SmallVector<Value>> weights(format.groupsPerRead()); // [group][matrix and vector]
    forColumns([&](const PanelColumns &columns) {
      for (auto [group, packed] : llvm::enumerate(format.readWeights(b, loc, panel, tile.panel, read, columns))) {
        Value operand = kernel.prepareWeights(b, loc, packed);
        if (!scales.empty())
          operand = arith::MulFOp::create(b, loc, operand, scales[weights[group].size()]);
        weights[group].push_back(operand);
      }
    });
    int64_t kGroup = kernel.kGroup();
    Value k = arith::MulIOp::create(b, loc, read, arith::ConstantIndexOp::create(b, loc, elements));
    for (int64_t group = 0; group * kGroup < width; ++group) {
      if (group != 0)
        k = arith::AddIOp::create(b, loc, k, arith::ConstantIndexOp::create(b, loc, kGroup));
      bool whole = (group + 1) * kGroup <= width;
      for (auto [r, row] : llvm::enumerate(rows)) {
        Value broadcast = kernel.broadcastRow(b, loc, readVector(b, loc, tile.rows, ValueRange{row, k}, kGroup, whole));
        for (auto [i, weight] : llvm::enumerate(weights[group])) {
          Value &sum = sums[r * weights[group].size() + i];
          sum = kernel.multiply(b, loc, broadcast, weight, sum);
        }
      }
    }
  }

  const VectorTile &kernel;
  const TileOperands &tile;
  const NumberFormat &format;
  ArrayRef<Value> rows;
  PanelShape panel;
  int64_t elements; ///< of the reduction that one read brings
};

/// Blocks at most half as wide are twice as high: a multiplication waits for the one before it in the same sum, so that
/// a few sums alone would leave the units idle.
SmallVector<int64_t> VectorTile::tileRowsFor(int64_t width) const {
  SmallVector<int64_t> rows = llvm::to_vector(heights);
  if (2 * width > vectors)
    return rows;
  for (int64_t &height : rows)
    if (height != 1)
      height *= 2;
  return rows;
}

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
      SmallVector<Value> sums = Reduction(*this, tile, sources).emit(nested, loc);
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
