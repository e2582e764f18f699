// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- MachineLevel.cpp - the registry of machine levels --------------------------------------------------===//

#include "Levels/Levels.h"

#include "moe/Runtime/Runtime.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/TargetParser/AArch64TargetParser.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"
#include "llvm/TargetParser/X86TargetParser.h"

using namespace mlir;
using namespace mlir::moe;

ArrayRef<const MachineLevel *> mlir::moe::machineLevels() {
  static const MachineLevel *const levels[] = {&amxLevel(),     &avx512BF16Level(), &avx512VNNILevel(), &x86V4Level(),
                                               &avxVNNILevel(), &x86V3Level(),      &armV8Level()};
  return levels;
}

const MachineLevel *mlir::moe::findMachineLevel(StringRef name) {
  if (name == emulatedAMXLevel().name())
    return &emulatedAMXLevel();
  for (const MachineLevel *level : machineLevels())
    if (level->name() == name)
      return level;
  return nullptr;
}

static SmallVector<const MachineLevel *> levelsOf(llvm::Triple::ArchType architecture) {
  return llvm::filter_to_vector(machineLevels(), [&](const MachineLevel *level) {
    return llvm::Triple(level->triple()).getArch() == architecture;
  });
}

/// The best level of an architecture whose required features are all in `features`, or null.
static const MachineLevel *bestLevel(llvm::Triple::ArchType architecture, uint64_t features) {
  for (const MachineLevel *level : levelsOf(architecture))
    if ((level->requiredFeatures() & ~features) == 0)
      return level;
  return nullptr;
}

/// MOE_CPU_* of a CPU name that LLVM knows, such as "sapphirerapids" or "znver5".
static uint64_t featuresOfCPU(StringRef cpu) {
  SmallVector<StringRef> names;
  llvm::X86::getFeaturesForCPU(cpu, names, /*NeedPlus=*/false);
  // A CPU's list leaves out what others of it imply: AVX2 for Alder Lake, whose AVX-VNNI says so.
  llvm::StringMap<bool> enabled;
  for (StringRef name : names) {
    enabled[name] = true;
    llvm::X86::updateImpliedFeatures(name, /*Enabled=*/true, enabled);
  }
  auto has = [&](std::initializer_list<StringRef> wanted) {
    return llvm::all_of(wanted, [&](StringRef name) { return enabled.lookup(name); });
  };
  uint64_t features = 0;
  if (has({"avx2", "fma", "f16c", "bmi2"}))
    features |= MOE_CPU_AVX2_FMA;
  if (has({"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"}))
    features |= MOE_CPU_AVX512;
  if (has({"avx512bf16"}))
    features |= MOE_CPU_AVX512_BF16;
  if (has({"avx512vnni"}))
    features |= MOE_CPU_AVX512_VNNI;
  if (has({"avxvnni"}))
    features |= MOE_CPU_AVX_VNNI;
  if (has({"amx-tile"}))
    features |= MOE_CPU_AMX_TILE;
  if (has({"amx-bf16"}))
    features |= MOE_CPU_AMX_BF16;
  if (has({"amx-int8"}))
    features |= MOE_CPU_AMX_INT8;
  return features;
}

const MachineLevel *mlir::moe::machineLevelOf(Operation *op, StringRef byDefault) {
  auto function = isa<func::FuncOp>(op) ? cast<func::FuncOp>(op) : op->getParentOfType<func::FuncOp>();
  auto name = function ? function->getAttrOfType<StringAttr>(kLevelAttr) : StringAttr();
  StringRef wanted = name ? name.getValue() : byDefault;
  const MachineLevel *level = findMachineLevel(wanted);
  if (!level)
    op->emitError("unknown machine level: ") << wanted;
  return level;
}

SmallVector<const MachineLevel *> mlir::moe::resolveMachineLevels(StringRef cpu, uint64_t hostFeatures,
                                                                  std::string &known) {
  if (cpu == "x86-64")
    return levelsOf(llvm::Triple::x86_64);
  if (cpu == "aarch64")
    return levelsOf(llvm::Triple::aarch64);
  const MachineLevel *level = findMachineLevel(cpu);
  if (cpu == "native")
    level = bestLevel(llvm::Triple(llvm::sys::getProcessTriple()).getArch(), hostFeatures);
  SmallVector<StringRef> x86, arm;
  llvm::X86::fillValidCPUArchList(x86, /*Only64Bit=*/true);
  llvm::AArch64::fillValidCPUArchList(arm);
  if (!level && llvm::is_contained(x86, cpu))
    level = bestLevel(llvm::Triple::x86_64, featuresOfCPU(cpu));
  if (!level && llvm::is_contained(arm, cpu))
    level = bestLevel(llvm::Triple::aarch64, 0);
  if (level)
    return {level};
  known = "native, x86-64 or aarch64 (all levels of one in one library)";
  for (const MachineLevel *other : machineLevels())
    known += ", " + other->name().str();
  known += ", or a CPU name with AVX2 or NEON such as znver5, sapphirerapids or neoverse-v1";
  return {};
}
