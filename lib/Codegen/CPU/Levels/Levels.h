// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Levels.h - the machine levels of this folder -------------------------------------------------------===//

#ifndef MOE_LIB_CODEGEN_CPU_LEVELS_LEVELS_H
#define MOE_LIB_CODEGEN_CPU_LEVELS_LEVELS_H

#include "moe/Codegen/CPU/MachineLevel.h"

namespace mlir::moe {

const MachineLevel &avx512BF16Level();
const MachineLevel &x86V4Level();
const MachineLevel &x86V3Level();

/// What the levels share that multiply in f32 whatever the storage: elements one at a time, extended when they are
/// narrower, vector.fma.
class FMALevel : public MachineLevel {
public:
  int64_t kGroup(Type, Type) const override { return 1; }
  Value broadcastRow(OpBuilder &b, Location loc, Value group) const override;
  Value prepareWeights(OpBuilder &b, Location loc, Value packed) const override;
  Value multiply(OpBuilder &b, Location loc, Value row, Value weights, Value acc) const override;
};

} // namespace mlir::moe

#endif // MOE_LIB_CODEGEN_CPU_LEVELS_LEVELS_H
