// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- NumberFormat.cpp - the registry of number formats --------------------------------------------------===//

#include "moe/Codegen/CPU/NumberFormat.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::moe;

namespace mlir::moe {
#define MOE_FORMAT(name) const NumberFormat &get##name##Format();
#include "Formats.inc"
#undef MOE_FORMAT
} // namespace mlir::moe

ArrayRef<const NumberFormat *> mlir::moe::numberFormats() {
#define MOE_FORMAT(name) &get##name##Format(),
  static const NumberFormat *const formats[] = {
#include "Formats.inc"
  };
#undef MOE_FORMAT
  return formats;
}

const NumberFormat *mlir::moe::findNumberFormat(StringRef name) {
  for (const NumberFormat *format : numberFormats())
    if (format->name() == name)
      return format;
  return nullptr;
}

std::string mlir::moe::numberFormatNames() {
  std::string text;
  ArrayRef<const NumberFormat *> formats = numberFormats();
  for (auto [index, format] : llvm::enumerate(formats)) {
    if (index != 0)
      text += index + 1 == formats.size() ? " or " : ", ";
    text += format->name();
  }
  return text;
}

const NumberFormat *mlir::moe::numberFormatOf(Value weight) {
  // A matrix on its own got a leading dimension for its one group.
  while (auto expand = weight.getDefiningOp<tensor::ExpandShapeOp>())
    weight = expand.getSrc();
  if (auto argument = dyn_cast<BlockArgument>(weight))
    if (auto function = dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp()))
      if (auto name = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), kFormatAttr))
        return findNumberFormat(name.getValue());
  Type element = getElementTypeOrSelf(weight.getType());
  for (const NumberFormat *format : numberFormats())
    if (format->elementType(element.getContext()) == element)
      return format;
  return nullptr;
}
