// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- X86V4.cpp - AVX-512 without a bf16 product: 32 registers of 16 lanes -------------------------------===//

#include "../TileKernels/FMATile.h"
#include "Levels.h"

#include "moe/Runtime/Runtime.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

class X86V4 final : public MachineLevel {
public:
  StringRef name() const override { return "x86-64-v4"; }
  StringRef llvmCPU() const override { return "x86-64-v4"; }
  // Without this LLVM keeps to 256-bit vectors on CPUs that it takes for slow at 512 bits.
  StringRef llvmFeatures() const override { return "-prefer-256-bit"; }
  uint64_t requiredFeatures() const override { return MOE_CPU_AVX2_FMA | MOE_CPU_AVX512; }
  int64_t lanes() const override { return 16; }
  const TileKernel &tileKernel(Type, Type, int64_t) const override {
    // 4 x 6 accumulators, 4 vectors of weights, 1 broadcast element: 29 of 32 registers.
    static const FMATile tile(/*lanes=*/16, /*tileVectors=*/4, /*tileRows=*/{6, 3, 2, 1});
    return tile;
  }
};

} // namespace

const MachineLevel &mlir::moe::x86V4Level() {
  static const X86V4 level;
  return level;
}
