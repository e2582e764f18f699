// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- MoEDialect.cpp - registration of the moe dialect ---------------------------------------------------===//

#include "OpFormat.h"
#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::moe;

#include "moe/Dialect/MoE/IR/MoEDialect.cpp.inc"
#include "moe/Dialect/MoE/IR/MoEEnums.cpp.inc"

#include "moe/Dialect/MoE/IR/MoEAttrInterfaces.cpp.inc"
#include "moe/Dialect/MoE/IR/MoEOpInterfaces.cpp.inc"

// The parsers that the dialect's attribute and type hooks call are generated next to the classes, so all generated
// definitions are included in this one file; what is written by hand lives in MoEAttrs.cpp and MoETypes.cpp.
#define GET_ATTRDEF_CLASSES
#include "moe/Dialect/MoE/IR/MoEAttrs.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "moe/Dialect/MoE/IR/MoETypes.cpp.inc"

#define GET_OP_CLASSES
#include "moe/Dialect/MoE/IR/MoEOps.cpp.inc"

void MoEDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "moe/Dialect/MoE/IR/MoEAttrs.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "moe/Dialect/MoE/IR/MoETypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "moe/Dialect/MoE/IR/MoEOps.cpp.inc"
      >();
  registerFoldInterface();
  registerInlinerInterface();
}
