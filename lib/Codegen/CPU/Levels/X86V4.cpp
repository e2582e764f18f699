// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- X86V4.cpp - AVX-512 without a bf16 product: 32 registers of 16 lanes -------------------------------===//

#include "Levels.h"

#include "moe/Runtime/Runtime.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

class X86V4 final : public FMALevel {
public:
  StringRef name() const override { return "x86-64-v4"; }
  StringRef llvmCPU() const override { return "x86-64-v4"; }
  // Without this LLVM keeps to 256-bit vectors on CPUs that it takes for slow at 512 bits.
  StringRef llvmFeatures() const override { return "-prefer-256-bit"; }
  uint64_t requiredFeatures() const override { return MOE_CPU_AVX2_FMA | MOE_CPU_AVX512; }
  int64_t lanes() const override { return 16; }
  // 4 x 6 accumulators, 4 vectors of weights, 1 broadcast element: 29 of 32 registers.
  int64_t tileVectors() const override { return 4; }
  ArrayRef<int64_t> tileRows() const override {
    static const int64_t rows[] = {6, 3, 1};
    return rows;
  }
};

} // namespace

const MachineLevel &mlir::moe::x86V4Level() {
  static const X86V4 level;
  return level;
}
