// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Machine.h - which machine a module is compiled for, and LLVM's view of it --------------------------===//

#ifndef MOE_TARGET_MACHINE_H
#define MOE_TARGET_MACHINE_H

#include "mlir/IR/BuiltinOps.h"

#include "llvm/Support/Error.h"
#include "llvm/Target/TargetMachine.h"

#include <memory>
#include <string>

namespace mlir::moe {

/// Attributes of a module; all of them may be absent.
constexpr llvm::StringLiteral kTargetAttr = "moe.target";         ///< {level, features, required}
constexpr llvm::StringLiteral kModelTypeAttr = "moe.model_type";  ///< as in config.json
constexpr llvm::StringLiteral kCheckpointAttr = "moe.checkpoint"; ///< folder as given
constexpr llvm::StringLiteral kDigestAttr = "moe.digest";         ///< of the checkpoint's headers

/// What code may be generated, as #moe.target says it.
struct TargetSpec {
  std::string level;     ///< "x86-64-v3", "avx512-bf16", ...
  std::string features;  ///< LLVM's spelling: "+avx2,+fma"
  uint64_t required = 0; ///< MOE_CPU_*
};

/// The attribute of the module; the lowest level there is when it has none.
TargetSpec targetSpecOf(ModuleOp module);

/// A machine that generates position-independent code from these features and nothing it finds on the host.
llvm::Expected<std::unique_ptr<llvm::TargetMachine>> createTargetMachine(const TargetSpec &spec);

} // namespace mlir::moe

#endif // MOE_TARGET_MACHINE_H
