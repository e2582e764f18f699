// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- AMXTile.h - a tile on the matrix unit of AMX -------------------------------------------------------===//

#ifndef MOE_LIB_CODEGEN_CPU_TILEKERNELS_AMXTILE_H
#define MOE_LIB_CODEGEN_CPU_TILEKERNELS_AMXTILE_H

#include "moe/Codegen/CPU/TileKernel.h"

namespace mlir::moe {

/// Products of bf16 by tdpbf16ps, and of rows rounded to bytes by tdpbsud, of weights with one scale for a column:
/// blocks of 32 or 16 rows by one or two tiles of 16 columns, over the whole reduction, with at most 7 of the 8 tile
/// registers in use. Tiles are always 16 rows of 64 bytes, so that one tile configuration serves all of a function:
/// what is narrower goes through a scratch buffer on the task's stack and is filled up with zeros. Accumulators are
/// stored to a scratch buffer that stays in L1; their epilogue runs on vectors from there.
class AMXTile final : public TileKernel {
public:
  /// Matrices that a product may have: their accumulators and operands have to fit in 8 tiles.
  static constexpr int64_t kMaxMatrices = 2;

  enum class Operands : uint8_t { BF16, Bytes };
  explicit AMXTile(Operands operands) : operands(operands) {}

  int64_t kGroup() const override { return operands == Operands::Bytes ? 4 : 2; }
  int64_t tileVectors() const override { return 2; }
  ArrayRef<int64_t> tileRows() const override {
    static const int64_t heights[] = {32, 16};
    return heights;
  }
  /// A prefetch that waits for memory holds a buffer that tile loads from the second-level cache need; of several pages
  /// the streamers of the hardware have brought the lines before.
  int64_t prefetchStreams() const override { return 8; }
  FailureOr<Value> emit(OpBuilder &b, Location loc, const TileOperands &tile, Value out,
                        FinishRow finish) const override;

private:
  const Operands operands;
};

} // namespace mlir::moe

#endif // MOE_LIB_CODEGEN_CPU_TILEKERNELS_AMXTILE_H
