// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- VectorTile.cpp - a tile on vector registers --------------------------------------------------------===//

#include "VectorTile.h"

#include "PanelPrefetch.h"
#include "ReadVector.h"
#include "moe/Codegen/CPU/NumberFormat.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mlir::moe;

/// Reads between two shares of a prefetch: about 100 cycles, so that a share is a few lines.
static constexpr int64_t kReadsPerShare = 8;

/// The sums of a block of rows over the whole reduction.
class VectorTile::Reduction {
public:
  Reduction(const VectorTile &kernel, const TileOperands &tile, ArrayRef<Value> rows, const BlockPrefetch &prefetch)
      : kernel(kernel), tile(tile), format(*tile.format), rows(rows),
        panel{tile.matrices, tile.columns, tile.reduction, kernel.kGroup()},
        elements(format.groupsPerRead() * kernel.kGroup()), prefetch(prefetch) {}

  int64_t shares() const {
    if (format.scaleBlock() > 0)
      return tile.reduction / format.scaleBlock();
    return tile.reduction / elements / kReadsPerShare;
  }

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
      share(nested, loc, i);
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
    int64_t done = 0;
    if (prefetch.panel && scales.empty()) {
      done = shares() * kReadsPerShare;
      loop(b, loc, shares(), sums, [&](OpBuilder &outer, Location loc, Value i, SmallVector<Value> &sums) {
        share(outer, loc, i);
        Value from = arith::MulIOp::create(outer, loc, i, arith::ConstantIndexOp::create(outer, loc, kReadsPerShare));
        loop(outer, loc, kReadsPerShare, sums, [&](OpBuilder &inner, Location loc, Value j, SmallVector<Value> &next) {
          step(inner, loc, at(inner, loc, arith::AddIOp::create(inner, loc, from, j)), elements, scales, next);
        });
      });
    }
    loop(b, loc, width / elements - done, sums,
         [&](OpBuilder &nested, Location loc, Value i, SmallVector<Value> &next) {
           Value read = i;
           if (done != 0)
             read = arith::AddIOp::create(nested, loc, i, arith::ConstantIndexOp::create(nested, loc, done));
           step(nested, loc, at(nested, loc, read), elements, scales, next);
         });
    // A last read that the rows do not fill: packed weights are zero there, and rows are read up to their end.
    if (int64_t rest = width % elements)
      step(b, loc, at(b, loc, arith::ConstantIndexOp::create(b, loc, width / elements)), rest, scales, sums);
  }

  /// The share of the prefetch that goes with step `i` of the block.
  void share(OpBuilder &b, Location loc, Value i) const {
    if (prefetch.panel)
      prefetch.panel->emit(b, loc, prefetch.panel->advance(b, loc, prefetch.firstLine, i));
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
  BlockPrefetch prefetch;
};

SmallVector<Value> VectorTile::sumsOf(OpBuilder &b, Location loc, const TileOperands &tile, ArrayRef<Value> rows,
                                      const BlockPrefetch &prefetch) const {
  return Reduction(*this, tile, rows, prefetch).emit(b, loc);
}

int64_t VectorTile::prefetchShares(const TileOperands &tile) const { return Reduction(*this, tile, {}, {}).shares(); }

/// How many blocks of rows a tile has.
static Value countBlocks(OpBuilder &b, Location loc, const TileOperands &tile) {
  Value left = tile.numRows, count = arith::ConstantIndexOp::create(b, loc, 0);
  for (int64_t height : tile.heights) {
    Value step = arith::ConstantIndexOp::create(b, loc, height);
    count = arith::AddIOp::create(b, loc, count, arith::DivUIOp::create(b, loc, left, step));
    left = arith::RemUIOp::create(b, loc, left, step);
  }
  return count;
}

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

/// Loops over blocks of rows, tallest first; they carry the result, and where the next panel is prefetched, the line
/// that comes next.
FailureOr<Value> VectorTile::emit(OpBuilder &b, Location loc, const TileOperands &tile, Value out,
                                  FinishRow finish) const {
  Value begin = arith::ConstantIndexOp::create(b, loc, 0);
  int64_t perRow = tile.matrices * (tile.columns / lanes);
  SmallVector<Value> carried{out};
  std::optional<PanelPrefetch> prefetch;
  int64_t sharesOfBlock = prefetchShares(tile);
  if (tile.nextPanel && sharesOfBlock != 0) {
    Value shares = arith::ConstantIndexOp::create(b, loc, sharesOfBlock);
    // One block of rows is over before memory has brought as much as it reads, and the streamers of the hardware do
    // best when they are left alone.
    Value tall = arith::ConstantIndexOp::create(b, loc, tile.heights.front());
    Value many = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ugt, tile.numRows, tall);
    prefetch.emplace(b, loc, tile.nextPanel, arith::MulIOp::create(b, loc, countBlocks(b, loc, tile), shares),
                     tile.prefetchStreams, many);
    carried.push_back(begin);
  }
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
      BlockPrefetch share;
      if (prefetch)
        share = {&*prefetch, carried[1]};
      SmallVector<Value> sums = sumsOf(nested, loc, tile, sources, share);
      SmallVector<Value> updated(carried);
      for (auto [r, row] : llvm::enumerate(rows)) {
        FailureOr<Value> next = finish(nested, loc, row, ArrayRef(sums).slice(r * perRow, perRow), updated[0]);
        failed |= mlir::failed(next);
        updated[0] = failed ? updated[0] : *next;
      }
      if (prefetch)
        updated[1] =
            prefetch->advance(nested, loc, carried[1], arith::ConstantIndexOp::create(nested, loc, sharesOfBlock));
      scf::YieldOp::create(nested, loc, updated);
    };
    auto loop = scf::ForOp::create(b, loc, begin, end, step, carried, block);
    carried.assign(loop.getResults().begin(), loop.getResults().end());
    begin = end;
  }
  if (failed)
    return failure();
  return carried[0];
}
