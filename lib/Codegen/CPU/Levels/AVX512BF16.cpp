// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- AVX512BF16.cpp - AVX-512 with vdpbf16ps: pairs of bf16 into f32 ------------------------------------===//
//
// vdpbf16ps multiplies 32 pairs and adds both products of a pair to an f32 lane; denormals count as zero in it. On AMD
// Zen 5 it does twice the work of an FMA, on Intel's server cores half as much but reads half the bytes.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "Levels.h"

#include "moe/Runtime/Runtime.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/X86Vector/X86VectorDialect.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

class AVX512BF16 final : public FMALevel {
public:
  StringRef name() const override { return "avx512-bf16"; }
  StringRef llvmCPU() const override { return "x86-64-v4"; }
  StringRef llvmFeatures() const override { return "+avx512bf16,-prefer-256-bit"; }
  uint64_t requiredFeatures() const override { return MOE_CPU_AVX2_FMA | MOE_CPU_AVX512 | MOE_CPU_AVX512_BF16; }
  int64_t lanes() const override { return 16; }
  bool convertsToBF16() const override { return true; }
  int64_t kGroup(Type row, Type weight) const override { return row.isBF16() && weight.isBF16() ? 2 : 1; }
  int64_t tileVectors() const override { return 4; }
  ArrayRef<int64_t> tileRows() const override {
    static const int64_t rows[] = {6, 3, 1};
    return rows;
  }

  Value broadcastRow(OpBuilder &b, Location loc, Value group) const override {
    auto type = cast<VectorType>(group.getType());
    if (type.getNumElements() != 2)
      return FMALevel::broadcastRow(b, loc, group);
    // A pair is one 32-bit element to the broadcast, which then is part of the load.
    Value pair = vector::BitCastOp::create(b, loc, VectorType::get({1}, b.getI32Type()), group);
    Value element = vector::ExtractOp::create(b, loc, pair, ArrayRef<int64_t>{0});
    Value all = vector::BroadcastOp::create(b, loc, VectorType::get({lanes()}, b.getI32Type()), element);
    return vector::BitCastOp::create(b, loc, VectorType::get({2 * lanes()}, type.getElementType()), all);
  }

  Value prepareWeights(OpBuilder &b, Location loc, Value packed) const override {
    if (cast<VectorType>(packed.getType()).getNumElements() == 2 * lanes())
      return packed;
    return FMALevel::prepareWeights(b, loc, packed);
  }

  Value multiply(OpBuilder &b, Location loc, Value row, Value weights, Value acc) const override {
    if (!cast<VectorType>(row.getType()).getElementType().isBF16())
      return FMALevel::multiply(b, loc, row, weights, acc);
    return x86vector::DotBF16Op::create(b, loc, acc.getType(), acc, row, weights);
  }
};

} // namespace

const MachineLevel &mlir::moe::avx512BF16Level() {
  static const AVX512BF16 level;
  return level;
}
