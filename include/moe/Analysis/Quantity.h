// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Quantity.h - a quantity that is stated of a layer, and a check that may warn -----------------------===//

#ifndef MOE_ANALYSIS_QUANTITY_H
#define MOE_ANALYSIS_QUANTITY_H

#include "moe/Analysis/LayerFacts.h"

#include "llvm/Support/JSON.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace mlir::moe {

/// What a quantity found of a layer. Nothing at all: it does not apply.
class Finding {
public:
  /// A value by name. Numbers that are not whole are printed with seven digits.
  void add(llvm::StringRef key, llvm::json::Value value) { values.emplace_back(key.str(), std::move(value)); }
  void add(llvm::StringRef key, double value);
  void add(llvm::StringRef key, int64_t value) { add(key, llvm::json::Value(value)); }

  /// It applies, but an assumption is missing.
  void need(llvm::StringRef assumption) { needs.push_back(assumption.str()); }

  bool isEmpty() const { return values.empty() && needs.empty(); }

  std::vector<std::pair<std::string, llvm::json::Value>> values;
  std::vector<std::string> needs;
};

/// How far a value can be trusted.
enum class Standing {
  Exact, ///< counted
  Bound, ///< holds as an inequality, constants included
  Order, ///< a source's order: constants, and mostly logarithms, are missing
};

/// One quantity. A new one is a file in lib/Analysis/Quantities and a line in Quantities.h.
class Quantity {
public:
  virtual ~Quantity() = default;

  /// Its key: "generalization_bound".
  virtual llvm::StringRef getName() const = 0;
  virtual Standing getStanding() const = 0;
  /// Where the formula comes from, and what of it was derived here.
  virtual llvm::StringRef getSource() const = 0;
  /// What it may take from `moe.assume`.
  virtual llvm::ArrayRef<AssumptionSpec> getAssumptions() const { return {}; }
  virtual void evaluate(const LayerFacts &layer, Finding &finding) const = 0;
};

/// Something about a layer that its author may not have meant.
struct Warning {
  std::string name; ///< of the check: "no_router_gradient"
  Operation *op;    ///< where it is
  std::string text;
};

/// One check. A new one is a file in lib/Analysis/Warnings and a line in Warnings.h.
class Check {
public:
  virtual ~Check() = default;
  virtual llvm::StringRef getName() const = 0;
  virtual llvm::ArrayRef<AssumptionSpec> getAssumptions() const { return {}; }
  virtual void check(const LayerFacts &layer, llvm::function_ref<void(Operation *, std::string)> warn) const = 0;
};

/// All there are, in the order in which they are printed.
std::vector<std::unique_ptr<Quantity>> createQuantities();
std::vector<std::unique_ptr<Check>> createChecks();

/// What all quantities and checks take from `moe.assume`, each name once.
std::vector<AssumptionSpec> allAssumptions();

} // namespace mlir::moe

#endif // MOE_ANALYSIS_QUANTITY_H
