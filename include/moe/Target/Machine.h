// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Machine.h - which machine a module is compiled for, and LLVM's view of it --------------------------===//

#ifndef MOE_TARGET_MACHINE_H
#define MOE_TARGET_MACHINE_H

#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/IR/BuiltinOps.h"

#include "llvm/Support/Error.h"
#include "llvm/Target/TargetMachine.h"

#include <memory>
#include <string>

namespace mlir::moe {

/// What code may be generated: the dictionary `moe.target` (kTargetAttr) with these keys.
struct TargetSpec {
  std::string level;     ///< "x86-64-v3", "avx512-bf16", ...
  std::string triple;    ///< "x86_64-unknown-linux-gnu"
  std::string cpu;       ///< LLVM's name for the baseline: "x86-64-v3"
  std::string features;  ///< what is added to it, in LLVM's spelling: "+avx512bf16"
  uint64_t required = 0; ///< MOE_CPU_*
};

/// The lowest level of the architecture that this process runs on.
TargetSpec lowestTargetSpec();

/// The attribute of a module or function; the lowest level there is when it has none.
TargetSpec targetSpecOf(Operation *op);

/// A machine that generates position-independent code from these features and nothing it finds on the host.
llvm::Expected<std::unique_ptr<llvm::TargetMachine>> createTargetMachine(const TargetSpec &spec);

} // namespace mlir::moe

#endif // MOE_TARGET_MACHINE_H
