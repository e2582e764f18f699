// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- MachineLevel.h - what an instruction set offers to the micro-kernel emitter ------------------------===//
//
// A machine level says how wide a vector is, what code may be generated, and which tile kernel multiplies which types
// (see TileKernel.h). It is one file in lib/Codegen/CPU/Levels and one line in the registry; the emitter and the
// epilogue know nothing of it.
//
//===--------------------------------------------------------------------------------------------------------===//

#ifndef MOE_CODEGEN_CPU_MACHINELEVEL_H
#define MOE_CODEGEN_CPU_MACHINELEVEL_H

#include "moe/Codegen/CPU/TileKernel.h"
#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/IR/Builders.h"

#include <memory>
#include <string>
#include <vector>

namespace mlir::moe {

class MachineLevel {
public:
  virtual ~MachineLevel() = default;

  /// Name on the command line and in libraries: "x86-64-v3", "x86-64-v4", "avx512-bf16", "amx", "armv8-a".
  virtual StringRef name() const = 0;
  /// CPU and features for LLVM: "x86-64-v4" and "+avx512bf16".
  virtual StringRef llvmCPU() const = 0;
  virtual StringRef llvmFeatures() const = 0;
  /// MOE_CPU_* that the machine must have, see moe/Runtime/Runtime.h.
  virtual uint64_t requiredFeatures() const = 0;
  /// LLVM triple this level belongs to.
  virtual StringRef triple() const { return "x86_64-unknown-linux-gnu"; }
  /// f32 lanes of a vector.
  virtual int64_t lanes() const = 0;
  /// Whether f32 to bf16 conversion is an instruction; without it it is expanded to integer operations.
  virtual bool convertsToBF16() const { return false; }
  /// Whether operations on AMX tiles are expanded to vectors: a level to test another one's kernels with.
  virtual bool emulatesAMX() const { return false; }

  /// How a tile of a product of rows by `matrices` matrices of these types is multiplied.
  virtual const TileKernel &tileKernel(Type rowElement, Type weightElement, int64_t matrices) const = 0;
  /// How rows of signed bytes are multiplied by `matrices` matrices of weights whose codes are bytes; null where the
  /// level has no instruction for it: then the same values are multiplied in f32.
  virtual const TileKernel *byteKernel(const NumberFormat &, int64_t /*matrices*/) const { return nullptr; }
  /// Whether moe.dot_bytes and moe.look_up_bytes on 4 x lanes bytes are instructions.
  virtual bool dotsBytes() const { return false; }
};

/// The level that the code of `op` is for: that of its function, else the one called `byDefault`; null, with an error
/// at `op`, when there is none of that name.
const MachineLevel *machineLevelOf(Operation *op, StringRef byDefault);

/// Every level of this build that a library may be for, best first within an architecture.
ArrayRef<const MachineLevel *> machineLevels();
/// The level called `name`, be it one for tests that nothing else chooses, or null.
const MachineLevel *findMachineLevel(StringRef name);
/// The levels for a --cpu value, best first: the level of that name; the best one for "native" (`hostFeatures`, of the
/// architecture this process runs on) or for a CPU name that LLVM knows, by the features LLVM gives it; every level of
/// an architecture for "x86-64" and "aarch64". Empty when there is none; `known` then lists what can be said.
SmallVector<const MachineLevel *> resolveMachineLevels(StringRef cpu, uint64_t hostFeatures, std::string &known);

} // namespace mlir::moe

#endif // MOE_CODEGEN_CPU_MACHINELEVEL_H
