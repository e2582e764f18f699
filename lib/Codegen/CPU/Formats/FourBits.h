// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- FourBits.h - four bits an element, with a scale for each block of the reduction --------------------===//

#ifndef MOE_LIB_CODEGEN_CPU_FORMATS_FOURBITS_H
#define MOE_LIB_CODEGEN_CPU_FORMATS_FOURBITS_H

#include "../TileKernels/ReadVector.h"
#include "moe/Codegen/CPU/NumberFormat.h"

namespace mlir::moe {

/// A panel is [blocks][matrix]{[pair of groups][column][kGroup] bytes, [column] scales}. Of a pair the first group is
/// the low half of the bytes. So one read of `lanes` x kGroup bytes brings two groups of the reduction.
class FourBitFormat : public NumberFormat {
public:
  explicit FourBitFormat(int64_t block) : block(block) {}

  int64_t panelBytes(const PanelShape &shape) const final {
    return static_cast<int64_t>(llvm::divideCeil(shape.reduction, block)) * shape.matrices * matrixBytes(shape);
  }
  int64_t groupsPerRead() const final { return 2; }
  int64_t scaleBlock() const final { return block; }

  SmallVector<Value> readWeights(OpBuilder &b, Location loc, const PanelShape &shape, Value panel, Value read,
                                 const PanelColumns &columns) const final {
    assert(shape.kGroup == 1 && "operands of f32 are multiplied one at a time");
    Value reads = constant(b, loc, block / 2);
    Value number = arith::DivUIOp::create(b, loc, read, reads), within = arith::RemUIOp::create(b, loc, read, reads);
    SmallVector<Value> numbers = decode(b, loc, readPair(b, loc, shape, panel, number, within, columns));
    if (Value zeros = readZeroPoints(b, loc, shape, panel, number, columns)) {
      Value floats = arith::SIToFPOp::create(b, loc, numbers.front().getType(), zeros);
      for (Value &value : numbers)
        value = arith::SubFOp::create(b, loc, value, floats);
    }
    return numbers;
  }

  SmallVector<Value> readCodes(OpBuilder &b, Location loc, const PanelShape &shape, Value panel, Value number,
                               Value read, const PanelColumns &columns) const final {
    Value bytes = readPair(b, loc, shape, panel, number, read, columns);
    auto type = cast<VectorType>(bytes.getType());
    auto all = [&](int8_t value) -> Value {
      return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, b.getI8IntegerAttr(value)));
    };
    Value low = arith::AndIOp::create(b, loc, bytes, all(15));
    Value high = arith::ShRUIOp::create(b, loc, bytes, all(4));
    return {codesOf(b, loc, low), codesOf(b, loc, high)};
  }

  Value readScale(OpBuilder &b, Location loc, const PanelShape &shape, Value panel, Value number,
                  const PanelColumns &columns) const final {
    return decodeScale(b, loc, readScaleBytes(b, loc, shape, panel, number, columns));
  }

protected:
  virtual int64_t scaleBytes() const = 0;
  /// From bytes to two vectors of f32 before scaling: the low halves, the high halves.
  virtual SmallVector<Value> decode(OpBuilder &b, Location loc, Value bytes) const = 0;
  /// What is stored beside the codes of these columns in block `number`: lanes x scaleBytes bytes.
  Value readScaleBytes(OpBuilder &b, Location loc, const PanelShape &shape, Value panel, Value number,
                       const PanelColumns &columns) const {
    int64_t within = block / 2 * shape.columns + columns.column * scaleBytes();
    Value first =
        arith::AddIOp::create(b, loc, blockStart(b, loc, shape, number, columns.matrix), constant(b, loc, within));
    return readVector(b, loc, panel, ValueRange(first), columns.lanes * scaleBytes(), true);
  }

  /// From four bits in each byte to codes that are codeOffset above a multiple of the scale.
  virtual Value codesOf(OpBuilder &, Location, Value bits) const { return bits; }
  /// From lanes x scaleBytes bytes to a vector of f32.
  virtual Value decodeScale(OpBuilder &b, Location loc, Value bytes) const = 0;

  /// A vector of i32 constants like `like`.
  static Value splat(OpBuilder &b, Location loc, Value like, int64_t value) {
    auto type = cast<VectorType>(like.getType());
    return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, b.getI32IntegerAttr(int32_t(value))));
  }

private:
  static Value constant(OpBuilder &b, Location loc, int64_t value) {
    return arith::ConstantIndexOp::create(b, loc, value);
  }
  int64_t matrixBytes(const PanelShape &shape) const { return shape.columns * (block / 2 + scaleBytes()); }
  Value blockStart(OpBuilder &b, Location loc, const PanelShape &shape, Value number, int64_t matrix) const {
    Value start = arith::MulIOp::create(b, loc, number, constant(b, loc, shape.matrices * matrixBytes(shape)));
    return arith::AddIOp::create(b, loc, start, constant(b, loc, matrix * matrixBytes(shape)));
  }

  /// Pair `pair` of block `number`.
  Value readPair(OpBuilder &b, Location loc, const PanelShape &shape, Value panel, Value number, Value pair,
                 const PanelColumns &columns) const {
    Value row = arith::MulIOp::create(b, loc, pair, constant(b, loc, shape.columns * shape.kGroup));
    Value within = arith::AddIOp::create(b, loc, row, constant(b, loc, columns.column * shape.kGroup));
    Value first = arith::AddIOp::create(b, loc, blockStart(b, loc, shape, number, columns.matrix), within);
    return readVector(b, loc, panel, ValueRange(first), columns.lanes * shape.kGroup, true);
  }

  int64_t block; ///< elements that share a scale, a multiple of 8
};

} // namespace mlir::moe

#endif // MOE_LIB_CODEGEN_CPU_FORMATS_FOURBITS_H
