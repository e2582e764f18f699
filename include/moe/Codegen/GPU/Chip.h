// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Chip.h - the GPUs that code is generated for -------------------------------------------------------===//

#ifndef MOE_CODEGEN_GPU_CHIP_H
#define MOE_CODEGEN_GPU_CHIP_H

#include "mlir/Support/LLVM.h"

#include <string>

namespace mlir::moe {

/// A row of the table in lib/Codegen/GPU/Chip.cpp: all that passes know of a chip.
struct Chip {
  StringRef name;        ///< "sm_90a": what LLVM and ptxas call it
  StringRef features;    ///< for LLVM: the PTX version that knows the chip
  int64_t blockThreads;  ///< threads of a block
  int64_t columns, rows; ///< of a tile of a product in plain arithmetic
};

ArrayRef<Chip> chips();
/// The chip of that name, or null.
const Chip *findChip(StringRef name);
/// Their names in a sentence: "sm_80, ... or sm_120".
std::string chipNames();

} // namespace mlir::moe

#endif // MOE_CODEGEN_GPU_CHIP_H
