// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- TileProduct.h - the body of one tile of a grouped product ------------------------------------------===//
//
// What the linalg stage says about one tile: rows (gathered or in place) times one or several matrices, an epilogue on
// the accumulators, and rows of the result put in place or scattered. The builder is used by the conversion from the
// grouped form, the matcher by every micro-kernel emitter; both are here so that they agree.
//
//===--------------------------------------------------------------------------------------------------------===//

#ifndef MOE_CONVERSION_GROUPEDTOLINALG_TILEPRODUCT_H
#define MOE_CONVERSION_GROUPEDTOLINALG_TILEPRODUCT_H

#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace mlir::moe {

/// Marks the product of a tile; its value is the kernel configuration.
constexpr llvm::StringLiteral kTileProductAttr = "moe.tile_product";
/// Marks an elementwise op on a block of rows that no product took in.
constexpr llvm::StringLiteral kRowMapAttr = "moe.row_map";
/// Marks the reduction over the slots of a row.
constexpr llvm::StringLiteral kSlotReductionAttr = "moe.slot_reduction";
/// Marks the loop that scatters the rows of a tile.
constexpr llvm::StringLiteral kTileScatterAttr = "moe.tile_scatter";

/// One tile to build. Shapes: m rows (dynamic), columns (`tileColumns`, at most the panel's), K the reduction.
struct TileProduct {
  Value rows;                  ///< [R, K], all rows
  Value firstRow;              ///< index of the tile's first row in `rows`, or in `tokens` when rows are gathered
  Value numRows;               ///< m
  Value tokens;                ///< [S] index, or null: row i of the tile is rows[tokens[firstRow + i]]
  SmallVector<Value> matrices; ///< each [tileColumns, K]
  SmallVector<Value> columns;  ///< vectors [tileColumns] for the epilogue
  SmallVector<Value> scalars;  ///< [S] for the epilogue, read at the row of the result
  OpFoldResult tileColumns;
  Value init;       ///< [*, tileColumns]: where rows of the result go
  Value slots;      ///< [S] index, or null: row i goes to init[slots[firstRow + i]], else init[outRow + i]
  Value outRow;     ///< first row in `init` when rows are not scattered
  Attribute config; ///< kernel configuration, or a unit attribute
};

/// Emits the tile; `epilogue` fills the body that computes one element from the accumulators (f32), the column
/// elements and the scalars, and returns it. The result is the updated `init`.
Value buildTileProduct(OpBuilder &b, Location loc, const TileProduct &tile, Type resultElement,
                       function_ref<Value(OpBuilder &, Location, ValueRange)> epilogue);

/// The parts of a tile found in IR. `epilogue` is the elementwise op on the accumulators; it is null where it was the
/// identity and folded. `final` has the result that the tile stands for: the op that puts rows in place
/// (tensor.insert_slice or the scatter loop), or, where the tile is all of a tensor and that folded, the epilogue or
/// the product itself.
struct MatchedTileProduct {
  linalg::GenericOp product, epilogue;
  Operation *final;
  Value init;     ///< [*, tileColumns]: what the result updates
  Value rows;     ///< [R, K]
  Value firstRow; ///< index into `rows`, or into `tokens`
  Value tokens;   ///< or null
  Value slots;    ///< or null
  Value outRow;   ///< when slots is null
  Value numRows;
  SmallVector<Value> matrices;
};

/// Matches the tile whose product is `op`; fails when the ops round it have been changed beyond recognition.
FailureOr<MatchedTileProduct> matchTileProduct(linalg::GenericOp op);

} // namespace mlir::moe

#endif // MOE_CONVERSION_GROUPEDTOLINALG_TILEPRODUCT_H
