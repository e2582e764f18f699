// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Compare.h - how far two results of a layer are apart -----------------------------------------------===//

#ifndef MOE_DRIVER_COMPARE_H
#define MOE_DRIVER_COMPARE_H

#include "moe/Driver/Tensor.h"

namespace mlir::moe {

struct Difference {
  std::string name;
  double largest = 0; ///< |a - b|, over the rows that went to the same experts
  double scale = 0;   ///< the largest magnitude of the reference
  int64_t row = 0, col = 0;
  bool notFinite = false; ///< one of them has a NaN or infinity where the other has not the same

  double relative() const { return scale > 0 ? largest / scale : largest; }
};

struct Comparison {
  int64_t rows = 0;
  int64_t sameExperts = 0;             ///< rows whose experts agree, in order
  std::vector<Difference> differences; ///< of each output but the experts

  /// What may differ in a format: sums in another order, and one rounding of the format. Where rows between products
  /// are rounded to bytes (`roundsRows`), a last bit may turn a byte of a row into the next one, 1/127 of its largest
  /// value.
  static double tolerance(int32_t dtype, bool roundsRows = false);
  /// Whether all differences are within the tolerance; with f32 the experts must agree too.
  bool withinTolerance(int32_t dtype, bool roundsRows = false) const;
  /// The comparison in words, a line an output.
  std::string text() const;
};

/// Compares outputs of the same layer. Rows that went to other experts are counted, and left out of the rest.
Expected<Comparison> compareOutputs(const std::vector<Tensor> &reference, const std::vector<Tensor> &other);

} // namespace mlir::moe

#endif // MOE_DRIVER_COMPARE_H
