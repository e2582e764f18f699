// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- DotBF16Tile.h - a vector tile that multiplies pairs of bf16 ----------------------------------------===//

#ifndef MOE_LIB_CODEGEN_CPU_TILEKERNELS_DOTBF16TILE_H
#define MOE_LIB_CODEGEN_CPU_TILEKERNELS_DOTBF16TILE_H

#include "VectorTile.h"

namespace mlir::moe {

/// vdpbf16ps of AVX512-BF16 multiplies 32 pairs and adds both products of a pair to an f32 lane; denormals count as
/// zero in it. On AMD Zen 5 it does twice the work of an FMA, on Intel's server cores half as much but reads half the
/// bytes.
class DotBF16Tile final : public VectorTile {
public:
  DotBF16Tile(int64_t tileVectors, std::initializer_list<int64_t> tileRows)
      : VectorTile(/*lanes=*/16, tileVectors, tileRows) {}
  int64_t kGroup() const override { return 2; }

protected:
  Value broadcastRow(OpBuilder &b, Location loc, Value group) const override;
  Value prepareWeights(OpBuilder &, Location, Value packed) const override { return packed; }
  Value multiply(OpBuilder &b, Location loc, Value row, Value weights, Value acc) const override;
};

} // namespace mlir::moe

#endif // MOE_LIB_CODEGEN_CPU_TILEKERNELS_DOTBF16TILE_H
