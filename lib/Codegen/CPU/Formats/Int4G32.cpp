// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Int4G32.cpp - symmetric four-bit integers with a bf16 scale for each 32 ----------------------------===//

#include "FourBits.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

class Int4G32Format final : public FourBitFormat {
public:
  StringRef name() const override { return "int4:g32"; }

protected:
  int64_t scaleBytes() const override { return 2; }

  /// Two's complement: shifts extend the sign.
  SmallVector<Value> decode(OpBuilder &b, Location loc, Value bytes) const override {
    auto type = cast<VectorType>(bytes.getType());
    auto floats = type.clone(b.getF32Type());
    Value both = arith::ExtSIOp::create(b, loc, type.clone(b.getI32Type()), bytes);
    Value top = arith::ShLIOp::create(b, loc, both, splat(b, loc, both, 28));
    Value low = arith::ShRSIOp::create(b, loc, top, splat(b, loc, both, 28));
    Value high = arith::ShRSIOp::create(b, loc, both, splat(b, loc, both, 4));
    return {arith::SIToFPOp::create(b, loc, floats, low), arith::SIToFPOp::create(b, loc, floats, high)};
  }

  /// A bf16 is the upper half of an f32.
  Value decodeScale(OpBuilder &b, Location loc, Value bytes) const override {
    int64_t lanes = cast<VectorType>(bytes.getType()).getDimSize(0) / 2;
    Value halves = vector::BitCastOp::create(b, loc, VectorType::get({lanes}, b.getI16Type()), bytes);
    Value wide = arith::ExtUIOp::create(b, loc, VectorType::get({lanes}, b.getI32Type()), halves);
    Value bits = arith::ShLIOp::create(b, loc, wide, splat(b, loc, wide, 16));
    return arith::BitcastOp::create(b, loc, VectorType::get({lanes}, b.getF32Type()), bits);
  }
};

} // namespace

namespace mlir::moe {
const NumberFormat &getInt4G32Format() {
  static const Int4G32Format format;
  return format;
}
} // namespace mlir::moe
