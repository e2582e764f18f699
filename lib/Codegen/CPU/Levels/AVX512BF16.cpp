// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- AVX512BF16.cpp - AVX-512 with products of pairs of bf16, and of bytes ------------------------------===//

#include "../TileKernels/DotBF16Tile.h"
#include "../TileKernels/DotBytesTile.h"
#include "../TileKernels/FMATile.h"
#include "Levels.h"

#include "moe/Runtime/Runtime.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

class AVX512BF16 final : public MachineLevel {
public:
  StringRef name() const override { return "avx512-bf16"; }
  StringRef llvmCPU() const override { return "x86-64-v4"; }
  StringRef llvmFeatures() const override { return "+avx512bf16,+avx512vnni,-prefer-256-bit"; }
  uint64_t requiredFeatures() const override {
    return MOE_CPU_AVX2_FMA | MOE_CPU_AVX512 | MOE_CPU_AVX512_BF16 | MOE_CPU_AVX512_VNNI;
  }
  int64_t lanes() const override { return 16; }
  bool convertsToBF16() const override { return true; }
  const TileKernel &tileKernel(Type row, Type weight, int64_t) const override {
    static const FMATile fma(/*lanes=*/16, /*tileVectors=*/4, /*tileRows=*/{6, 3, 2, 1});
    static const DotBF16Tile dot(/*tileVectors=*/4, /*tileRows=*/{6, 3, 2, 1});
    if (row.isBF16() && weight.isBF16())
      return dot;
    return fma;
  }
  const TileKernel *byteKernel(const NumberFormat &format, int64_t) const override { return &dotBytesTile512(format); }
  bool dotsBytes() const override { return true; }
};

} // namespace

const MachineLevel &mlir::moe::avx512BF16Level() {
  static const AVX512BF16 level;
  return level;
}
