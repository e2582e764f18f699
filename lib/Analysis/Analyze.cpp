// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Analyze.cpp - what can be stated of layers from their IR ---------------------------------------------------===//

#include "Report.h"
#include "moe/Analysis/Passes.h"

#include "llvm/Support/FileSystem.h"

namespace mlir::moe {
#define GEN_PASS_DEF_ANALYZE
#include "moe/Analysis/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

namespace {

struct Analyze : moe::impl::AnalyzeBase<Analyze> {
  using Base::Base;

  void runOnOperation() override {
    markAllAnalysesPreserved();
    FailureOr<std::vector<LayerFacts>> layers = readLayers(getOperation());
    if (failed(layers))
      return signalPassFailure();
    Report report = makeReport(std::move(*layers));
    for (const LayerReport &layer : report)
      for (const moe::Warning &warning : layer.warnings)
        warning.op->emitWarning() << warning.text;
    if (json.empty())
      return printTable(report, llvm::outs());
    std::error_code code;
    llvm::raw_fd_ostream file(json, code, llvm::sys::fs::OF_Text);
    if (!code) {
      writeJSON(report, file);
      file.flush();
      code = file.error();
      file.clear_error();
    }
    if (code) {
      getOperation()->emitError("moe-analyze: ") << json << ": cannot be written: " << code.message();
      signalPassFailure();
    }
  }
};

} // namespace
