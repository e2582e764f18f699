// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- AVXVNNI.cpp - AVX2 with products of bytes: cores that have no AVX-512 ------------------------------===//

#include "../TileKernels/DotBytesTile.h"
#include "../TileKernels/FMATile.h"
#include "Levels.h"

#include "moe/Runtime/Runtime.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

class AVXVNNI final : public MachineLevel {
public:
  StringRef name() const override { return "avx-vnni"; }
  StringRef llvmCPU() const override { return "x86-64-v3"; }
  StringRef llvmFeatures() const override { return "+avxvnni"; }
  uint64_t requiredFeatures() const override { return MOE_CPU_AVX2_FMA | MOE_CPU_AVX_VNNI; }
  int64_t lanes() const override { return 8; }
  const TileKernel &tileKernel(Type, Type, int64_t) const override {
    static const FMATile tile(/*lanes=*/8, /*tileVectors=*/2, /*tileRows=*/{6, 3, 2, 1});
    return tile;
  }
  const TileKernel *byteKernel(const NumberFormat &format, int64_t) const override { return &dotBytesTile256(format); }
  bool dotsBytes() const override { return true; }
};

} // namespace

const MachineLevel &mlir::moe::avxVNNILevel() {
  static const AVXVNNI level;
  return level;
}
