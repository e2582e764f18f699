// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Diagnostics.h - errors of MLIR and LLVM as one line of text ----------------------------------------===//

#ifndef MOE_DRIVER_DIAGNOSTICS_H
#define MOE_DRIVER_DIAGNOSTICS_H

#include "moe/Checkpoint/Expected.h"

#include "mlir/IR/Diagnostics.h"

#include "llvm/Support/Error.h"

#include <mutex>

namespace mlir::moe {

using ::moe::Expected;
using ::moe::Unit;

/// Swallows what a context reports while this lives, and keeps the first error as "FILE:LINE:COL: text" on one line.
class DiagnosticLine {
public:
  explicit DiagnosticLine(MLIRContext *context);

  /// The first error, or `otherwise` when none was reported.
  ::moe::Error error(const Twine &otherwise);

private:
  std::mutex lock;
  std::string first;
  ScopedDiagnosticHandler handler;
};

/// The first line of an LLVM error.
::moe::Error toError(llvm::Error error);

/// An error of lowering, which may know a place in IR but not where that came from, with the input's name before it.
/// One that begins with the input or with a flag says enough.
::moe::Error inInput(StringRef input, const ::moe::Error &error);

} // namespace mlir::moe

#endif // MOE_DRIVER_DIAGNOSTICS_H
