// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- AMXTile.cpp - a tile on the matrix unit of AMX -----------------------------------------------------===//
//
// Packed weights [K / kGroup][matrix][column][kGroup] are tiles as they lie: 16 groups of the reduction, pairs of bf16
// or fours of bytes, are 16 tile rows, a whole row of the panel apart. Rows of a whole block that lie one after the
// other are tiles as well, a row apart. Rows that are gathered, and blocks that are not full, are copied a piece of the
// reduction at a time to a scratch buffer.
//
// The sum of a row depends on that row alone: each step adds 32 products of bf16 in the order that tdpbf16ps defines,
// and the steps of a row come in one order whatever block it is in. Sums of bytes are integers, and exact.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "AMXTile.h"

#include "PanelPrefetch.h"
#include "ReadVector.h"
#include "moe/Codegen/CPU/NumberFormat.h"

#include "mlir/Dialect/AMX/AMXDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::moe;

/// Rows of a tile, columns of an accumulator, and groups of the reduction in one step.
static constexpr int64_t kTile = 16;
/// Steps of the reduction whose rows are copied at a time: 8 KiB for 32 rows.
static constexpr int64_t kPieceSteps = 4;

namespace {

class BlockEmitter {
public:
  BlockEmitter(OpBuilder &b, Location loc, const TileOperands &tile, AMXTile::Operands kind)
      : tile(tile), bytes(kind == AMXTile::Operands::Bytes), kGroup(bytes ? 4 : 2), kStep(kTile * kGroup),
        kPiece(kPieceSteps * kStep), columnTiles(tile.matrices * tile.columns / kTile) {
    int64_t rows = tallest() * kTile;
    element = bytes ? Type(b.getI8Type()) : Type(b.getBF16Type());
    Type sum = bytes ? Type(b.getI32Type()) : Type(b.getF32Type());
    operand = amx::TileType::get({kTile, kStep}, element);
    accumulator = amx::TileType::get({kTile, kTile}, sum);
    sums = scratch(b, loc, {rows, columnTiles * kTile}, sum);
    copies = scratch(b, loc, {rows, std::min<int64_t>(kPiece, llvm::alignTo(tile.reduction, kStep))}, element);
    if (lastGroups() != 0)
      lastWeights = scratch(b, loc, {kTile, columnTiles * kStep}, element);
    // Nothing is written while the tile is multiplied, so its operands can be read as buffers.
    source = bytes ? tile.rounded.codes : tile.rows;
    rowBuffer = asBuffer(b, loc, source);
    panelBuffer = asBuffer(b, loc, weights(b, loc));
  }

  /// Prefetches of the next panel go with the steps of `blocks` blocks (an index).
  void bringNear(OpBuilder &b, Location loc, Value blocks) {
    Value shares = scale(b, loc, blocks, sharesOfBlock());
    prefetch.emplace(b, loc, tile.nextPanel, shares, tile.prefetchStreams);
  }

  /// The `rest` rows from `row` on, at most `height`, of block number `number`; their sums end up in the scratch
  /// buffer.
  void block(OpBuilder &b, Location loc, Value row, Value rest, Value number, int64_t height) {
    rowTiles = llvm::divideCeil(height, kTile);
    if (prefetch)
      firstLine = prefetch->advance(b, loc, index(b, loc, 0), scale(b, loc, number, sharesOfBlock()));
    if (tile.tokens || height != tile.heights.front() || height % kTile != 0)
      return throughScratch(b, loc, row, rest);
    Value whole = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, rest, index(b, loc, height));
    scf::IfOp::create(
        b, loc, whole,
        [&](OpBuilder &nested, Location loc) {
          inPlace(nested, loc, row, rest);
          scf::YieldOp::create(nested, loc);
        },
        [&](OpBuilder &nested, Location loc) {
          throughScratch(nested, loc, row, rest);
          scf::YieldOp::create(nested, loc);
        });
  }

  /// The sums of row `r` of the block, which is row `row` of the tile, as vectors of f32.
  SmallVector<Value> sumsOf(OpBuilder &b, Location loc, Value r, Value row) {
    SmallVector<Value> vectors;
    for (int64_t t = 0; t != columnTiles; ++t)
      vectors.push_back(readVector(b, loc, sums, {r, index(b, loc, t * kTile)}, kTile, /*inBounds=*/true));
    return bytes ? scaled(b, loc, vectors, tile.sourceRow(b, loc, row)) : vectors;
  }

private:
  static Value index(OpBuilder &b, Location loc, int64_t value) {
    return arith::ConstantIndexOp::create(b, loc, value);
  }
  static Value add(OpBuilder &b, Location loc, Value value, int64_t offset) {
    return arith::AddIOp::create(b, loc, value, index(b, loc, offset));
  }
  static Value scale(OpBuilder &b, Location loc, Value value, int64_t factor) {
    return arith::MulIOp::create(b, loc, value, index(b, loc, factor));
  }

  /// A buffer of the task; the workspace plan puts it on the stack.
  static Value scratch(OpBuilder &b, Location loc, ArrayRef<int64_t> shape, Type element) {
    return memref::AllocOp::create(b, loc, MemRefType::get(shape, element), b.getI64IntegerAttr(64));
  }

  /// The rows of a tensor, at any distance: bufferisation may give a tensor of one row a stride of its own.
  static Value asBuffer(OpBuilder &b, Location loc, Value tensor) {
    auto type = cast<RankedTensorType>(tensor.getType());
    auto layout = StridedLayoutAttr::get(b.getContext(), ShapedType::kDynamic, {ShapedType::kDynamic, 1});
    return bufferization::ToBufferOp::create(b, loc, MemRefType::get(type.getShape(), type.getElementType(), layout),
                                             tensor, /*read_only=*/true);
  }

  /// The weights of the panel as a matrix [groups, columnTiles * kStep], without the scales behind them.
  Value weights(OpBuilder &b, Location loc) const {
    if (!bytes) {
      SmallVector<ReassociationIndices> flat{{0}, {1, 2}};
      return tensor::CollapseShapeOp::create(b, loc, tile.panel, flat);
    }
    int64_t groups = llvm::divideCeil(tile.reduction, kGroup), width = columnTiles * kStep;
    Value codes = tensor::ExtractSliceOp::create(b, loc, tile.panel, ArrayRef<OpFoldResult>{b.getIndexAttr(0)},
                                                 ArrayRef<OpFoldResult>{b.getIndexAttr(groups * width)},
                                                 ArrayRef<OpFoldResult>{b.getIndexAttr(1)});
    auto type = RankedTensorType::get({groups, width}, element);
    return tensor::ExpandShapeOp::create(b, loc, type, codes, ArrayRef<ReassociationIndices>{{0, 1}});
  }

  /// Integer sums of row `row` of the source with what each started at, times the scales of its columns and its own.
  SmallVector<Value> scaled(OpBuilder &b, Location loc, SmallVector<Value> vectors, Value row) const {
    Value zero = index(b, loc, 0);
    auto extract = [&](Value table) -> Value {
      return tensor::ExtractOp::create(b, loc, table, ValueRange{row, zero});
    };
    auto integers = VectorType::get({kTile}, b.getI32Type()), floats = integers.clone(b.getF32Type());
    Value start = vector::BroadcastOp::create(b, loc, integers, extract(tile.rounded.starts));
    Value rowScale = vector::BroadcastOp::create(b, loc, floats, extract(tile.rounded.scales));
    PanelShape shape{tile.matrices, tile.columns, tile.reduction, kGroup};
    for (auto [t, sum] : llvm::enumerate(vectors)) {
      int64_t first = static_cast<int64_t>(t) * kTile;
      PanelColumns columns{first / tile.columns, first % tile.columns, kTile};
      Value number = arith::SIToFPOp::create(b, loc, floats, Value(arith::AddIOp::create(b, loc, sum, start)));
      Value scale = tile.format->readScale(b, loc, shape, tile.panel, zero, columns);
      sum = arith::MulFOp::create(b, loc, Value(arith::MulFOp::create(b, loc, number, scale)), rowScale);
    }
    return vectors;
  }

  /// A share of the prefetch goes with each whole step.
  int64_t sharesOfBlock() const { return std::max<int64_t>(1, tile.reduction / kStep); }
  void share(OpBuilder &b, Location loc, Value number, int64_t steps = 1) const {
    if (prefetch)
      prefetch->emit(b, loc, prefetch->advance(b, loc, firstLine, number), steps);
  }

  int64_t tallest() const { return llvm::divideCeil(tile.heights.front(), kTile); }
  /// Groups in a last step that packed weights do not fill, else 0.
  int64_t lastGroups() const { return llvm::divideCeil(tile.reduction, kGroup) % kTile; }

  SmallVector<Value> zeros(OpBuilder &b, Location loc) {
    SmallVector<Value> tiles;
    for (int64_t i = 0; i != rowTiles * columnTiles; ++i)
      tiles.push_back(amx::TileZeroOp::create(b, loc, accumulator));
    return tiles;
  }

  /// rows x weights + sum. Codes of rows have a sign, those of weights have none.
  Value multiply(OpBuilder &b, Location loc, Value rows, Value weights, Value sum) const {
    if (bytes)
      return amx::TileMulIOp::create(b, loc, accumulator, rows, weights, sum, /*isZextLhs=*/false, /*isZextRhs=*/true);
    return amx::TileMulFOp::create(b, loc, accumulator, rows, weights, sum);
  }

  /// Multiplies the rows at `from[row, k]` by the weights at `weights[group, 0]`. Weights are loaded while the first
  /// row tile is multiplied and kept for the second: 4 accumulators, 1 tile of rows and 2 of weights are live at most.
  void step(OpBuilder &b, Location loc, Value from, Value row, Value k, Value weights, Value group,
            MutableArrayRef<Value> accumulators) {
    SmallVector<Value> loaded(columnTiles);
    for (int64_t i = 0; i != rowTiles; ++i) {
      Value rows = amx::TileLoadOp::create(b, loc, operand, from, ValueRange{add(b, loc, row, i * kTile), k});
      for (int64_t t = 0; t != columnTiles; ++t) {
        if (i == 0)
          loaded[t] = amx::TileLoadOp::create(b, loc, operand, weights, ValueRange{group, index(b, loc, t * kStep)});
        Value &sum = accumulators[i * columnTiles + t];
        sum = multiply(b, loc, rows, loaded[t], sum);
      }
    }
  }

  /// A loop over steps or pieces that carries the accumulators.
  SmallVector<Value> loop(OpBuilder &b, Location loc, int64_t count, ArrayRef<Value> accumulators,
                          function_ref<void(OpBuilder &, Location, Value, MutableArrayRef<Value>)> body) {
    if (count == 0)
      return SmallVector<Value>(accumulators);
    auto loop = scf::ForOp::create(b, loc, index(b, loc, 0), index(b, loc, count), index(b, loc, 1), accumulators,
                                   [&](OpBuilder &nested, Location loc, Value i, ValueRange carried) {
                                     SmallVector<Value> next(carried);
                                     body(nested, loc, i, next);
                                     scf::YieldOp::create(nested, loc, next);
                                   });
    return SmallVector<Value>(loop.getResults());
  }

  void store(OpBuilder &b, Location loc, ArrayRef<Value> accumulators) {
    for (int64_t i = 0; i != rowTiles; ++i)
      for (int64_t t = 0; t != columnTiles; ++t)
        amx::TileStoreOp::create(b, loc, sums, ValueRange{index(b, loc, i * kTile), index(b, loc, t * kTile)},
                                 accumulators[i * columnTiles + t]);
  }

  /// Copies `width` elements from `k` on of `rest` rows to the scratch buffer, zeros up to whole steps behind them.
  void copy(OpBuilder &b, Location loc, Value row, Value rest, Value k, int64_t width) {
    scf::ForOp::create(b, loc, index(b, loc, 0), rest, index(b, loc, 1), ValueRange(),
                       [&](OpBuilder &nested, Location loc, Value r, ValueRange) {
                         Value from = tile.sourceRow(nested, loc, arith::AddIOp::create(nested, loc, row, r));
                         for (int64_t at = 0; at < width; at += kStep) {
                           Value part = readVector(nested, loc, source, {from, add(nested, loc, k, at)}, kStep,
                                                   /*inBounds=*/at + kStep <= width);
                           vector::StoreOp::create(nested, loc, part, copies, ValueRange{r, index(nested, loc, at)});
                         }
                         scf::YieldOp::create(nested, loc);
                       });
  }

  /// Zeros in the rows of the scratch buffer that the block does not have.
  void clearRows(OpBuilder &b, Location loc, Value rest) {
    auto type = VectorType::get({kStep}, element);
    Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
    int64_t width = cast<MemRefType>(copies.getType()).getDimSize(1);
    scf::ForOp::create(b, loc, rest, index(b, loc, rowTiles * kTile), index(b, loc, 1), ValueRange(),
                       [&](OpBuilder &nested, Location loc, Value r, ValueRange) {
                         for (int64_t at = 0; at < width; at += kStep)
                           vector::StoreOp::create(nested, loc, zero, copies, ValueRange{r, index(nested, loc, at)});
                         scf::YieldOp::create(nested, loc);
                       });
  }

  /// The step at the end of the reduction, of rows that are in the scratch buffer at column `at`. Packed weights that
  /// do not fill a tile are copied, so that nothing behind the panel is read.
  void lastStep(OpBuilder &b, Location loc, int64_t at, MutableArrayRef<Value> accumulators) {
    int64_t first = tile.reduction / kStep * kTile;
    Value zero = index(b, loc, 0), column = index(b, loc, at);
    if (lastGroups() == 0)
      return step(b, loc, copies, zero, column, panelBuffer, index(b, loc, first), accumulators);
    int64_t width = columnTiles * kStep;
    auto type = VectorType::get({width}, element);
    Value none = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
    for (int64_t group = 0; group != kTile; ++group) {
      Value part = none;
      if (group < lastGroups())
        part = vector::LoadOp::create(b, loc, type, panelBuffer, ValueRange{index(b, loc, first + group), zero});
      vector::StoreOp::create(b, loc, part, lastWeights, ValueRange{index(b, loc, group), zero});
    }
    step(b, loc, copies, zero, column, lastWeights, zero, accumulators);
  }

  /// A whole block of rows that lie one after the other: tiles are loaded from where they are, but for the end of a
  /// reduction that is no multiple of a step.
  void inPlace(OpBuilder &b, Location loc, Value row, Value rest) {
    Value first = arith::AddIOp::create(b, loc, tile.firstRow, row);
    SmallVector<Value> accumulators =
        loop(b, loc, tile.reduction / kStep, zeros(b, loc),
             [&](OpBuilder &nested, Location loc, Value i, MutableArrayRef<Value> carried) {
               step(nested, loc, rowBuffer, first, scale(nested, loc, i, kStep), panelBuffer,
                    scale(nested, loc, i, kTile), carried);
               share(nested, loc, i);
             });
    if (int64_t width = tile.reduction % kStep) {
      copy(b, loc, row, rest, index(b, loc, tile.reduction - width), width);
      lastStep(b, loc, 0, accumulators);
    }
    store(b, loc, accumulators);
  }

  void throughScratch(OpBuilder &b, Location loc, Value row, Value rest) {
    clearRows(b, loc, rest);
    Value zero = index(b, loc, 0);
    SmallVector<Value> accumulators =
        loop(b, loc, tile.reduction / kPiece, zeros(b, loc),
             [&](OpBuilder &nested, Location loc, Value piece, MutableArrayRef<Value> carried) {
               copy(nested, loc, row, rest, scale(nested, loc, piece, kPiece), kPiece);
               Value firstGroup = scale(nested, loc, piece, kPiece / kGroup);
               for (int64_t at = 0; at != kPiece; at += kStep)
                 step(nested, loc, copies, zero, index(nested, loc, at), panelBuffer,
                      add(nested, loc, firstGroup, at / kGroup), carried);
               share(nested, loc, scale(nested, loc, piece, kPiece / kStep), kPiece / kStep);
             });
    int64_t done = tile.reduction / kPiece * kPiece, width = tile.reduction - done;
    if (width != 0)
      copy(b, loc, row, rest, index(b, loc, done), width);
    int64_t at = 0;
    for (; at + kStep <= width; at += kStep)
      step(b, loc, copies, zero, index(b, loc, at), panelBuffer, index(b, loc, (done + at) / kGroup), accumulators);
    if (at != 0)
      share(b, loc, index(b, loc, done / kStep), at / kStep);
    if (at != width)
      lastStep(b, loc, at, accumulators);
    store(b, loc, accumulators);
  }

  const TileOperands &tile;
  const bool bytes;
  const int64_t kGroup;
  const int64_t kStep;  ///< elements of the reduction in one step: 64 bytes
  const int64_t kPiece; ///< elements of the reduction that are copied at a time
  int64_t columnTiles;
  int64_t rowTiles = 0; ///< of the block being emitted
  Type element;
  amx::TileType operand, accumulator;
  Value source;                 ///< tensor [R, K]: what is multiplied of each row
  Value rowBuffer, panelBuffer; ///< the same as a buffer; [ceil(K / kGroup), columnTiles * kStep]
  Value sums, copies;           ///< scratch: [rows, columnTiles * 16] f32 or i32, [rows, a piece]
  std::optional<PanelPrefetch> prefetch;
  Value firstLine;   ///< of the next panel, that the block being emitted brings near
  Value lastWeights; ///< scratch: [16, columnTiles * kStep], where the reduction ends within a tile
};

} // namespace

FailureOr<Value> AMXTile::emit(OpBuilder &b, Location loc, const TileOperands &tile, Value out,
                               FinishRow finish) const {
  auto index = [&](int64_t value) -> Value { return arith::ConstantIndexOp::create(b, loc, value); };
  struct Blocks {
    int64_t height;
    Value begin, end; ///< rows
    Value first;      ///< number of the first block
  };
  SmallVector<Blocks> kinds;
  Value begin = index(0), count = index(0);
  for (size_t i = 0; i != tile.heights.size(); ++i) {
    int64_t height = tile.heights[i];
    // As many blocks of this height as leave no more than one of the next.
    int64_t remainder = i + 1 < tile.heights.size() ? tile.heights[i + 1] : 0;
    Value left = arith::SubIOp::create(b, loc, tile.numRows, begin);
    Value over =
        arith::SubIOp::create(b, loc, arith::MaxUIOp::create(b, loc, left, index(remainder)), index(remainder));
    Value blocks =
        arith::DivUIOp::create(b, loc, arith::AddIOp::create(b, loc, over, index(height - 1)), index(height));
    Value end = arith::AddIOp::create(b, loc, begin, arith::MulIOp::create(b, loc, blocks, index(height)));
    kinds.push_back({height, begin, end, count});
    count = arith::AddIOp::create(b, loc, count, blocks);
    begin = arith::MinUIOp::create(b, loc, end, tile.numRows);
  }
  BlockEmitter emitter(b, loc, tile, operands);
  if (tile.nextPanel)
    emitter.bringNear(b, loc, count);
  bool failed = false;
  for (const Blocks &kind : kinds) {
    auto block = [&](OpBuilder &nested, Location loc, Value row, ValueRange carried) {
      Value size = arith::ConstantIndexOp::create(nested, loc, kind.height);
      Value here = arith::SubIOp::create(nested, loc, tile.numRows, row);
      Value rest = arith::MinUIOp::create(nested, loc, here, size);
      Value before = arith::DivUIOp::create(nested, loc, arith::SubIOp::create(nested, loc, row, kind.begin), size);
      Value number = arith::AddIOp::create(nested, loc, kind.first, before);
      emitter.block(nested, loc, row, rest, number, kind.height);
      Value zero = arith::ConstantIndexOp::create(nested, loc, 0), one = arith::ConstantIndexOp::create(nested, loc, 1);
      auto finishRow = [&](OpBuilder &inner, Location loc, Value r, ValueRange rows) {
        Value tileRow = arith::AddIOp::create(inner, loc, row, r);
        FailureOr<Value> next = finish(inner, loc, tileRow, emitter.sumsOf(inner, loc, r, tileRow), rows[0]);
        failed |= mlir::failed(next);
        scf::YieldOp::create(inner, loc, failed ? rows[0] : *next);
      };
      auto rows = scf::ForOp::create(nested, loc, zero, rest, one, carried, finishRow);
      scf::YieldOp::create(nested, loc, rows.getResults());
    };
    out = scf::ForOp::create(b, loc, kind.begin, kind.end, index(kind.height), ValueRange(out), block).getResult(0);
  }
  if (failed)
    return failure();
  return out;
}
