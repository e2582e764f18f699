// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- MXFP4.cpp - four-bit floats with a power of two for each 32 ----------------------------------------===//
//
// OCP Microscaling Formats (MX) Specification 1.0: elements of E2M1 (sign, two bits of exponent, one of mantissa), a
// scale of E8M0 (an f32's exponent).
//
//===--------------------------------------------------------------------------------------------------------===//

#include "FourBits.h"
#include "moe/Dialect/MoE/IR/MoE.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

class MXFP4Format final : public FourBitFormat {
public:
  MXFP4Format() : FourBitFormat(/*block=*/32) {}
  StringRef name() const override { return "mxfp4"; }
  std::optional<int64_t> codeOffset() const override { return kOffset; }

protected:
  int64_t scaleBytes() const override { return 1; }

  /// Above twice the number, so that the least one, -6, has code 0.
  static constexpr int64_t kOffset = 12;

  Value codesOf(OpBuilder &b, Location loc, Value bits) const override {
    static constexpr int8_t codes[] = {12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0};
    return LookUpBytesOp::create(b, loc, bits, codes);
  }

  SmallVector<Value> decode(OpBuilder &b, Location loc, Value bytes) const override {
    Value both = arith::ExtUIOp::create(b, loc, cast<VectorType>(bytes.getType()).clone(b.getI32Type()), bytes);
    Value high = arith::ShRUIOp::create(b, loc, both, splat(b, loc, both, 4));
    return {twice(b, loc, both), twice(b, loc, high)};
  }

  /// Half of the scale, as elements are decoded to twice their value. The runtime's exponents are 2 or more; 255 is
  /// NaN.
  Value decodeScale(OpBuilder &b, Location loc, Value bytes) const override {
    auto type = cast<VectorType>(bytes.getType());
    Value wide = arith::ExtUIOp::create(b, loc, type.clone(b.getI32Type()), bytes);
    Value less = arith::SubIOp::create(b, loc, wide, splat(b, loc, wide, 1));
    Value power = arith::ShLIOp::create(b, loc, less, splat(b, loc, wide, 23));
    Value isNaN = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, wide, splat(b, loc, wide, 255));
    Value bits = arith::SelectOp::create(b, loc, isNaN, splat(b, loc, wide, 0x7fc00000), power);
    return arith::BitcastOp::create(b, loc, type.clone(b.getF32Type()), bits);
  }

private:
  /// Twice the E2M1 number in the low four bits. Magnitudes 0, 1/2, 1, 3/2, 2, 3, 4, 6 are whole then, and are looked
  /// up in the digits of one word.
  static Value twice(OpBuilder &b, Location loc, Value bits) {
    Value magnitude = arith::AndIOp::create(b, loc, bits, splat(b, loc, bits, 7));
    Value digit = arith::ShLIOp::create(b, loc, magnitude, splat(b, loc, bits, 2));
    Value shifted = arith::ShRUIOp::create(b, loc, splat(b, loc, bits, int32_t(0xc8643210)), digit);
    Value whole = arith::AndIOp::create(b, loc, shifted, splat(b, loc, bits, 15));
    auto floats = cast<VectorType>(bits.getType()).clone(b.getF32Type());
    Value value = arith::SIToFPOp::create(b, loc, floats, whole);
    Value top = arith::ShLIOp::create(b, loc, bits, splat(b, loc, bits, 28));
    Value sign = arith::AndIOp::create(b, loc, top, splat(b, loc, bits, int32_t(0x80000000)));
    Value pattern = arith::BitcastOp::create(b, loc, bits.getType(), value);
    Value result = arith::OrIOp::create(b, loc, pattern, sign);
    return arith::BitcastOp::create(b, loc, floats, result);
  }
};

} // namespace

namespace mlir::moe {
const NumberFormat &getMXFP4Format() {
  static const MXFP4Format format;
  return format;
}
} // namespace mlir::moe
