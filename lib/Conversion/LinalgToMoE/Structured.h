// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Structured.h - reading linalg ops: what they add up, multiply, fill ----------------------------------===//

#ifndef MOE_LIB_CONVERSION_LINALGTOMOE_STRUCTURED_H
#define MOE_LIB_CONVERSION_LINALGTOMOE_STRUCTURED_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/Remarks.h"

namespace mlir::moe {

inline remark::RemarkOpts remarkAbout(Operation *op, StringRef name, StringRef pass) {
  auto function = op->getParentOfType<FunctionOpInterface>();
  return remark::RemarkOpts::name(name).category(pass).function(function ? function.getName() : StringRef());
}

/// The number that every element of `tensor` is, where a linalg.fill, a tensor.splat or a constant says so: an
/// attribute or a scalar. Null otherwise.
OpFoldResult getUniform(Value tensor);

/// Whether every element of `tensor` is known to be 0.
bool isZeros(Value tensor);

/// A scalar constant, or a tensor of one.
bool isConstant(Value value, double number);

/// Whether the payload of `op` reads `operand`.
bool reads(linalg::LinalgOp op, OpOperand &operand);

/// The summand f of an op of one result that yields its accumulator plus f, or null.
Value getSummand(linalg::LinalgOp op);

/// `value` before it was extended to a wider float type, if it was.
Value stripExtension(Value value);

/// Copies what the payload of `op` computes from `arguments`, one for each operand (null where it is not read), and
/// returns what it yields. No linalg.index may be in it.
Value inlinePayload(OpBuilder &b, linalg::LinalgOp op, ValueRange arguments);

/// The elementwise tensor op `op` on single elements, `operands`.
Value createScalar(OpBuilder &b, Operation *op, ValueRange operands);

} // namespace mlir::moe

#endif // MOE_LIB_CONVERSION_LINALGTOMOE_STRUCTURED_H
