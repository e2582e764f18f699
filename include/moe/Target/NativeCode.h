// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- NativeCode.h - a target-stage module as LLVM IR, assembly and object code --------------------------===//

#ifndef MOE_TARGET_NATIVECODE_H
#define MOE_TARGET_NATIVECODE_H

#include "moe/Target/Machine.h"

#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/MemoryBuffer.h"

namespace mlir {
class DialectRegistry;
}

namespace mlir::moe {

/// What translation to LLVM IR needs in the context of a module.
void registerTargetTranslations(DialectRegistry &registry);

/// Optimised code of one module. Each has an LLVM context of its own, so any number of threads may compile at once; the
/// same module gives the same bytes.
class NativeCode {
public:
  /// Translates a module of the LLVM dialect and optimises it.
  static llvm::Expected<std::unique_ptr<NativeCode>> create(ModuleOp module);

  /// The same for the device module of a module at the target stage; assembly() is PTX then. The launch records become
  /// named metadata (docs/abi-gpu.md).
  static llvm::Expected<std::unique_ptr<NativeCode>> createDevice(ModuleOp module);

  std::string llvmText() const;
  llvm::Expected<std::string> assembly() const;
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> object() const;

private:
  NativeCode() = default;
  llvm::Error translate(Operation *op, const TargetSpec &spec);
  llvm::Error emit(llvm::CodeGenFileType type, llvm::SmallVectorImpl<char> &bytes) const;
  void finishFunctions();
  void optimize();

  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> module;
  std::unique_ptr<llvm::TargetMachine> machine;
};

} // namespace mlir::moe

#endif // MOE_TARGET_NATIVECODE_H
