// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Ptxas.h - PTX to machine code of one chip, by NVIDIA's assembler -----------------------------------===//

#ifndef MOE_TARGET_PTXAS_H
#define MOE_TARGET_PTXAS_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>

namespace mlir::moe {

/// Where ptxas is: in $CUDA_HOME/bin, on the PATH, or where tools/install-ptxas.sh put it when this was built. Empty
/// when it is nowhere: then there is PTX, which the driver compiles when it loads it.
std::string findPtxas();

struct Cubin {
  std::string bytes;
  std::string report; ///< of each kernel: registers, spills, shared memory
};

/// Runs ptxas; fails with its first message.
llvm::Expected<Cubin> assemblePTX(llvm::StringRef ptxas, llvm::StringRef ptx, llvm::StringRef chip);

} // namespace mlir::moe

#endif // MOE_TARGET_PTXAS_H
