// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- AMX.cpp - AVX-512 with the matrix unit of Intel's server cores -------------------------------------===//
//
// Products of bf16, and of bytes with one scale for a column, run on tiles, everything else on vectors of AVX-512. The
// second level here is the same code with tile operations expanded to AVX2, for tests on machines without the unit:
// nothing but its name chooses it.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "../TileKernels/AMXTile.h"
#include "../TileKernels/DotBytesTile.h"
#include "../TileKernels/FMATile.h"
#include "Levels.h"

#include "moe/Codegen/CPU/NumberFormat.h"
#include "moe/Runtime/Runtime.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

class AMX : public MachineLevel {
public:
  StringRef name() const override { return "amx"; }
  StringRef llvmCPU() const override { return "x86-64-v4"; }
  StringRef llvmFeatures() const override {
    return "+avx512bf16,+avx512vnni,+amx-tile,+amx-bf16,+amx-int8,-prefer-256-bit";
  }
  uint64_t requiredFeatures() const override {
    return MOE_CPU_AVX2_FMA | MOE_CPU_AVX512 | MOE_CPU_AVX512_BF16 | MOE_CPU_AVX512_VNNI | MOE_CPU_AMX_TILE |
           MOE_CPU_AMX_BF16 | MOE_CPU_AMX_INT8;
  }
  int64_t lanes() const override { return 16; }
  bool convertsToBF16() const override { return true; }
  const TileKernel &tileKernel(Type row, Type weight, int64_t matrices) const override {
    static const AMXTile tiles(AMXTile::Operands::BF16);
    static const FMATile vectors(/*lanes=*/16, /*tileVectors=*/4, /*tileRows=*/{6, 3, 2, 1});
    if (row.isBF16() && weight.isBF16() && matrices <= AMXTile::kMaxMatrices)
      return tiles;
    return vectors;
  }
  const TileKernel *byteKernel(const NumberFormat &format, int64_t matrices) const override {
    // A sum that takes a scale after each block is on vectors more often than the tiles are at work.
    static const AMXTile tiles(AMXTile::Operands::Bytes);
    if (format.scaleBlock() == NumberFormat::kWholeReduction && matrices <= AMXTile::kMaxMatrices)
      return &tiles;
    return &dotBytesTile512(format);
  }
  bool dotsBytes() const override { return true; }
};

class EmulatedAMX final : public AMX {
public:
  StringRef name() const override { return "amx-emulated"; }
  StringRef llvmCPU() const override { return "x86-64-v3"; }
  StringRef llvmFeatures() const override { return ""; }
  uint64_t requiredFeatures() const override { return MOE_CPU_AVX2_FMA; }
  bool convertsToBF16() const override { return false; }
  bool emulatesAMX() const override { return true; }
  bool dotsBytes() const override { return false; }
};

} // namespace

const MachineLevel &mlir::moe::amxLevel() {
  static const AMX level;
  return level;
}

const MachineLevel &mlir::moe::emulatedAMXLevel() {
  static const EmulatedAMX level;
  return level;
}
