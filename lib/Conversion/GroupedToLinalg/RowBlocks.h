// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- RowBlocks.h - a parallel loop over blocks of rows --------------------------------------------------===//

#ifndef MOE_LIB_CONVERSION_GROUPEDTOLINALG_ROWBLOCKS_H
#define MOE_LIB_CONVERSION_GROUPEDTOLINALG_ROWBLOCKS_H

#include "Builders.h"

namespace mlir::moe {

/// Gets the first row, the row count and the blocks of the inits, and returns the updated blocks.
using RowBlockBody = function_ref<SmallVector<Value>(Value first, OpFoldResult rows, ValueRange blocks)>;

/// A loop over blocks of rows of `inits`, all of one number of rows; one task is a block.
inline scf::ForallOp overRowBlocks(OpBuilder &b, Location loc, ValueRange inits, RowBlockBody body) {
  OpFoldResult zero = b.getIndexAttr(0);
  OpFoldResult total = tensor::getMixedSize(b, loc, inits[0], 0);
  auto loop = scf::ForallOp::create(b, loc, ArrayRef<OpFoldResult>{zero}, ArrayRef<OpFoldResult>{total},
                                    ArrayRef<OpFoldResult>{b.getIndexAttr(kRowBlock)}, inits, std::nullopt);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(loop.getTerminator());
  Value first = loop.getInductionVar(0);
  OpFoldResult rows = blockSize(b, loc, total, first, kRowBlock);
  SmallVector<Value> blocks;
  SmallVector<SmallVector<OpFoldResult>> sizes;
  for (Value shared : loop.getRegionIterArgs()) {
    sizes.push_back({rows, tensor::getMixedSize(b, loc, shared, 1)});
    blocks.push_back(slice(b, loc, shared, {first, zero}, sizes.back()));
  }
  SmallVector<Value> updated = body(first, rows, blocks);
  b.setInsertionPointToEnd(loop.getTerminator().getBody());
  for (auto [block, shared, size] : llvm::zip_equal(updated, loop.getRegionIterArgs(), sizes))
    insertParallel(b, loc, block, shared, {first, zero}, size);
  return loop;
}

} // namespace mlir::moe

#endif // MOE_LIB_CONVERSION_GROUPEDTOLINALG_ROWBLOCKS_H
