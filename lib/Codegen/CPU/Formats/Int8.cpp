// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Int8.cpp - symmetric bytes with one scale for each row of a matrix ---------------------------------===//
//
// A row of a weight is a column of the product, so its scale is a factor of one sum: it is applied there, once.
// A panel is [groups][matrix][column][kGroup] bytes, then [matrix][column] scales of f32.
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
    int64_t step = shape.matrices * shape.columns * shape.kGroup;
    int64_t within = (columns.matrix * shape.columns + columns.column) * shape.kGroup;
    Value start = arith::MulIOp::create(b, loc, read, arith::ConstantIndexOp::create(b, loc, step));
    Value first = arith::AddIOp::create(b, loc, start, arith::ConstantIndexOp::create(b, loc, within));
    Value bytes = readVector(b, loc, panel, ValueRange(first), columns.lanes * shape.kGroup, true);
    auto type = VectorType::get({columns.lanes * shape.kGroup}, b.getF32Type());
    return {arith::SIToFPOp::create(b, loc, type, bytes)};
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
};

} // namespace

namespace mlir::moe {
const NumberFormat &getInt8Format() {
  static const Int8Format format;
  return format;
}
} // namespace mlir::moe
