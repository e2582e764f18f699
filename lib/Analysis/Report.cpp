// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Report.cpp - what was found of layers, as a table and as JSON ----------------------------------------------===//

#include "Report.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace mlir;
using namespace mlir::moe;

static StringRef nameOf(Standing standing) {
  switch (standing) {
  case Standing::Exact:
    return "exact";
  case Standing::Bound:
    return "bound";
  case Standing::Order:
    return "order";
  }
  return "";
}

/// A whole number as such, any other with seven digits; JSON has no infinities.
static std::string textOf(double value) {
  if (!std::isfinite(value))
    return "null";
  if (value == std::floor(value) && std::fabs(value) < 9.0e15)
    return std::to_string(static_cast<int64_t>(value));
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%.7g", value);
  return text;
}

static std::string textOf(const llvm::json::Value &value) {
  if (value.kind() == llvm::json::Value::Number && !value.getAsUINT64() && !value.getAsInteger())
    return textOf(*value.getAsNumber());
  return llvm::formatv("{0}", value);
}

void Finding::add(StringRef key, double value) { add(key, llvm::json::Value(value)); }

Report mlir::moe::makeReport(std::vector<LayerFacts> layers) {
  Report report;
  std::vector<std::unique_ptr<Quantity>> quantities = createQuantities();
  std::vector<std::unique_ptr<Check>> checks = createChecks();
  for (LayerFacts &facts : layers) {
    LayerReport layer;
    for (const std::unique_ptr<Quantity> &quantity : quantities) {
      Finding finding;
      quantity->evaluate(facts, finding);
      if (!finding.isEmpty())
        layer.findings.push_back(
            {quantity->getName().str(), quantity->getStanding(), quantity->getSource().str(), finding});
    }
    for (const std::unique_ptr<Check> &check : checks)
      check->check(facts, [&](Operation *op, std::string text) {
        layer.warnings.push_back({check->getName().str(), op, std::move(text)});
      });
    layer.facts = std::move(facts);
    report.push_back(std::move(layer));
  }
  return report;
}

//===-- Table -----------------------------------------------------------------------------------------------===//

/// "4 x 4 of 16 experts, 1 selected"
static void printRouting(const RoutingFacts &routing, raw_ostream &os) {
  os << routing.experts << (routing.experts == 1 ? " expert, " : " experts, ");
  if (routing.axis == Axis::Row) {
    os << "each selects " << routing.selected;
    routing.window ? os << " of " << routing.window << " rows" : os << " rows";
  } else {
    os << routing.selected << " selected";
  }
  if (routing.levels.size() > 1)
    os << " in " << routing.levels.size() << " levels";
}

void mlir::moe::printTable(const Report &report, raw_ostream &os) {
  if (report.empty())
    os << "// no layer in the model form\n";
  for (const LayerReport &layer : report) {
    os << "// layer @" << layer.facts.name;
    if (layer.facts.block)
      os << " (block " << *layer.facts.block << ", kernel @" << layer.facts.kernel << ")";
    os << ": ";
    if (layer.facts.routings.empty())
      os << "no routing in the model form";
    llvm::interleave(layer.facts.routings, os, [&](const RoutingFacts &routing) { printRouting(routing, os); }, "; ");
    os << "\n";
    for (const NamedFinding &named : layer.findings) {
      os << "//   " << llvm::left_justify(named.name, 22) << llvm::left_justify(nameOf(named.standing), 7);
      llvm::interleaveComma(named.finding.values, os,
                            [&](const auto &entry) { os << entry.first << " " << textOf(entry.second); });
      if (!named.finding.needs.empty()) {
        os << (named.finding.values.empty() ? "needs " : "; needs ");
        llvm::interleaveComma(named.finding.needs, os);
      }
      os << "\n";
    }
    for (const Warning &warning : layer.warnings)
      os << "//   warning: " << warning.name << ": " << warning.text << "\n";
  }
}

//===-- JSON ------------------------------------------------------------------------------------------------===//

static void writeRouting(const RoutingFacts &routing, llvm::json::OStream &json) {
  json.object([&] {
    json.attribute("experts", routing.experts);
    json.attribute("selected", routing.selected);
    json.attribute("axis", stringifyAxis(routing.axis));
    if (routing.window)
      json.attribute("window", routing.window);
    if (routing.capacity)
      json.attribute("capacity", routing.capacity);
    json.attributeArray("levels", [&] {
      for (const RouterLevel &level : routing.levels)
        json.value(level.nodes);
    });
  });
}

void mlir::moe::writeJSON(const Report &report, raw_ostream &os) {
  llvm::json::OStream json(os, 2);
  auto layerObject = [&](const LayerReport &layer) {
    json.attribute("name", layer.facts.name);
    if (layer.facts.block)
      json.attribute("block", *layer.facts.block);
    json.attribute("kernel", layer.facts.kernel);
    json.attributeArray("routings", [&] {
      for (const RoutingFacts &routing : layer.facts.routings)
        writeRouting(routing, json);
    });
    json.attributeObject("quantities", [&] {
      for (const NamedFinding &named : layer.findings)
        json.attributeObject(named.name, [&] {
          json.attribute("standing", nameOf(named.standing));
          json.attribute("source", named.source);
          for (const auto &[key, value] : named.finding.values) {
            json.attributeBegin(key);
            json.rawValue(textOf(value));
            json.attributeEnd();
          }
          if (!named.finding.needs.empty())
            json.attributeArray("needs", [&] {
              for (const std::string &need : named.finding.needs)
                json.value(need);
            });
        });
    });
    json.attributeArray("warnings", [&] {
      for (const Warning &warning : layer.warnings)
        json.object([&] {
          json.attribute("name", warning.name);
          json.attribute("text", warning.text);
        });
    });
  };
  json.object([&] {
    json.attribute("version", 1);
    json.attributeArray("layers", [&] {
      for (const LayerReport &layer : report)
        json.object([&] { layerObject(layer); });
    });
  });
  os << "\n";
}
