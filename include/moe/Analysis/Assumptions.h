// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Assumptions.h - inputs of quantities that IR does not have -----------------------------------------===//

#ifndef MOE_ANALYSIS_ASSUMPTIONS_H
#define MOE_ANALYSIS_ASSUMPTIONS_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Operation.h"

#include <optional>

namespace mlir::moe {

/// On a moe.layer, or on a function that no layer names: a dictionary of numbers that quantities need and IR does not
/// have, such as {samples = 10000, confidence = 0.05}. Each quantity says which.
constexpr llvm::StringLiteral kAssumeAttr = "moe.assume";

/// One input: its name, what it must be, and what it means.
struct AssumptionSpec {
  enum class Kind { Count, Positive, NotNegative, Probability, Counts, Numbers };
  llvm::StringRef name;
  Kind kind;
  llvm::StringRef what;
};

/// The values that a layer gives. Everything asked for was checked by `verify`.
class Assumptions {
public:
  Assumptions() = default;
  explicit Assumptions(DictionaryAttr given) : given(given) {}

  /// A number, whether it is written as an integer or as a float.
  std::optional<double> number(llvm::StringRef name) const;
  std::optional<int64_t> count(llvm::StringRef name) const;
  std::optional<SmallVector<int64_t>> counts(llvm::StringRef name) const;
  std::optional<SmallVector<double>> numbers(llvm::StringRef name) const;

  /// Checks every entry against `specs`; the error is at `op` and names what would be right.
  static LogicalResult verify(Operation *op, ArrayRef<AssumptionSpec> specs);

private:
  DictionaryAttr given;
};

} // namespace mlir::moe

#endif // MOE_ANALYSIS_ASSUMPTIONS_H
