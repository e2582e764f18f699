// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- SkippedPasses.h - passes left out, to see what each brings -----------------------------------------===//

#ifndef MOE_DRIVER_SKIPPEDPASSES_H
#define MOE_DRIVER_SKIPPEDPASSES_H

#include "moe/Driver/Diagnostics.h"

#include "mlir/IR/MLIRContext.h"

#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace mlir::moe {

/// While it lives, passes of these names do nothing in this context. What a pass would have done is either done by none
/// (a prefetch is left out), or missed by the verification of a later form.
class SkippedPasses {
public:
  SkippedPasses(MLIRContext *context, const std::vector<std::string> &names);
  ~SkippedPasses();
  SkippedPasses(const SkippedPasses &) = delete;
  SkippedPasses &operator=(const SkippedPasses &) = delete;

  /// An error that names a pass which no pipeline asked for.
  Expected<Unit> check() const;

private:
  MLIRContext *context;
  std::mutex mutex; ///< functions are compiled side by side
  std::set<std::string> names, met;
};

} // namespace mlir::moe

#endif // MOE_DRIVER_SKIPPEDPASSES_H
