// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- FMATile.h - a vector tile that multiplies in f32 ---------------------------------------------------===//

#ifndef MOE_LIB_CODEGEN_CPU_TILEKERNELS_FMATILE_H
#define MOE_LIB_CODEGEN_CPU_TILEKERNELS_FMATILE_H

#include "VectorTile.h"

namespace mlir::moe {

/// Multiplies in f32 whatever the storage: elements one at a time, extended when they are narrower, vector.fma.
class FMATile : public VectorTile {
public:
  using VectorTile::VectorTile;
  int64_t kGroup() const override { return 1; }

protected:
  Value broadcastRow(OpBuilder &b, Location loc, Value group) const override;
  Value prepareWeights(OpBuilder &b, Location loc, Value packed) const override;
  Value multiply(OpBuilder &b, Location loc, Value row, Value weights, Value acc) const override;
};

} // namespace mlir::moe

#endif // MOE_LIB_CODEGEN_CPU_TILEKERNELS_FMATILE_H
