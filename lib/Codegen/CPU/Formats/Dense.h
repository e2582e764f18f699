// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Dense.h - formats whose packed elements are the values ---------------------------------------------===//

#ifndef MOE_LIB_CODEGEN_CPU_FORMATS_DENSE_H
#define MOE_LIB_CODEGEN_CPU_FORMATS_DENSE_H

#include "../TileKernels/ReadVector.h"
#include "moe/Codegen/CPU/NumberFormat.h"

namespace mlir::moe {

/// A panel is [groups][matrix][columns * kGroup] elements of a builtin type, which the runtime converts to and packs
/// whatever the type is.
class DenseFormat : public NumberFormat {
public:
  Type operandType(MLIRContext *context) const final { return elementType(context); }
  int64_t panelBytes(const PanelShape &shape) const final {
    return shape.groups() * shape.matrices * shape.columns * shape.kGroup * elementBytes();
  }
  RankedTensorType panelType(MLIRContext *context, const PanelShape &shape) const final {
    return RankedTensorType::get({shape.groups(), shape.matrices, shape.columns * shape.kGroup}, elementType(context));
  }
  SmallVector<Value> readWeights(OpBuilder &b, Location loc, const PanelShape &shape, Value panel, Value read,
                                 const PanelColumns &columns) const final {
    Value matrix = arith::ConstantIndexOp::create(b, loc, columns.matrix);
    Value element = arith::ConstantIndexOp::create(b, loc, columns.column * shape.kGroup);
    return {readVector(b, loc, panel, ValueRange{read, matrix, element}, columns.lanes * shape.kGroup, true)};
  }

protected:
  virtual int64_t elementBytes() const = 0;
};

} // namespace mlir::moe

#endif // MOE_LIB_CODEGEN_CPU_FORMATS_DENSE_H
