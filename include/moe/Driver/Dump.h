// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Dump.h - a folder with one readable file for each stage --------------------------------------------===//

#ifndef MOE_DRIVER_DUMP_H
#define MOE_DRIVER_DUMP_H

#include "moe/Driver/Compile.h"

namespace mlir::moe {

/// Writes 1-model.mlir ... 4-kernel.mlir, 5-target.mlir, 5-target.ll (optimised), kernel.s and summary.txt.
class StageDumper {
public:
  explicit StageDumper(std::string folder) : folder(std::move(folder)) {}

  /// Makes the folder.
  Expected<Unit> open();
  Expected<Unit> dumpStage(ModuleOp module, Stage stage);
  Expected<Unit> dumpDeviceCode(const NativeCode &code, StringRef chip);
  Expected<Unit> dumpCode(const NativeCode &code);

private:
  Expected<Unit> write(StringRef name, StringRef text);

  std::string folder;
};

} // namespace mlir::moe

#endif // MOE_DRIVER_DUMP_H
