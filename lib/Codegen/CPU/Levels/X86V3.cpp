// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- X86V3.cpp - AVX2 and FMA: 16 registers of 8 lanes --------------------------------------------------===//

#include "../TileKernels/FMATile.h"
#include "Levels.h"

#include "moe/Runtime/Runtime.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

class X86V3 final : public MachineLevel {
public:
  StringRef name() const override { return "x86-64-v3"; }
  StringRef llvmCPU() const override { return "x86-64-v3"; }
  StringRef llvmFeatures() const override { return ""; }
  uint64_t requiredFeatures() const override { return MOE_CPU_AVX2_FMA; }
  int64_t lanes() const override { return 8; }
  const TileKernel &tileKernel(Type, Type, int64_t) const override {
    // 2 x 6 accumulators, 2 vectors of weights, 1 broadcast element: 15 of 16 registers.
    static const FMATile tile(/*lanes=*/8, /*tileVectors=*/2, /*tileRows=*/{6, 3, 2, 1});
    return tile;
  }
};

} // namespace

const MachineLevel &mlir::moe::x86V3Level() {
  static const X86V3 level;
  return level;
}
