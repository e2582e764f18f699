// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- RoutedPart.h - the ops between a plan and the combinations of its rows -----------------------------===//
//
// What runs in the order of a plan is one piece of a kernel: it starts at the plan and ends where the rows of a token
// become one again. Passes that run it in another way take it as a whole.
//
//===--------------------------------------------------------------------------------------------------------===//

#ifndef MOE_LIB_DIALECT_MOE_TRANSFORMS_ROUTEDPART_H
#define MOE_LIB_DIALECT_MOE_TRANSFORMS_ROUTEDPART_H

#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/IR/BuiltinOps.h"

#include <optional>
#include <string>

namespace mlir::moe {

struct RoutedPart {
  PlanOp plan;
  SmallVector<Operation *> ops; ///< in the order of their block, from the plan on, combinations included
  SmallVector<Value> results;   ///< those that ops outside use

  /// All that depends on `plan`, up to combinations. Fails, with a reason for people, where it is no piece that one
  /// call could compute: ops in other blocks, rows in sorted order that others use, results that are needed in between.
  static FailureOr<RoutedPart> of(PlanOp plan, std::string &reason);

  /// The products of the part.
  SmallVector<GroupedMatmulOp> products() const;
};

/// Calls `body` with each plan in the functions of `module` that are variants of this kind; it may replace the plan.
void forPlansOf(VariantKind kind, ModuleOp module, function_ref<void(PlanOp)> body);

/// Why the part cannot run slot by slot, or nothing where it can.
std::optional<std::string> reasonAgainstSingleRows(const RoutedPart &part);

/// Why the part cannot run with its rows at places padded to a capacity, or nothing where it can.
std::optional<std::string> reasonAgainstPadding(const RoutedPart &part);

} // namespace mlir::moe

#endif // MOE_LIB_DIALECT_MOE_TRANSFORMS_ROUTEDPART_H
