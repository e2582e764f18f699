// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Builders.h - index arithmetic, panels and row blocks that all patterns here share ------------------===//

#ifndef MOE_LIB_CONVERSION_GROUPEDTOLINALG_BUILDERS_H
#define MOE_LIB_CONVERSION_GROUPEDTOLINALG_BUILDERS_H

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"

namespace mlir::moe {

/// Rows that one task of a row-parallel op takes.
constexpr int64_t kRowBlock = 16;

inline Value indexConstant(OpBuilder &b, Location loc, int64_t value) {
  return arith::ConstantIndexOp::create(b, loc, value);
}

/// min(size, extent - offset): how much of a block of `size` lies inside; `size` itself when it divides a static
/// extent, so that shapes stay static where they are.
inline OpFoldResult blockSize(OpBuilder &b, Location loc, OpFoldResult extent, Value offset, int64_t size) {
  std::optional<int64_t> known = getConstantIntValue(extent);
  if (known && *known % size == 0)
    return b.getIndexAttr(size);
  AffineExpr d0 = b.getAffineDimExpr(0), s0 = b.getAffineSymbolExpr(0);
  AffineMap map = AffineMap::get(1, 1, {b.getAffineConstantExpr(size), s0 - d0}, b.getContext());
  return affine::makeComposedFoldedAffineMin(b, loc, map, {OpFoldResult(offset), extent});
}

inline Value asValue(OpBuilder &b, Location loc, OpFoldResult value) {
  return getValueOrCreateConstantIndexOp(b, loc, value);
}

/// A slice of a tensor; dimensions named in `drop` have size 1 and leave the result's type.
inline Value slice(OpBuilder &b, Location loc, Value source, ArrayRef<OpFoldResult> offsets,
                   ArrayRef<OpFoldResult> sizes, ArrayRef<int64_t> drop = {}) {
  auto type = cast<RankedTensorType>(source.getType());
  SmallVector<OpFoldResult> strides(offsets.size(), b.getIndexAttr(1));
  SmallVector<int64_t> shape;
  for (auto [i, size] : llvm::enumerate(sizes))
    if (!llvm::is_contained(drop, static_cast<int64_t>(i)))
      shape.push_back(getConstantIntValue(size).value_or(ShapedType::kDynamic));
  auto result = RankedTensorType::get(shape, type.getElementType());
  return tensor::ExtractSliceOp::create(b, loc, result, source, offsets, sizes, strides);
}

/// Writes `part` into `whole` of a parallel loop's shared results, at the end of the loop.
inline void insertParallel(OpBuilder &b, Location loc, Value part, Value whole, ArrayRef<OpFoldResult> offsets,
                           ArrayRef<OpFoldResult> sizes) {
  SmallVector<OpFoldResult> strides(offsets.size(), b.getIndexAttr(1));
  tensor::ParallelInsertSliceOp::create(b, loc, part, whole, offsets, sizes, strides);
}

} // namespace mlir::moe

#endif // MOE_LIB_CONVERSION_GROUPEDTOLINALG_BUILDERS_H
