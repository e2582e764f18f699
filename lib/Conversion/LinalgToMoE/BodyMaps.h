// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- BodyMaps.h - moe.map out of elementwise tensor code --------------------------------------------------===//

#ifndef MOE_LIB_CONVERSION_LINALGTOMOE_BODYMAPS_H
#define MOE_LIB_CONVERSION_LINALGTOMOE_BODYMAPS_H

#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/SetVector.h"

namespace mlir::moe {

/// Makes a moe.map of each elementwise op that it is shown, in the order of the ops of a body. What is a number or a
/// vector over the columns becomes one in the map, and a map that it made before joins its only user.
class BodyMaps {
public:
  /// Why `op` can be no moe.map; nothing if it can.
  std::optional<StringRef> reasonAgainst(Operation *op);

  /// Replaces `op`, which nothing speaks against.
  void convert(RewriterBase &b, Operation *op);

private:
  /// What a map is to take: rows first, as its first operand says how many there are.
  struct Inputs {
    llvm::SetVector<Value> rows, vectors;
  };

  static bool isElementwise(Operation *op);
  static SmallVector<Value> operandsOf(Operation *op);
  /// The vector that is the same in each row of `tensor`, or `tensor` itself.
  static Value behindBroadcast(Value tensor);
  /// The op that gives `tensor`, if it is to be part of a map that takes it.
  Operation *getJoined(Value tensor) const;
  std::optional<StringRef> collect(Value operand, Inputs &inputs) const;
  Value emit(OpBuilder &b, Value operand, IRMapping &arguments) const;
  Value emitOp(OpBuilder &b, Operation *op, IRMapping &arguments) const;

  DenseSet<Operation *> made;
};

} // namespace mlir::moe

#endif // MOE_LIB_CONVERSION_LINALGTOMOE_BODYMAPS_H
