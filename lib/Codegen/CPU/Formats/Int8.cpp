// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Int8.cpp - symmetric bytes with one scale for each row of a matrix ---------------------------------===//
//
// A row of a weight is a column of the product, so its scale is a factor of one sum: it is applied there, once.
// A panel is [groups][matrix][column][kGroup] bytes, 128 above their number, then [matrix][column] scales of f32.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "../TileKernels/ReadVector.h"
#include "moe/Codegen/CPU/NumberFormat.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

class Int8Format final : public NumberFormat {
public:
  StringRef name() const override { return "int8"; }

  int64_t panelBytes(const PanelShape &shape) const override {
    return shape.matrices * shape.columns * (shape.groups() * shape.kGroup + 4);
  }

  SmallVector<Value> readWeights(OpBuilder &b, Location loc, const PanelShape &shape, Value panel, Value read,
                                 const PanelColumns &columns) const override {
    Value codes = readBytes(b, loc, shape, panel, read, columns);
    auto type = cast<VectorType>(codes.getType());
    Value top = arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, b.getI8IntegerAttr(int8_t(0x80))));
    Value numbers = arith::XOrIOp::create(b, loc, codes, top);
    return {arith::SIToFPOp::create(b, loc, type.clone(b.getF32Type()), numbers)};
  }

  std::optional<int64_t> codeOffset() const override { return 128; }
  SmallVector<Value> readCodes(OpBuilder &b, Location loc, const PanelShape &shape, Value panel, Value, Value read,
                               const PanelColumns &columns) const override {
    return {readBytes(b, loc, shape, panel, read, columns)};
  }

  int64_t scaleBlock() const override { return kWholeReduction; }
  Value readScale(OpBuilder &b, Location loc, const PanelShape &shape, Value panel, Value,
                  const PanelColumns &columns) const override {
    int64_t scales = shape.matrices * shape.columns * shape.groups() * shape.kGroup;
    int64_t within = columns.matrix * shape.columns + columns.column;
    Value first = arith::ConstantIndexOp::create(b, loc, scales + 4 * within);
    Value bytes = readVector(b, loc, panel, ValueRange(first), 4 * columns.lanes, true);
    return vector::BitCastOp::create(b, loc, VectorType::get({columns.lanes}, b.getF32Type()), bytes);
  }

private:
  static Value readBytes(OpBuilder &b, Location loc, const PanelShape &shape, Value panel, Value read,
                         const PanelColumns &columns) {
    int64_t step = shape.matrices * shape.columns * shape.kGroup;
    int64_t within = (columns.matrix * shape.columns + columns.column) * shape.kGroup;
    Value start = arith::MulIOp::create(b, loc, read, arith::ConstantIndexOp::create(b, loc, step));
    Value first = arith::AddIOp::create(b, loc, start, arith::ConstantIndexOp::create(b, loc, within));
    return readVector(b, loc, panel, ValueRange(first), columns.lanes * shape.kGroup, true);
  }
};

} // namespace

namespace mlir::moe {
const NumberFormat &getInt8Format() {
  static const Int8Format format;
  return format;
}
} // namespace mlir::moe
