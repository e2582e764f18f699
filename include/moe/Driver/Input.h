// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Input.h - what the tools call INPUT, as a module ---------------------------------------------------===//

#ifndef MOE_DRIVER_INPUT_H
#define MOE_DRIVER_INPUT_H

#include "moe/Driver/Diagnostics.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <optional>
#include <string>

namespace llvm {
class MemoryBuffer;
}

namespace mlir::moe {

struct InputOptions {
  std::string path;                ///< .mlir text ("-": standard input), a checkpoint folder, or its config.json
  std::optional<std::string> text; ///< of an .mlir, instead of a file; the path is its name in messages
  std::string dtype;               ///< a number format; empty: the checkpoint's
  std::string layers;              ///< MoE blocks, "0,3-5"; empty: all
  std::string checkpoint;          ///< where the weights are; empty: with the config, or as an .mlir says
  bool needsWeights = false;       ///< a model without weights is an error
  bool randomWeights = false;
  bool allowBytecode = false; ///< MLIR's bytecode reader may crash on a file made to harm
};

/// Reads an input. The context must have every dialect registered (registerAllDialects).
Expected<OwningOpRef<ModuleOp>> loadInput(MLIRContext &context, const InputOptions &options);

/// The same as text that mlir-opt can read: a model description is imported and printed, a file is read as it is.
Expected<std::unique_ptr<llvm::MemoryBuffer>> loadInputText(MLIRContext &context, const InputOptions &options);

} // namespace mlir::moe

#endif // MOE_DRIVER_INPUT_H
