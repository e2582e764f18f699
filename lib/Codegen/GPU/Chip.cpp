// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Chip.cpp - the GPUs that code is generated for -----------------------------------------------------===//

#include "moe/Codegen/GPU/Chip.h"

using namespace mlir;
using namespace mlir::moe;

// PTX 8.0 knows all chips up to Hopper; Blackwell's came with 8.6 and 8.7 (PTX ISA, release history).
static constexpr Chip kChips[] = {
    {"sm_80", "+ptx80", 128, 32, 16},  {"sm_86", "+ptx80", 128, 32, 16},  {"sm_89", "+ptx80", 128, 32, 16},
    {"sm_90", "+ptx80", 128, 32, 16},  {"sm_90a", "+ptx80", 128, 32, 16}, {"sm_100a", "+ptx86", 128, 32, 16},
    {"sm_120", "+ptx87", 128, 32, 16},
};

ArrayRef<Chip> mlir::moe::chips() { return kChips; }

const Chip *mlir::moe::findChip(StringRef name) {
  const Chip *chip = llvm::find_if(kChips, [&](const Chip &known) { return known.name == name; });
  return chip == std::end(kChips) ? nullptr : chip;
}

std::string mlir::moe::chipNames() {
  std::string names;
  for (auto [i, chip] : llvm::enumerate(kChips))
    names += (i == 0 ? "" : i + 1 == std::size(kChips) ? " or " : ", ") + chip.name.str();
  return names;
}
