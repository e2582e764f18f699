// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- SizeExpression.cpp - functions of the number of tokens as text -------------------------------------===//

#include "SizeExpression.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

/// Where no value is negative, signed and unsigned operations are the same.
static StringRef wordOf(Operation *op) {
  return llvm::TypeSwitch<Operation *, StringRef>(op)
      .Case<arith::AddIOp>([](auto) { return "+"; })
      .Case<arith::SubIOp>([](auto) { return "-"; })
      .Case<arith::MulIOp>([](auto) { return "*"; })
      .Case<arith::DivUIOp, arith::DivSIOp, arith::FloorDivSIOp>([](auto) { return "/"; })
      .Case<arith::RemUIOp, arith::RemSIOp>([](auto) { return "%"; })
      .Case<arith::AndIOp>([](auto) { return "&"; })
      .Case<arith::MinUIOp, arith::MinSIOp>([](auto) { return "min"; })
      .Case<arith::MaxUIOp, arith::MaxSIOp>([](auto) { return "max"; })
      .Default([](Operation *) { return ""; });
}

/// The text of a `word` b, but for what changes nothing.
static std::string join(const std::string &a, const std::string &b, StringRef word) {
  if ((b == "0" && (word == "+" || word == "-")) || (b == "1" && (word == "*" || word == "/")))
    return a;
  if ((a == "0" && word == "+") || (a == "1" && word == "*"))
    return b;
  return a + " " + b + " " + word.str();
}

FailureOr<std::string> mlir::moe::sizeExpression(Value value, Value tokens, Value rows) {
  if (value == tokens)
    return std::string("T");
  IntegerAttr constant;
  if (matchPattern(value, m_Constant(&constant)))
    return std::to_string(constant.getValue().getBitWidth() == 1 ? int64_t(!constant.getValue().isZero())
                                                                 : constant.getValue().getSExtValue());
  Operation *op = value.getDefiningOp();
  auto fail = [&]() -> LogicalResult {
    if (op)
      return op->emitOpError("is no function of the number of tokens that launch records can say");
    return emitError(value.getLoc(), "a size that is no function of the number of tokens");
  };
  if (!op)
    return fail();
  if (auto dim = dyn_cast<memref::DimOp>(op)) {
    if (dim.getSource() == rows && dim.getConstantIndex() == 0)
      return std::string("T");
    return fail();
  }
  SmallVector<std::string> operands;
  for (Value operand : op->getOperands()) {
    FailureOr<std::string> text = sizeExpression(operand, tokens, rows);
    if (failed(text))
      return failure();
    operands.push_back(*text);
  }
  if (StringRef word = wordOf(op); !word.empty())
    return join(operands[0], operands[1], word);
  if (isa<arith::IndexCastOp, arith::IndexCastUIOp, arith::ExtUIOp>(op))
    return operands[0];
  if (isa<arith::CeilDivUIOp, arith::CeilDivSIOp>(op))
    return operands[1] == "1" ? operands[0] : operands[0] + " " + operands[1] + " 1 - + " + operands[1] + " /";
  if (isa<arith::SelectOp>(op))
    return operands[0] + " " + operands[1] + " " + operands[2] + " ?";
  auto compare = dyn_cast<arith::CmpIOp>(op);
  if (!compare)
    return fail();
  std::string less = operands[0] + " " + operands[1] + " <", greater = operands[1] + " " + operands[0] + " <";
  switch (compare.getPredicate()) {
  case arith::CmpIPredicate::ult:
  case arith::CmpIPredicate::slt:
    return less;
  case arith::CmpIPredicate::ugt:
  case arith::CmpIPredicate::sgt:
    return greater;
  case arith::CmpIPredicate::uge:
  case arith::CmpIPredicate::sge:
    return less + " 0 1 ?";
  case arith::CmpIPredicate::ule:
  case arith::CmpIPredicate::sle:
    return greater + " 0 1 ?";
  default:
    return fail();
  }
}
