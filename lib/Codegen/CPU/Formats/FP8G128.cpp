// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- FP8G128.cpp - eight-bit floats (E4M3) with an f32 scale for each 128 -------------------------------===//
//
// A panel is [blocks][matrix]{[element][column] bytes, [column] scales}.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "../TileKernels/ReadVector.h"
#include "moe/Codegen/CPU/NumberFormat.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

class FP8G128Format final : public NumberFormat {
public:
  StringRef name() const override { return "fp8:g128"; }

  int64_t panelBytes(const PanelShape &shape) const override {
    return static_cast<int64_t>(llvm::divideCeil(shape.reduction, kBlock)) * shape.matrices * matrixBytes(shape);
  }
  int64_t scaleBlock() const override { return kBlock; }

  SmallVector<Value> readWeights(OpBuilder &b, Location loc, const PanelShape &shape, Value panel, Value read,
                                 const PanelColumns &columns) const override {
    assert(shape.kGroup == 1 && "operands of f32 are multiplied one at a time");
    Value size = constant(b, loc, kBlock);
    Value block = arith::DivUIOp::create(b, loc, read, size), element = arith::RemUIOp::create(b, loc, read, size);
    Value row = arith::MulIOp::create(b, loc, element, constant(b, loc, shape.columns));
    Value first = arith::AddIOp::create(b, loc, blockStart(b, loc, shape, block, columns.matrix), row);
    first = arith::AddIOp::create(b, loc, first, constant(b, loc, columns.column));
    return {decode(b, loc, readVector(b, loc, panel, ValueRange(first), columns.lanes, true))};
  }

  Value readScale(OpBuilder &b, Location loc, const PanelShape &shape, Value panel, Value block,
                  const PanelColumns &columns) const override {
    Value within = constant(b, loc, kBlock * shape.columns + 4 * columns.column);
    Value first = arith::AddIOp::create(b, loc, blockStart(b, loc, shape, block, columns.matrix), within);
    Value bytes = readVector(b, loc, panel, ValueRange(first), 4 * columns.lanes, true);
    auto type = VectorType::get({columns.lanes}, b.getF32Type());
    Value scales = vector::BitCastOp::create(b, loc, type, bytes);
    // Numbers are decoded to 2^-8 of themselves.
    Value back = arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, b.getF32FloatAttr(256)));
    return arith::MulFOp::create(b, loc, scales, back);
  }

private:
  static constexpr int64_t kBlock = 128;

  static Value constant(OpBuilder &b, Location loc, int64_t value) {
    return arith::ConstantIndexOp::create(b, loc, value);
  }
  static int64_t matrixBytes(const PanelShape &shape) { return shape.columns * (kBlock + 4); }
  static Value blockStart(OpBuilder &b, Location loc, const PanelShape &shape, Value block, int64_t matrix) {
    Value start = arith::MulIOp::create(b, loc, block, constant(b, loc, shape.matrices * matrixBytes(shape)));
    return arith::AddIOp::create(b, loc, start, constant(b, loc, matrix * matrixBytes(shape)));
  }

  /// Sign, exponent and mantissa at their places in an f16, whose bias is 8 more: 2^-8 times the number, denormals
  /// included, which a conversion from f16 keeps whatever becomes of those of f32.
  static Value decode(OpBuilder &b, Location loc, Value bytes) {
    auto type = cast<VectorType>(bytes.getType()).clone(b.getI16Type());
    auto all = [&](uint16_t value) -> Value {
      return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, b.getI16IntegerAttr(int16_t(value))));
    };
    Value wide = arith::ExtSIOp::create(b, loc, type, bytes);
    Value placed = arith::ShLIOp::create(b, loc, wide, all(7));
    // Between the sign and the exponent is another copy of the sign.
    Value bits = arith::AndIOp::create(b, loc, placed, all(0xbfff));
    Value number = arith::BitcastOp::create(b, loc, type.clone(b.getF16Type()), bits);
    return arith::ExtFOp::create(b, loc, type.clone(b.getF32Type()), number);
  }
};

} // namespace

namespace mlir::moe {
const NumberFormat &getFP8G128Format() {
  static const FP8G128Format format;
  return format;
}
} // namespace mlir::moe
