// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- AVX512VNNI.cpp - AVX-512 with products of bytes, without one of bf16 -------------------------------===//

#include "../TileKernels/DotBytesTile.h"
#include "../TileKernels/FMATile.h"
#include "Levels.h"

#include "moe/Runtime/Runtime.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

class AVX512VNNI final : public MachineLevel {
public:
  StringRef name() const override { return "avx512-vnni"; }
  StringRef llvmCPU() const override { return "x86-64-v4"; }
  StringRef llvmFeatures() const override { return "+avx512vnni,-prefer-256-bit"; }
  uint64_t requiredFeatures() const override { return MOE_CPU_AVX2_FMA | MOE_CPU_AVX512 | MOE_CPU_AVX512_VNNI; }
  int64_t lanes() const override { return 16; }
  const TileKernel &tileKernel(Type, Type, int64_t) const override {
    static const FMATile tile(/*lanes=*/16, /*tileVectors=*/4, /*tileRows=*/{6, 3, 1});
    return tile;
  }
  const TileKernel *byteKernel(const NumberFormat &format, int64_t) const override { return &dotBytesTile512(format); }
  bool dotsBytes() const override { return true; }
};

} // namespace

const MachineLevel &mlir::moe::avx512VNNILevel() {
  static const AVX512VNNI level;
  return level;
}
