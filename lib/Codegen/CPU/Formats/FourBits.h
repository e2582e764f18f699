// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- FourBits.h - four bits an element, with a scale for each 32 of the reduction -----------------------===//

#ifndef MOE_LIB_CODEGEN_CPU_FORMATS_FOURBITS_H
#define MOE_LIB_CODEGEN_CPU_FORMATS_FOURBITS_H

#include "../TileKernels/ReadVector.h"
#include "moe/Codegen/CPU/NumberFormat.h"

namespace mlir::moe {

/// A panel is [blocks of 32][matrix]{[pair of elements][column] bytes, [column] scales}. Of a pair the first element is
/// the low half of the byte. So one read of `lanes` bytes brings two steps of the reduction, each a vector of columns.
class FourBitFormat : public NumberFormat {
public:
  static constexpr int64_t kBlock = 32;

  int64_t panelBytes(const PanelShape &shape) const final {
    return static_cast<int64_t>(llvm::divideCeil(shape.reduction, kBlock)) * shape.matrices * matrixBytes(shape);
  }
  int64_t groupsPerRead() const final { return 2; }
  int64_t scaleBlock() const final { return kBlock; }

  SmallVector<Value> readWeights(OpBuilder &b, Location loc, const PanelShape &shape, Value panel, Value read,
                                 const PanelColumns &columns) const final {
    assert(shape.kGroup == 1 && "operands of f32 are multiplied one at a time");
    // Read r is pair r % 16 of block r / 16.
    Value pairs = constant(b, loc, kBlock / 2);
    Value block = arith::DivUIOp::create(b, loc, read, pairs), pair = arith::RemUIOp::create(b, loc, read, pairs);
    Value row = arith::MulIOp::create(b, loc, pair, constant(b, loc, shape.columns));
    Value first = arith::AddIOp::create(b, loc, blockStart(b, loc, shape, block, columns.matrix), row);
    first = arith::AddIOp::create(b, loc, first, constant(b, loc, columns.column));
    Value bytes = readVector(b, loc, panel, ValueRange(first), columns.lanes, true);
    return decode(b, loc, bytes);
  }

  Value readScale(OpBuilder &b, Location loc, const PanelShape &shape, Value panel, Value block,
                  const PanelColumns &columns) const final {
    int64_t within = kBlock / 2 * shape.columns + columns.column * scaleBytes();
    Value first =
        arith::AddIOp::create(b, loc, blockStart(b, loc, shape, block, columns.matrix), constant(b, loc, within));
    return decodeScale(b, loc, readVector(b, loc, panel, ValueRange(first), columns.lanes * scaleBytes(), true));
  }

protected:
  virtual int64_t scaleBytes() const = 0;
  /// From bytes to two vectors of f32 before scaling: the low halves, the high halves.
  virtual SmallVector<Value> decode(OpBuilder &b, Location loc, Value bytes) const = 0;
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
  int64_t matrixBytes(const PanelShape &shape) const { return shape.columns * (kBlock / 2 + scaleBytes()); }
  Value blockStart(OpBuilder &b, Location loc, const PanelShape &shape, Value block, int64_t matrix) const {
    Value start = arith::MulIOp::create(b, loc, block, constant(b, loc, shape.matrices * matrixBytes(shape)));
    return arith::AddIOp::create(b, loc, start, constant(b, loc, matrix * matrixBytes(shape)));
  }
};

} // namespace mlir::moe

#endif // MOE_LIB_CODEGEN_CPU_FORMATS_FOURBITS_H
