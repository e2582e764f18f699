// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Int4Zero.h - four-bit integers with a bf16 scale and a zero point for each block -------------------===//

#ifndef MOE_LIB_CODEGEN_CPU_FORMATS_INT4ZERO_H
#define MOE_LIB_CODEGEN_CPU_FORMATS_INT4ZERO_H

#include "FourBits.h"

namespace mlir::moe {

/// A value is scale * (code - zero point). Beside the codes of a block each column has four bytes: the scale as a bf16,
/// then its zero point.
class Int4ZeroFormat : public FourBitFormat {
public:
  using FourBitFormat::FourBitFormat;
  /// Times the zero point.
  std::optional<int64_t> codeOffset() const final { return 1; }

  Value readZeroPoints(OpBuilder &b, Location loc, const PanelShape &shape, Value panel, Value number,
                       const PanelColumns &columns) const final {
    Value both = words(b, loc, readScaleBytes(b, loc, shape, panel, number, columns));
    return arith::ShRUIOp::create(b, loc, both, splat(b, loc, both, 16));
  }

protected:
  int64_t scaleBytes() const final { return 4; }

  SmallVector<Value> decode(OpBuilder &b, Location loc, Value bytes) const final {
    auto type = cast<VectorType>(bytes.getType());
    auto floats = type.clone(b.getF32Type());
    Value both = arith::ExtUIOp::create(b, loc, type.clone(b.getI32Type()), bytes);
    Value low = arith::AndIOp::create(b, loc, both, splat(b, loc, both, 15));
    Value high = arith::ShRUIOp::create(b, loc, both, splat(b, loc, both, 4));
    return {arith::SIToFPOp::create(b, loc, floats, low), arith::SIToFPOp::create(b, loc, floats, high)};
  }

  /// A bf16 is the upper half of an f32, and here the lower of the word.
  Value decodeScale(OpBuilder &b, Location loc, Value bytes) const final {
    Value both = words(b, loc, bytes);
    Value bits = arith::ShLIOp::create(b, loc, both, splat(b, loc, both, 16));
    return arith::BitcastOp::create(b, loc, cast<VectorType>(bits.getType()).clone(b.getF32Type()), bits);
  }

private:
  static Value words(OpBuilder &b, Location loc, Value bytes) {
    int64_t lanes = cast<VectorType>(bytes.getType()).getDimSize(0) / 4;
    return vector::BitCastOp::create(b, loc, VectorType::get({lanes}, b.getI32Type()), bytes);
  }
};

} // namespace mlir::moe

#endif // MOE_LIB_CODEGEN_CPU_FORMATS_INT4ZERO_H
