// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Report.h - what was found of layers, as a table and as JSON ----------------------------------------===//

#ifndef MOE_LIB_ANALYSIS_REPORT_H
#define MOE_LIB_ANALYSIS_REPORT_H

#include "moe/Analysis/Quantity.h"

namespace mlir::moe {

struct NamedFinding {
  std::string name;
  Standing standing;
  std::string source;
  Finding finding;
};

struct LayerReport {
  LayerFacts facts;
  std::vector<NamedFinding> findings;
  std::vector<Warning> warnings;
};

using Report = std::vector<LayerReport>;

/// Every quantity and every check, on every layer.
Report makeReport(std::vector<LayerFacts> layers);

/// Comments of MLIR, so that they may go before a module.
void printTable(const Report &report, llvm::raw_ostream &os);

/// {"version": 1, "layers": [{"name", "block", "kernel", "routings", "quantities", "warnings"}]}
void writeJSON(const Report &report, llvm::raw_ostream &os);

} // namespace mlir::moe

#endif // MOE_LIB_ANALYSIS_REPORT_H
