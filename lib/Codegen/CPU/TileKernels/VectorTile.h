// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- VectorTile.h - a tile on vector registers ----------------------------------------------------------===//

#ifndef MOE_LIB_CODEGEN_CPU_TILEKERNELS_VECTORTILE_H
#define MOE_LIB_CODEGEN_CPU_TILEKERNELS_VECTORTILE_H

#include "PanelPrefetch.h"
#include "moe/Codegen/CPU/TileKernel.h"

#include "mlir/IR/BuiltinTypes.h"

namespace mlir::moe {

/// A block of rows keeps all its accumulators in vector registers over the whole reduction: in each step it reads the
/// panel's vectors once and multiplies them by a broadcast of each row's next elements.
class VectorTile : public TileKernel {
public:
  VectorTile(int64_t lanes, int64_t tileVectors, std::initializer_list<int64_t> tileRows)
      : lanes(lanes), vectors(tileVectors), heights(tileRows) {}

  int64_t tileVectors() const override { return vectors; }
  ArrayRef<int64_t> tileRows() const override { return heights; }
  SmallVector<int64_t> tileRowsFor(int64_t width) const override;
  /// On Zen 5 one stream is 5 % faster than two and 25 % faster than eight (OLMoE, 128 rows).
  int64_t prefetchStreams() const override { return 1; }
  FailureOr<Value> emit(OpBuilder &b, Location loc, const TileOperands &tile, Value out,
                        FinishRow finish) const override;

protected:
  /// What a block of rows brings near of the next panel: the shares from line `firstLine` on, or nothing.
  struct BlockPrefetch {
    const PanelPrefetch *panel = nullptr;
    Value firstLine;
  };
  /// The sums over the whole reduction of a block of rows, given by their places in tile.rows: vectors of f32,
  /// [row][matrix][vector].
  virtual SmallVector<Value> sumsOf(OpBuilder &b, Location loc, const TileOperands &tile, ArrayRef<Value> rows,
                                    const BlockPrefetch &prefetch) const;
  /// How many shares of a prefetch one block of rows has room for.
  virtual int64_t prefetchShares(const TileOperands &tile) const;
  /// From kGroup elements of a row (a vector of that size) to the operand every lane multiplies by.
  virtual Value broadcastRow(OpBuilder &b, Location loc, Value group) const = 0;
  /// From lanes x kGroup packed weights (one flat vector) to the multiply's operand.
  virtual Value prepareWeights(OpBuilder &b, Location loc, Value packed) const = 0;
  /// acc + row * weights, lane by lane, summed over the group; acc is a vector of f32.
  virtual Value multiply(OpBuilder &b, Location loc, Value row, Value weights, Value acc) const = 0;

  const int64_t lanes; ///< f32 elements of a vector

private:
  class Reduction;

  const int64_t vectors;
  const SmallVector<int64_t, 4> heights;
};

} // namespace mlir::moe

#endif // MOE_LIB_CODEGEN_CPU_TILEKERNELS_VECTORTILE_H
