// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- RemarkLines.h - what passes did and what they declined, as lines -----------------------------------===//

#ifndef MOE_DRIVER_REMARKLINES_H
#define MOE_DRIVER_REMARKLINES_H

#include "mlir/IR/MLIRContext.h"

#include <memory>
#include <string>

namespace mlir::moe {

/// While it lives, keeps every remark of passes run in this context, which must outlive it.
class RemarkLines {
public:
  explicit RemarkLines(MLIRContext *context);
  ~RemarkLines();
  RemarkLines(const RemarkLines &) = delete;
  RemarkLines &operator=(const RemarkLines &) = delete;

  /// "PASS: FUNCTION: NAME: what" a line, in order and each once.
  std::string text() const;

private:
  struct Lines;
  MLIRContext *context;
  std::shared_ptr<Lines> lines;
};

} // namespace mlir::moe

#endif // MOE_DRIVER_REMARKLINES_H
