// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- OpFormat.h - parsers and printers that generated assembly formats call -----------------------------===//

#ifndef MOE_LIB_DIALECT_MOE_IR_OPFORMAT_H
#define MOE_LIB_DIALECT_MOE_IR_OPFORMAT_H

#include "mlir/IR/OpImplementation.h"

namespace mlir::moe {

/// `@a, @b, @c`: the weights of a moe.layer.
ParseResult parseSymbolList(OpAsmParser &parser, ArrayAttr &symbols);
void printSymbolList(OpAsmPrinter &printer, Operation *op, ArrayAttr symbols);

} // namespace mlir::moe

#endif // MOE_LIB_DIALECT_MOE_IR_OPFORMAT_H
