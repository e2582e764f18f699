// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- DotBytesTile.h - a vector tile that multiplies bytes -----------------------------------------------===//

#ifndef MOE_LIB_CODEGEN_CPU_TILEKERNELS_DOTBYTESTILE_H
#define MOE_LIB_CODEGEN_CPU_TILEKERNELS_DOTBYTESTILE_H

#include "VectorTile.h"

namespace mlir::moe {

/// moe.dot_bytes multiplies codes of weights, bytes without a sign, by rows of signed bytes and adds four products to
/// an i32 lane. Codes are an offset above what they stand for: sum(x * (c - o)) = sum(x * c) - o * sum(x), so a sum
/// starts at -o * sum(x), which is known of a row before any product (RoundedRows::starts). Sums of integers are exact;
/// f32 comes in where a scale does, once for a block of the reduction.
class DotBytesTile final : public VectorTile {
public:
  using VectorTile::VectorTile;
  int64_t kGroup() const override { return 4; }

protected:
  SmallVector<Value> sumsOf(OpBuilder &b, Location loc, const TileOperands &tile, ArrayRef<Value> rows,
                            const BlockPrefetch &prefetch) const override;
  int64_t prefetchShares(const TileOperands &tile) const override;
  Value broadcastRow(OpBuilder &b, Location loc, Value group) const override;
  Value prepareWeights(OpBuilder &, Location, Value packed) const override { return packed; }
  Value multiply(OpBuilder &b, Location loc, Value row, Value weights, Value acc) const override;

private:
  class Reduction;
};

/// The tile for weights of a format on 32 registers of 512 bits.
const TileKernel &dotBytesTile512(const NumberFormat &format);
/// The same on 16 registers of 256 bits.
const TileKernel &dotBytesTile256(const NumberFormat &format);

} // namespace mlir::moe

#endif // MOE_LIB_CODEGEN_CPU_TILEKERNELS_DOTBYTESTILE_H
