// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- ARMV8.cpp - AArch64 with NEON: 32 registers of 4 lanes ---------------------------------------------===//

#include "../TileKernels/FMATile.h"
#include "Levels.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

class ARMV8 final : public MachineLevel {
public:
  StringRef name() const override { return "armv8-a"; }
  StringRef llvmCPU() const override { return "generic"; }
  StringRef llvmFeatures() const override { return "+v8a"; }
  // NEON is part of the architecture's 64-bit state: a machine that can load the library has it.
  uint64_t requiredFeatures() const override { return 0; }
  StringRef triple() const override { return "aarch64-unknown-linux-gnu"; }
  int64_t lanes() const override { return 4; }
  const TileKernel &tileKernel(Type, Type, int64_t) const override {
    // 4 x 6 accumulators, 4 vectors of weights, 1 element of a row: 29 of 32 registers.
    static const FMATile tile(/*lanes=*/4, /*tileVectors=*/4, /*tileRows=*/{6, 3, 2, 1});
    return tile;
  }
};

} // namespace

const MachineLevel &mlir::moe::armV8Level() {
  static const ARMV8 level;
  return level;
}
