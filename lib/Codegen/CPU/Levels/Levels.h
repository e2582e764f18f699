// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Levels.h - the machine levels of this folder -------------------------------------------------------===//

#ifndef MOE_LIB_CODEGEN_CPU_LEVELS_LEVELS_H
#define MOE_LIB_CODEGEN_CPU_LEVELS_LEVELS_H

#include "moe/Codegen/CPU/MachineLevel.h"

namespace mlir::moe {

const MachineLevel &amxLevel();
const MachineLevel &emulatedAMXLevel();
const MachineLevel &armV8Level();
const MachineLevel &avx512BF16Level();
const MachineLevel &avx512VNNILevel();
const MachineLevel &avxVNNILevel();
const MachineLevel &x86V4Level();
const MachineLevel &x86V3Level();

} // namespace mlir::moe

#endif // MOE_LIB_CODEGEN_CPU_LEVELS_LEVELS_H
