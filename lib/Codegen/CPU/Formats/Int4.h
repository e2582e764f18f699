// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Int4.h - symmetric four-bit integers with a bf16 scale for each block ------------------------------===//

#ifndef MOE_LIB_CODEGEN_CPU_FORMATS_INT4_H
#define MOE_LIB_CODEGEN_CPU_FORMATS_INT4_H

#include "FourBits.h"

namespace mlir::moe {

/// Codes are 8 above their number.
class Int4Format : public FourBitFormat {
public:
  using FourBitFormat::FourBitFormat;
  std::optional<int64_t> codeOffset() const final { return kOffset; }

protected:
  static constexpr int64_t kOffset = 8;

  int64_t scaleBytes() const final { return 2; }

  SmallVector<Value> decode(OpBuilder &b, Location loc, Value bytes) const final {
    auto type = cast<VectorType>(bytes.getType());
    auto floats = type.clone(b.getF32Type());
    Value both = arith::ExtUIOp::create(b, loc, type.clone(b.getI32Type()), bytes);
    Value low = arith::AndIOp::create(b, loc, both, splat(b, loc, both, 15));
    Value high = arith::ShRUIOp::create(b, loc, both, splat(b, loc, both, 4));
    SmallVector<Value> numbers;
    for (Value codes : {low, high}) {
      Value number = arith::SubIOp::create(b, loc, codes, splat(b, loc, codes, kOffset));
      numbers.push_back(arith::SIToFPOp::create(b, loc, floats, number));
    }
    return numbers;
  }

  /// A bf16 is the upper half of an f32.
  Value decodeScale(OpBuilder &b, Location loc, Value bytes) const final {
    int64_t lanes = cast<VectorType>(bytes.getType()).getDimSize(0) / 2;
    Value halves = vector::BitCastOp::create(b, loc, VectorType::get({lanes}, b.getI16Type()), bytes);
    Value wide = arith::ExtUIOp::create(b, loc, VectorType::get({lanes}, b.getI32Type()), halves);
    Value bits = arith::ShLIOp::create(b, loc, wide, splat(b, loc, wide, 16));
    return arith::BitcastOp::create(b, loc, VectorType::get({lanes}, b.getF32Type()), bits);
  }
};

} // namespace mlir::moe

#endif // MOE_LIB_CODEGEN_CPU_FORMATS_INT4_H
