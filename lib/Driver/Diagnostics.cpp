// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Diagnostics.cpp - errors of MLIR and LLVM as one line of text --------------------------------------===//

#include "moe/Driver/Diagnostics.h"

#include "mlir/IR/Location.h"

using namespace mlir;
using namespace mlir::moe;

/// A message may quote IR, which takes lines; the rest of it says little that the first line does not.
static std::string firstLine(StringRef text) { return text.trim().split('\n').first.rtrim().str(); }

static std::string lineOf(Diagnostic &diagnostic) {
  std::string text = firstLine(diagnostic.str());
  auto place = diagnostic.getLocation()->findInstanceOf<FileLineColLoc>();
  if (!place)
    return text;
  StringRef file = place.getFilename();
  if (place.getLine() == 0) { // a module as a whole
    StringRef rest = text;
    rest.consume_front("'builtin.module' op ");
    return (file + ": " + rest).str();
  }
  return (file + ":" + Twine(place.getLine()) + ":" + Twine(place.getColumn()) + ": " + text).str();
}

DiagnosticLine::DiagnosticLine(MLIRContext *context)
    : handler(context, [this](Diagnostic &diagnostic) {
        std::lock_guard<std::mutex> held(lock);
        if (diagnostic.getSeverity() == DiagnosticSeverity::Error && first.empty())
          first = lineOf(diagnostic);
        return success();
      }) {}

::moe::Error DiagnosticLine::error(const Twine &otherwise) {
  std::lock_guard<std::mutex> held(lock);
  return {first.empty() ? otherwise.str() : first};
}

::moe::Error mlir::moe::toError(llvm::Error error) { return {firstLine(llvm::toString(std::move(error)))}; }

::moe::Error mlir::moe::inInput(StringRef input, const ::moe::Error &error) {
  StringRef text(error.message);
  if (text.starts_with(input) || text.starts_with("--"))
    return error;
  return {(input + ": " + text).str()};
}
