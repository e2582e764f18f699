// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Remarks.h - how passes say what they did and what they declined ------------------------------------===//
//
// The category of a remark is the flag of its pass, so `--remarks-filter=moe-fuse-router` shows that pass alone.
//
//===--------------------------------------------------------------------------------------------------------===//

#ifndef MOE_LIB_DIALECT_MOE_TRANSFORMS_REMARKS_H
#define MOE_LIB_DIALECT_MOE_TRANSFORMS_REMARKS_H

#include "mlir/IR/Remarks.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

namespace mlir::moe {

inline remark::RemarkOpts remarkAbout(Operation *op, StringRef name, StringRef pass) {
  auto function = op->getParentOfType<FunctionOpInterface>();
  return remark::RemarkOpts::name(name).category(pass).function(
      function ? SymbolTable::getSymbolName(function).getValue() : StringRef());
}

/// `pass` fused `op` with others.
inline remark::detail::InFlightRemark fused(Operation *op, StringRef pass) {
  return remark::passed(op->getLoc(), remarkAbout(op, "fused", pass));
}

/// `pass` left `op` as it is; stream the reason.
inline remark::detail::InFlightRemark notFused(Operation *op, StringRef pass) {
  return remark::missed(op->getLoc(), remarkAbout(op, "not fused", pass));
}

/// `pass` made less of `op`.
inline remark::detail::InFlightRemark folded(Operation *op, StringRef pass) {
  return remark::passed(op->getLoc(), remarkAbout(op, "folded", pass));
}

/// `pass` left `op` as it is; stream the reason.
inline remark::detail::InFlightRemark notFolded(Operation *op, StringRef pass) {
  return remark::missed(op->getLoc(), remarkAbout(op, "not folded", pass));
}

} // namespace mlir::moe

#endif // MOE_LIB_DIALECT_MOE_TRANSFORMS_REMARKS_H
