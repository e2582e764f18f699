// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Assumptions.cpp - inputs of quantities that IR does not have ---------------------------------------===//

#include "moe/Analysis/Assumptions.h"

#include "mlir/IR/Diagnostics.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>

using namespace mlir;
using namespace mlir::moe;
using Kind = AssumptionSpec::Kind;

static std::optional<double> asNumber(Attribute attribute) {
  if (auto integer = dyn_cast_if_present<IntegerAttr>(attribute); integer && integer.getType().isSignlessInteger(64))
    return double(integer.getInt());
  if (auto real = dyn_cast_if_present<FloatAttr>(attribute))
    return real.getValueAsDouble();
  return std::nullopt;
}

static std::optional<SmallVector<double>> asNumbers(Attribute attribute) {
  auto list = dyn_cast_if_present<ArrayAttr>(attribute);
  if (!list)
    return std::nullopt;
  SmallVector<double> numbers;
  for (Attribute element : list) {
    std::optional<double> number = asNumber(element);
    if (!number)
      return std::nullopt;
    numbers.push_back(*number);
  }
  return numbers;
}

std::optional<double> Assumptions::number(StringRef name) const {
  return given ? asNumber(given.get(name)) : std::nullopt;
}

std::optional<int64_t> Assumptions::count(StringRef name) const {
  std::optional<double> value = number(name);
  return value ? std::optional<int64_t>(static_cast<int64_t>(*value)) : std::nullopt;
}

std::optional<SmallVector<double>> Assumptions::numbers(StringRef name) const {
  return given ? asNumbers(given.get(name)) : std::nullopt;
}

std::optional<SmallVector<int64_t>> Assumptions::counts(StringRef name) const {
  std::optional<SmallVector<double>> values = numbers(name);
  if (!values)
    return std::nullopt;
  return llvm::map_to_vector(*values, [](double value) { return static_cast<int64_t>(value); });
}

/// Counts may be written as 1.0e4, too, but must be whole.
static bool isCount(double value) { return value >= 1 && value <= 9.0e15 && value == std::floor(value); }

static bool fits(Kind kind, Attribute attribute) {
  if (kind == Kind::Counts || kind == Kind::Numbers) {
    std::optional<SmallVector<double>> values = asNumbers(attribute);
    return values && !values->empty() &&
           (kind == Kind::Numbers ? llvm::all_of(*values, [](double v) { return std::isfinite(v); })
                                  : llvm::all_of(*values, isCount));
  }
  std::optional<double> value = asNumber(attribute);
  if (!value || !std::isfinite(*value))
    return false;
  switch (kind) {
  case Kind::Count:
    return isCount(*value);
  case Kind::Positive:
    return *value > 0;
  case Kind::NotNegative:
    return *value >= 0;
  default:
    return *value > 0 && *value < 1;
  }
}

static StringRef describe(Kind kind) {
  switch (kind) {
  case Kind::Count:
    return "a whole number of at least 1";
  case Kind::Positive:
    return "a number above 0";
  case Kind::NotNegative:
    return "a number of at least 0";
  case Kind::Probability:
    return "a number between 0 and 1";
  case Kind::Counts:
    return "a list of whole numbers of at least 1";
  case Kind::Numbers:
    return "a list of numbers";
  }
  return "";
}

LogicalResult Assumptions::verify(Operation *op, ArrayRef<AssumptionSpec> specs) {
  Attribute given = op->getDiscardableAttr(kAssumeAttr);
  if (!given)
    return success();
  auto dictionary = dyn_cast<DictionaryAttr>(given);
  if (!dictionary)
    return op->emitError(kAssumeAttr) << " expects a dictionary such as {samples = 10000}, got " << given;
  for (NamedAttribute entry : dictionary) {
    StringRef name = entry.getName().getValue();
    const AssumptionSpec *spec = llvm::find_if(specs, [&](const AssumptionSpec &s) { return s.name == name; });
    if (spec == specs.end()) {
      InFlightDiagnostic error = op->emitError(kAssumeAttr) << " has no entry '" << name << "': expected one of ";
      llvm::interleaveComma(specs, error, [&](const AssumptionSpec &s) { error << s.name; });
      return error;
    }
    if (!fits(spec->kind, entry.getValue()))
      return op->emitError(kAssumeAttr) << " expects " << name << ", " << spec->what << ", to be "
                                        << describe(spec->kind) << ", got " << entry.getValue();
  }
  return success();
}
