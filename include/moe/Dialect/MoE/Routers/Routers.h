// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Routers.h - emission interfaces of score functions and selections ----------------------------------===//

#ifndef MOE_DIALECT_MOE_ROUTERS_ROUTERS_H
#define MOE_DIALECT_MOE_ROUTERS_ROUTERS_H

#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectRegistry.h"

namespace mlir::moe {

/// Emits a function of one f32 value or, lane by lane, of a vector of them.
using MapFn = llvm::function_ref<Value(OpBuilder &, Location, Value)>;

/// Folds `map` of every logit of a set with the reduction `kind`, from first to last; gives an f32.
using ReduceFn = llvm::function_ref<Value(arith::AtomicRMWKind kind, MapFn map)>;

/// Emits the rank values of the experts `index .. index + lanes - 1`, a vector of f32.
using RankAtFn = llvm::function_ref<Value(OpBuilder &, Location, Value index, int64_t lanes)>;

/// Attaches the emission of every kind in this folder to its attribute.
void registerRouterExternalModels(DialectRegistry &registry);

} // namespace mlir::moe

#include "moe/Dialect/MoE/Routers/RouterInterfaces.h.inc"

#endif // MOE_DIALECT_MOE_ROUTERS_ROUTERS_H
