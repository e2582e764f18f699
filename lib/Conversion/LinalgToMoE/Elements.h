// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Elements.h - one element of a tensor, followed through the ops that compute it -----------------------===//

#ifndef MOE_LIB_CONVERSION_LINALGTOMOE_ELEMENTS_H
#define MOE_LIB_CONVERSION_LINALGTOMOE_ELEMENTS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace mlir::moe {

/// What an index runs over.
enum class LoopAxis { Row, Expert, Slot, Column };

/// A tensor's element at `axes`, or a scalar in the payload of an op whose loops run over `axes`.
struct Element {
  Value value;
  SmallVector<LoopAxis, 4> axes;

  bool isTensor() const { return isa<RankedTensorType>(value.getType()); }
  /// Whether this is an element of a tensor whose dimensions are `order`.
  bool isAt(ArrayRef<LoopAxis> order) const { return isTensor() && ArrayRef(axes) == order; }
  bool dependsOn(LoopAxis axis) const { return llvm::is_contained(axes, axis); }
  /// The element that the defining op takes as `operand`: that op is of scalars, or elementwise.
  Element operand(unsigned index) const { return {value.getDefiningOp()->getOperand(index), axes}; }
  template <typename Op>
  Op getDefiningOp() const {
    return value.getDefiningOp<Op>();
  }
};

/// `element` before the ops that only move it: an argument of a payload is an element of its operand, and an element
/// that depends on all of `through` is what a parallel linalg op yields for it.
Element trace(Element element, ArrayRef<LoopAxis> through);

/// As `trace`, and before conversions `Ops`, too.
template <typename... Ops>
Element traceThrough(Element element, ArrayRef<LoopAxis> through) {
  element = trace(element, through);
  while (isa_and_nonnull<Ops...>(element.value.getDefiningOp()) &&
         (!element.isTensor() || llvm::all_of(through, [&](LoopAxis axis) { return element.dependsOn(axis); })))
    element = trace(element.operand(0), through);
  return element;
}

/// The summand of `op`, which adds up over one loop, from 0, in f32 or a type that `op` chose; null if it does
/// something else. `axes` are those of the result; the loop that is added up runs over `summed`.
std::optional<Element> getSummandElement(linalg::LinalgOp op, ArrayRef<LoopAxis> axes, LoopAxis summed);

} // namespace mlir::moe

#endif // MOE_LIB_CONVERSION_LINALGTOMOE_ELEMENTS_H
