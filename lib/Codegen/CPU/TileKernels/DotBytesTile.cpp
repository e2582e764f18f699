// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- DotBytesTile.cpp - a vector tile that multiplies bytes ---------------------------------------------===//

#include "DotBytesTile.h"

#include "ReadVector.h"
#include "moe/Codegen/CPU/NumberFormat.h"
#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::moe;

/// Reads of a panel that one iteration does: enough to hide what a loop costs, little enough to stay in the caches of
/// decoded instructions.
static constexpr int64_t kUnrolledReads = 4;
/// How far ahead of its use a cache line of a panel is asked for. Half a page: further is a little better for many
/// rows, and worse for one.
static constexpr int64_t kAhead = 2048, kLine = 64;

/// The sums of a block of rows over the whole reduction.
class DotBytesTile::Reduction {
public:
  Reduction(const DotBytesTile &kernel, const TileOperands &tile, ArrayRef<Value> rows, const BlockPrefetch &next)
      : kernel(kernel), tile(tile), format(*tile.format), rows(rows),
        panel{tile.matrices, tile.columns, tile.reduction, kernel.kGroup()},
        elements(format.codeGroupsPerRead() * kernel.kGroup()), perRow(tile.matrices * (tile.columns / kernel.lanes)),
        next(next) {}

  int64_t shares() const {
    int64_t block = format.scaleBlock();
    return block > 0 ? llvm::divideCeil(tile.reduction, block)
                     : llvm::divideCeil(tile.reduction, elements) / kUnrolledReads;
  }

  SmallVector<Value> emit(OpBuilder &b, Location loc) const {
    int64_t block = format.scaleBlock();
    SmallVector<Value> sums = block > 0 ? overBlocks(b, loc, block) : whole(b, loc);
    for (auto [r, row] : llvm::enumerate(rows)) {
      Value zero = index(b, loc, 0);
      Value scale = tensor::ExtractOp::create(b, loc, tile.rounded.scales, ValueRange{row, zero});
      Value all = vector::BroadcastOp::create(b, loc, floats(b), scale);
      for (Value &sum : MutableArrayRef(sums).slice(r * perRow, perRow))
        sum = arith::MulFOp::create(b, loc, sum, all);
    }
    return sums;
  }

private:
  static Value index(OpBuilder &b, Location loc, int64_t value) {
    return arith::ConstantIndexOp::create(b, loc, value);
  }
  VectorType floats(OpBuilder &b) const { return VectorType::get({kernel.lanes}, b.getF32Type()); }

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

  /// Where the sums of a block start, [row][matrix and vector].
  SmallVector<Value> starts(OpBuilder &b, Location loc, Value block) const {
    auto type = VectorType::get({kernel.lanes}, b.getI32Type());
    SmallVector<Value> sums, zeros;
    forColumns([&](const PanelColumns &columns) {
      zeros.push_back(format.readZeroPoints(b, loc, panel, tile.panel, block, columns));
    });
    for (Value row : rows) {
      Value start = tensor::ExtractOp::create(b, loc, tile.rounded.starts, ValueRange{row, block});
      Value all = vector::BroadcastOp::create(b, loc, type, start);
      for (Value zero : zeros)
        sums.push_back(zero ? Value(arith::MulIOp::create(b, loc, all, zero)) : all);
    }
    return sums;
  }

  /// A loop from 0 to `count` that carries sums.
  static void loop(OpBuilder &b, Location loc, int64_t count, SmallVector<Value> &sums,
                   function_ref<void(OpBuilder &, Location, Value, SmallVector<Value> &)> body) {
    if (count == 0)
      return;
    auto op = scf::ForOp::create(b, loc, index(b, loc, 0), index(b, loc, count), index(b, loc, 1), sums,
                                 [&](OpBuilder &nested, Location loc, Value i, ValueRange carried) {
                                   SmallVector<Value> next(carried);
                                   body(nested, loc, i, next);
                                   scf::YieldOp::create(nested, loc, next);
                                 });
    sums.assign(op.getResults().begin(), op.getResults().end());
  }

  /// One scale for a column: integers to the end.
  SmallVector<Value> whole(OpBuilder &b, Location loc) const {
    Value zero = index(b, loc, 0);
    SmallVector<Value> sums = starts(b, loc, zero);
    int64_t reads = llvm::divideCeil(tile.reduction, elements);
    loop(b, loc, reads / kUnrolledReads, sums, [&](OpBuilder &nested, Location loc, Value i, SmallVector<Value> &next) {
      Value first = arith::MulIOp::create(nested, loc, i, index(nested, loc, kUnrolledReads));
      int64_t bytes = kUnrolledReads * perRow * kernel.lanes * kernel.kGroup();
      prefetch(nested, loc, arith::MulIOp::create(nested, loc, i, index(nested, loc, bytes)), bytes);
      share(nested, loc, i);
      for (int64_t read = 0; read != kUnrolledReads; ++read)
        step(nested, loc, zero, arith::AddIOp::create(nested, loc, first, index(nested, loc, read)),
             arith::MulIOp::create(nested, loc, i, index(nested, loc, kUnrolledReads * elements)), read * elements,
             next);
    });
    for (int64_t read = reads / kUnrolledReads * kUnrolledReads; read != reads; ++read)
      step(b, loc, zero, index(b, loc, read), zero, read * elements, sums);
    SmallVector<Value> scales = readScales(b, loc, zero);
    for (auto [i, sum] : llvm::enumerate(sums)) {
      Value number = arith::SIToFPOp::create(b, loc, floats(b), sum);
      sum = arith::MulFOp::create(b, loc, number, scales[i % perRow]);
    }
    return sums;
  }

  /// A scale for each block: its sum is brought to f32 and added with one multiply-add.
  SmallVector<Value> overBlocks(OpBuilder &b, Location loc, int64_t size) const {
    Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(floats(b)));
    SmallVector<Value> sums(rows.size() * perRow, zero);
    auto block = [&](OpBuilder &nested, Location loc, Value i, SmallVector<Value> &next) {
      int64_t bytes = format.panelBytes(panel) / llvm::divideCeil(tile.reduction, size);
      prefetch(nested, loc, arith::MulIOp::create(nested, loc, i, index(nested, loc, bytes)), bytes);
      share(nested, loc, i);
      SmallVector<Value> whole = starts(nested, loc, i);
      Value k = arith::MulIOp::create(nested, loc, i, index(nested, loc, size));
      for (int64_t read = 0; read != size / elements; ++read)
        step(nested, loc, i, index(nested, loc, read), k, read * elements, whole);
      SmallVector<Value> scales = readScales(nested, loc, i);
      for (auto [v, sum] : llvm::enumerate(next)) {
        Value number = arith::SIToFPOp::create(nested, loc, floats(nested), whole[v]);
        sum = vector::FMAOp::create(nested, loc, number, scales[v % perRow], sum);
      }
    };
    loop(b, loc, llvm::divideCeil(tile.reduction, size), sums, block);
    return sums;
  }

  /// One read of the panel times the elements of each row from `k` + `offset` on. Weights first, so that one broadcast
  /// is live at a time.
  void step(OpBuilder &b, Location loc, Value block, Value read, Value k, int64_t offset,
            SmallVector<Value> &sums) const {
    SmallVector<SmallVector<Value>> codes; // [matrix and vector][group]
    forColumns([&](const PanelColumns &columns) {
      codes.push_back(format.readCodes(b, loc, panel, tile.panel, block, read, columns));
    });
    for (int64_t group = 0; group != format.codeGroupsPerRead(); ++group) {
      Value first = arith::AddIOp::create(b, loc, k, index(b, loc, offset + group * kernel.kGroup()));
      for (auto [r, row] : llvm::enumerate(rows)) {
        Value bytes = readVector(b, loc, tile.rounded.codes, ValueRange{row, first}, kernel.kGroup(), true);
        Value broadcast = kernel.broadcastRow(b, loc, bytes);
        for (int64_t v = 0; v != perRow; ++v) {
          Value &sum = sums[r * perRow + v];
          sum = kernel.multiply(b, loc, broadcast, codes[v][group], sum);
        }
      }
    }
  }

  /// The share of the next panel's prefetch that goes with iteration `i`.
  void share(OpBuilder &b, Location loc, Value i) const {
    if (next.panel)
      next.panel->emit(b, loc, next.panel->advance(b, loc, next.firstLine, i));
  }

  /// Asks for the `bytes` from kAhead behind byte `first` of the panel on. The machine's own prefetching ends with a
  /// page; this has begun the next one before.
  void prefetch(OpBuilder &b, Location loc, Value first, int64_t bytes) const {
    auto type = cast<RankedTensorType>(tile.panel.getType());
    auto layout = StridedLayoutAttr::get(b.getContext(), ShapedType::kDynamic, {1});
    auto memory = MemRefType::get(type.getShape(), type.getElementType(), layout);
    Value buffer = bufferization::ToBufferOp::create(b, loc, memory, tile.panel, /*read_only=*/true);
    for (int64_t line = 0; line < bytes; line += kLine) {
      Value at = arith::AddIOp::create(b, loc, first, index(b, loc, kAhead + line));
      memref::PrefetchOp::create(b, loc, buffer, ValueRange(at), /*isWrite=*/false, /*localityHint=*/3,
                                 /*isDataCache=*/true);
    }
  }

  const DotBytesTile &kernel;
  const TileOperands &tile;
  const NumberFormat &format;
  ArrayRef<Value> rows;
  PanelShape panel;
  int64_t elements; ///< of the reduction that one read brings
  int64_t perRow;   ///< vectors of sums
  BlockPrefetch next;
};

SmallVector<Value> DotBytesTile::sumsOf(OpBuilder &b, Location loc, const TileOperands &tile, ArrayRef<Value> rows,
                                        const BlockPrefetch &prefetch) const {
  return Reduction(*this, tile, rows, prefetch).emit(b, loc);
}

int64_t DotBytesTile::prefetchShares(const TileOperands &tile) const { return Reduction(*this, tile, {}, {}).shares(); }

/// Four bytes are one 32-bit element to the broadcast, which then is part of the load.
Value DotBytesTile::broadcastRow(OpBuilder &b, Location loc, Value group) const {
  Value four = vector::BitCastOp::create(b, loc, VectorType::get({1}, b.getI32Type()), group);
  Value element = vector::ExtractOp::create(b, loc, four, ArrayRef<int64_t>{0});
  Value all = vector::BroadcastOp::create(b, loc, VectorType::get({lanes}, b.getI32Type()), element);
  return vector::BitCastOp::create(b, loc, VectorType::get({4 * lanes}, b.getI8Type()), all);
}

Value DotBytesTile::multiply(OpBuilder &b, Location loc, Value row, Value weights, Value acc) const {
  return DotBytesOp::create(b, loc, acc, weights, row);
}

const TileKernel &mlir::moe::dotBytesTile512(const NumberFormat &format) {
  // 4 x 6 accumulators, 4 vectors of weights, 1 broadcast: 29 of 32 registers.
  static const DotBytesTile wholeColumns(/*lanes=*/16, /*tileVectors=*/4, /*tileRows=*/{6, 3, 2, 1});
  // A block has sums of integers beside those of f32: 2 x 4 x 2, two groups of weights and of two rows.
  static const DotBytesTile blocks(/*lanes=*/16, /*tileVectors=*/4, /*tileRows=*/{2, 1});
  return format.scaleBlock() > 0 ? blocks : wholeColumns;
}

const TileKernel &mlir::moe::dotBytesTile256(const NumberFormat &format) {
  // 2 x 6 accumulators, 2 vectors of weights, 1 broadcast: 15 of 16 registers.
  static const DotBytesTile wholeColumns(/*lanes=*/8, /*tileVectors=*/2, /*tileRows=*/{6, 3, 2, 1});
  // 2 x 2 sums of integers and as many of f32, two groups of weights, 1 broadcast: 13.
  static const DotBytesTile blocks(/*lanes=*/8, /*tileVectors=*/2, /*tileRows=*/{2, 1});
  return format.scaleBlock() > 0 ? blocks : wholeColumns;
}
