// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- BodyProducts.h - products by a matrix in plain tensor code ---------------------------------------------===//

#ifndef MOE_LIB_CONVERSION_LINALGTOMOE_BODYPRODUCTS_H
#define MOE_LIB_CONVERSION_LINALGTOMOE_BODYPRODUCTS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

#include <optional>

namespace mlir::moe {

/// A linalg op that multiplies rows [T, K] by a matrix.
struct BodyProduct {
  linalg::LinalgOp op;
  OpOperand *rows, *matrix;
  bool transposed; ///< the matrix is [K, N] and not [N, K]

  /// The product of two of the op's inputs, summed over one loop, or none.
  static std::optional<BodyProduct> match(Operation *operation);

  /// Why it is none of moe.linear, wherever the matrix lies, or nothing.
  std::optional<StringRef> reasonAgainst() const;
};

} // namespace mlir::moe

#endif // MOE_LIB_CONVERSION_LINALGTOMOE_BODYPRODUCTS_H
