// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- TileKernel.h - how a tile of a product is multiplied -----------------------------------------------===//
//
// A tile kernel turns one tile of a product (see TileProduct.h) into code for one kind of arithmetic: rows of vectors
// (lib/Codegen/CPU/TileKernels/VectorTile.h), or tiles of a matrix unit. It owns the loops over rows and over the
// reduction and where accumulators live; what becomes of them is not its business. A machine level chooses among tile
// kernels by the types of the operands.
//
//===--------------------------------------------------------------------------------------------------------===//

#ifndef MOE_CODEGEN_CPU_TILEKERNEL_H
#define MOE_CODEGEN_CPU_TILEKERNEL_H

#include "mlir/IR/Builders.h"

namespace mlir::moe {

class NumberFormat;

/// Rows rounded to signed bytes (moe.round_rows), with what products of their codes need beside them.
struct RoundedRows {
  Value codes;  ///< tensor [R, K up to whole blocks] of i8, zero beyond K
  Value starts; ///< tensor [R, blocks] of i32: where the sum of a block starts, -codeOffset times its codes' sum
  Value scales; ///< tensor [R, 1] of f32
};

/// One tile: m rows of [R, K] times the panel of `matrices` matrices, `columns` columns of each.
struct TileOperands {
  Value rows;                 ///< tensor [R, K]
  Value tokens;               ///< tensor of index, or null: row i of the tile is rows[tokens[firstRow + i]]
  Value firstRow;             ///< index of the tile's first row in `rows`, or in `tokens`
  Value numRows;              ///< m, an index
  RoundedRows rounded;        ///< the same rows as bytes, for a machine level's byteKernel; else null
  const NumberFormat *format; ///< of the weights: how a panel is read
  /// Packed weights, zero beyond K and beyond the last column; of the dense formats a tensor [ceil(K / kGroup),
  /// matrices, columns * kGroup].
  Value panel;
  Value nextPanel;             ///< what the task multiplies by next, of the panel's type, to be brought near; or null
  int64_t prefetchStreams = 1; ///< side by side, of that panel
  int64_t matrices, columns, reduction;
  ArrayRef<int64_t> heights; ///< of blocks of rows, largest first

  /// The row of `rows` that is row `row` of the tile.
  Value sourceRow(OpBuilder &b, Location loc, Value row) const;
};

/// Takes the finished sums of row `row` of the tile, vectors of f32 in the order [matrix][vector], and the tensor that
/// earlier rows were put in; returns that tensor with this row in it. Fails where the epilogue cannot run on vectors.
using FinishRow = function_ref<FailureOr<Value>(OpBuilder &, Location, Value row, ArrayRef<Value> sums, Value out)>;

class TileKernel {
public:
  virtual ~TileKernel() = default;

  /// Consecutive elements of the reduction that lie together in packed weights.
  virtual int64_t kGroup() const = 0;
  /// Vectors of accumulators side by side in one block, over all matrices of the product.
  virtual int64_t tileVectors() const = 0;
  /// Heights of the blocks of rows, largest first; a kernel whose last height is not 1 fills up blocks itself.
  virtual ArrayRef<int64_t> tileRows() const = 0;
  /// The same for products whose blocks are only `width` vectors wide, over all matrices.
  virtual SmallVector<int64_t> tileRowsFor(int64_t width) const;
  /// As how many streams side by side the next panel is best brought near; 0 where the kernel brings none.
  virtual int64_t prefetchStreams() const = 0;

  /// Emits the tile at the insertion point: every row of it goes to `finish` once. Reads nothing outside of its rows
  /// and its panel, and what a row gets depends on no other row. Returns `out` with all rows in it.
  virtual FailureOr<Value> emit(OpBuilder &b, Location loc, const TileOperands &tile, Value out,
                                FinishRow finish) const = 0;
};

} // namespace mlir::moe

#endif // MOE_CODEGEN_CPU_TILEKERNEL_H
