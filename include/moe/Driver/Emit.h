// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Emit.h - what moe-compile writes -------------------------------------------------------------------===//

#ifndef MOE_DRIVER_EMIT_H
#define MOE_DRIVER_EMIT_H

#include "moe/Driver/Compile.h"
#include "moe/Driver/Input.h"

namespace mlir::moe {

struct EmitOptions {
  InputOptions input;
  std::string target = "cpu"; ///< cpu or nvptx
  std::string cpu = "native";
  std::string chip;            ///< for nvptx
  std::string emit = "shared"; ///< mlir, llvm, asm, obj, shared, header; for nvptx mlir, llvm, ptx, cubin
  std::string stage;           ///< for mlir; empty: model
  std::string output;          ///< empty or "-": standard output, for what is text
  std::string dumpFolder;      ///< empty: no dump
  bool reference = false;
  Reproducer reproducer;
  std::vector<std::string> withoutPasses;

  CompileOptions compileOptions() const;
};

/// Compiles and writes one file; a shared library gets its header beside it.
Expected<Unit> compileToFile(MLIRContext &context, const EmitOptions &options);

/// Compiles an input for use in this process.
Expected<std::unique_ptr<NativeCode>> compileInput(ModuleOp module, CompileOptions compile,
                                                   const std::string &dumpFolder);

/// Writes a file in one step: a reader never sees half of it. "-" is standard output.
Expected<Unit> writeFile(StringRef path, StringRef bytes);

} // namespace mlir::moe

#endif // MOE_DRIVER_EMIT_H
