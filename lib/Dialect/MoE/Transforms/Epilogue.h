// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Epilogue.h - writing scalar code into the epilogue of a grouped product ----------------------------===//

#ifndef MOE_LIB_DIALECT_MOE_TRANSFORMS_EPILOGUE_H
#define MOE_LIB_DIALECT_MOE_TRANSFORMS_EPILOGUE_H

#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"

namespace mlir::moe {

/// `value` rounded or extended to the float type `type`.
inline Value convertFloat(OpBuilder &b, Location loc, Value value, Type type) {
  unsigned from = value.getType().getIntOrFloatBitWidth(), to = type.getIntOrFloatBitWidth();
  if (from > to)
    return arith::TruncFOp::create(b, loc, type, value);
  return from < to ? arith::ExtFOp::create(b, loc, type, value).getResult() : value;
}

/// Copies the ops of a block that ends in a moe.yield of one value, with `arguments` for its arguments, and returns
/// what stands for that value.
inline Value inlineScalars(OpBuilder &b, Block &block, ValueRange arguments, IRMapping &mapping) {
  mapping.map(block.getArguments(), arguments);
  for (Operation &op : block.without_terminator())
    b.clone(op, mapping);
  return mapping.lookupOrDefault(cast<YieldOp>(block.getTerminator()).getValues().front());
}

} // namespace mlir::moe

#endif // MOE_LIB_DIALECT_MOE_TRANSFORMS_EPILOGUE_H
