// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Emit.h - small builders shared by the routers: values that are scalars or vectors ------------------===//

#ifndef MOE_LIB_DIALECT_MOE_ROUTERS_EMIT_H
#define MOE_LIB_DIALECT_MOE_ROUTERS_EMIT_H

#include "moe/Dialect/MoE/Routers/Routers.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace mlir::moe {

/// A constant of a float type or of a vector of floats.
Value emitFloat(OpBuilder &b, Location loc, Type type, double value);

/// `scalar` as it is, or in all lanes if `like` is a vector type.
Value emitBroadcast(OpBuilder &b, Location loc, Value scalar, Type like);

/// A float of any width, or a vector of them, as f32.
Value emitToF32(OpBuilder &b, Location loc, Value value);

/// An f32, or a vector of them, rounded once to `elementType`.
Value emitFromF32(OpBuilder &b, Location loc, Value value, Type elementType);

Value emitIndex(OpBuilder &b, Location loc, int64_t value);

/// `scf.for` from 0 to `size` by `step`, carrying `inits`; `body` gives the values to carry on.
using LoopBody = llvm::function_ref<SmallVector<Value>(OpBuilder &, Location, Value index, ValueRange carried)>;
SmallVector<Value> emitLoop(OpBuilder &b, Location loc, Value size, ValueRange inits, LoopBody body, int64_t step = 1);
SmallVector<Value> emitLoop(OpBuilder &b, Location loc, int64_t size, ValueRange inits, LoopBody body,
                            int64_t step = 1);

/// Divides the weights of one row by their norm and scales them. `norms` folds a function of each weight over the row.
/// `weights` is one weight or a vector of them.
struct WeightFinish {
  Value divisor;               ///< null when not renormalised
  std::optional<double> scale; ///< none: not scaled

  static WeightFinish get(OpBuilder &b, Location loc, RenormalizeAttr renormalize, std::optional<double> scale,
                          ReduceFn norms);
  Value apply(OpBuilder &b, Location loc, Value weights) const;
};

} // namespace mlir::moe

#endif // MOE_LIB_DIALECT_MOE_ROUTERS_EMIT_H
