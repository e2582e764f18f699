// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- ReadVector.h - elements of a row as one vector -----------------------------------------------------===//

#ifndef MOE_LIB_CODEGEN_CPU_TILEKERNELS_READVECTOR_H
#define MOE_LIB_CODEGEN_CPU_TILEKERNELS_READVECTOR_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace mlir::moe {

/// `size` elements of the innermost dimension of a tensor or buffer; those beyond its end are zero, and are not read,
/// unless all are known to be `inBounds`.
inline Value readVector(OpBuilder &b, Location loc, Value source, ValueRange indices, int64_t size, bool inBounds) {
  Type element = cast<ShapedType>(source.getType()).getElementType();
  Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(element));
  return vector::TransferReadOp::create(b, loc, VectorType::get({size}, element), source, indices, zero,
                                        ArrayRef<bool>{inBounds});
}

} // namespace mlir::moe

#endif // MOE_LIB_CODEGEN_CPU_TILEKERNELS_READVECTOR_H
