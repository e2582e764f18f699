// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- PackRows.cpp - rows rounded to bytes, with what products need beside them --------------------------===//

#include "RoundedRows.h"

#include "moe/Codegen/CPU/NumberFormat.h"
#include "moe/Conversion/MoEToLinalg/Body.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::moe;

/// Rows of one task.
static constexpr int64_t kTaskRows = 16;
/// Codes of a row are padded to a multiple of this: a cache line.
static constexpr int64_t kLine = 64;

static Value index(OpBuilder &b, Location loc, int64_t value) { return arith::ConstantIndexOp::create(b, loc, value); }

std::optional<RowRounding> mlir::moe::matchRowRounding(Value rows) {
  while (auto cast = rows.getDefiningOp<tensor::CastOp>())
    rows = cast.getSource();
  Operation *whole = rows.getDefiningOp();
  auto rounding = dyn_cast_or_null<linalg::GenericOp>(whole);
  if (auto loop = dyn_cast_or_null<scf::ForallOp>(whole))
    for (auto op : loop.getBody()->getOps<linalg::GenericOp>())
      if (op->hasAttr(kRowRoundingAttr))
        rounding = op;
  if (!rounding || !rounding->hasAttr(kRowRoundingAttr))
    return std::nullopt;
  Value source = rounding.getInputs()[0];
  if (auto slice = source.getDefiningOp<tensor::ExtractSliceOp>(); slice && rounding != whole)
    source = slice.getSource();
  // A source that is made inside of the loop is a block of the rows, and not all of them.
  if (Operation *inside = source.getDefiningOp(); inside && whole->isProperAncestor(inside))
    return std::nullopt;
  return RowRounding{whole, source};
}

Value mlir::moe::readFloats(OpBuilder &b, Location loc, Value source, Value row, Value column, int64_t lanes,
                            bool inBounds) {
  Type element = cast<ShapedType>(source.getType()).getElementType();
  Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(element));
  Value values = vector::TransferReadOp::create(b, loc, VectorType::get({lanes}, element), source,
                                                ValueRange{row, column}, zero, ArrayRef<bool>{inBounds});
  auto floats = VectorType::get({lanes}, b.getF32Type());
  if (element.isF32())
    return values;
  if (element.getIntOrFloatBitWidth() < 32)
    return arith::ExtFOp::create(b, loc, floats, values);
  return arith::TruncFOp::create(b, loc, floats, values);
}

RowScale mlir::moe::emitRowScale(OpBuilder &b, Location loc, Value source, Value row, int64_t lanes) {
  int64_t columns = cast<RankedTensorType>(source.getType()).getDimSize(1);
  auto type = VectorType::get({lanes}, b.getI32Type());
  Value least = bitsConstant(b, loc, type, 0);
  auto loop = scf::ForOp::create(
      b, loc, index(b, loc, 0), index(b, loc, columns), index(b, loc, lanes), ValueRange(least),
      [&](OpBuilder &nested, Location loc, Value column, ValueRange carried) {
        Value values = readFloats(nested, loc, source, row, column, lanes, columns % lanes == 0);
        Value bits = magnitudeBits(nested, loc, values);
        scf::YieldOp::create(nested, loc, Value(arith::MaxUIOp::create(nested, loc, carried[0], bits)));
      });
  return rowScale(b, loc, vector::ReductionOp::create(b, loc, vector::CombiningKind::MAXUI, Value(loop.getResult(0))));
}

namespace {

/// The rows of one task.
class RowPacker {
public:
  RowPacker(Value source, const CodeBlocks &blocks, int64_t lanes)
      : source(source), offset(blocks.offset), lanes(lanes) {
    columns = cast<RankedTensorType>(source.getType()).getDimSize(1);
    block = blocks.size == NumberFormat::kWholeReduction ? static_cast<int64_t>(llvm::alignTo(columns, kLine))
                                                         : blocks.size;
    count = static_cast<int64_t>(llvm::divideCeil(columns, block));
    width = static_cast<int64_t>(llvm::alignTo(count * block, kLine));
  }

  int64_t blockCount() const { return count; }
  int64_t codeColumns() const { return width; }

  /// Row `from` of the source as row `to` of [codes, starts, scales].
  SmallVector<Value> pack(OpBuilder &b, Location loc, Value from, Value to, ValueRange into) const {
    RowScale scale = emitRowScale(b, loc, source, from, lanes);
    Value inverse = vector::BroadcastOp::create(b, loc, VectorType::get({lanes}, b.getF32Type()), scale.inverse);
    auto blocks =
        scf::ForOp::create(b, loc, index(b, loc, 0), index(b, loc, count), index(b, loc, 1), into.take_front(2),
                           [&](OpBuilder &nested, Location loc, Value i, ValueRange carried) {
                             scf::YieldOp::create(nested, loc, packBlock(nested, loc, from, to, inverse, i, carried));
                           });
    Value codes = blocks.getResult(0);
    // What is left of the last cache line is read with zeros only.
    for (int64_t at = count * block; at != width; at += lanes)
      codes = write(b, loc, bytesOf(0, b, loc), codes, to, index(b, loc, at));
    Value scales = tensor::InsertOp::create(b, loc, scale.scale, into[2], ValueRange{to, index(b, loc, 0)});
    return {codes, blocks.getResult(1), scales};
  }

private:
  Value bytesOf(int8_t value, OpBuilder &b, Location loc) const {
    auto type = VectorType::get({lanes}, b.getI8Type());
    return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, b.getI8IntegerAttr(value)));
  }
  static Value write(OpBuilder &b, Location loc, Value bytes, Value codes, Value row, Value column) {
    return vector::TransferWriteOp::create(b, loc, bytes, codes, ValueRange{row, column}, ArrayRef<bool>{true})
        .getResult();
  }

  SmallVector<Value> packBlock(OpBuilder &b, Location loc, Value from, Value to, Value inverse, Value i,
                               ValueRange into) const {
    auto integers = VectorType::get({lanes}, b.getI32Type());
    Value begin = arith::MulIOp::create(b, loc, i, index(b, loc, block));
    Value end = arith::AddIOp::create(b, loc, begin, index(b, loc, block));
    Value none = bitsConstant(b, loc, integers, 0);
    auto vectors = scf::ForOp::create(
        b, loc, begin, end, index(b, loc, lanes), ValueRange{into[0], none},
        [&](OpBuilder &nested, Location loc, Value column, ValueRange carried) {
          Value x = readFloats(nested, loc, source, from, column, lanes, columns == count * block);
          Value number = nearestNumber(nested, loc, x, inverse);
          Value bits = arith::BitcastOp::create(nested, loc, integers, number);
          Value places = wholePlaces(nested, loc, number.getType());
          Value whole =
              arith::SubIOp::create(nested, loc, bits, Value(arith::BitcastOp::create(nested, loc, integers, places)));
          Value sum = arith::AddIOp::create(nested, loc, carried[1], whole);
          Value bytes = arith::TruncIOp::create(nested, loc, VectorType::get({lanes}, nested.getI8Type()), whole);
          scf::YieldOp::create(nested, loc, ValueRange{write(nested, loc, bytes, carried[0], to, column), sum});
        });
    Value sum =
        vector::ReductionOp::create(b, loc, vector::CombiningKind::ADD, Value(vectors.getResult(1))).getResult();
    Value start = arith::MulIOp::create(b, loc, sum, bitsConstant(b, loc, b.getI32Type(), uint32_t(-offset)));
    return {vectors.getResult(0), tensor::InsertOp::create(b, loc, start, into[1], ValueRange{to, i})};
  }

  Value source;
  int64_t offset, lanes;
  int64_t columns; ///< K
  int64_t block;   ///< columns that share a start
  int64_t count;   ///< of blocks
  int64_t width;   ///< bytes of a row
};

} // namespace

RoundedRows mlir::moe::packRows(OpBuilder &b, Location loc, Value source, const CodeBlocks &blocks, int64_t lanes) {
  RowPacker packer(source, blocks, lanes);
  OpFoldResult total = tensor::getMixedSize(b, loc, source, 0), zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
  SmallVector<Value> inits;
  auto add = [&](int64_t columns, Type element) {
    inits.push_back(tensor::EmptyOp::create(b, loc, ArrayRef<OpFoldResult>{total, b.getIndexAttr(columns)}, element));
  };
  add(packer.codeColumns(), b.getI8Type());
  add(packer.blockCount(), b.getI32Type());
  add(1, b.getF32Type());

  auto loop = scf::ForallOp::create(b, loc, ArrayRef<OpFoldResult>{zero}, ArrayRef<OpFoldResult>{total},
                                    ArrayRef<OpFoldResult>{b.getIndexAttr(kTaskRows)}, inits, std::nullopt);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(loop.getTerminator());
  Value first = loop.getInductionVar(0);
  AffineExpr d0 = b.getAffineDimExpr(0), s0 = b.getAffineSymbolExpr(0);
  AffineMap map = AffineMap::get(1, 1, {b.getAffineConstantExpr(kTaskRows), s0 - d0}, b.getContext());
  OpFoldResult rows = affine::makeComposedFoldedAffineMin(b, loc, map, {OpFoldResult(first), total});
  SmallVector<Value> parts;
  SmallVector<SmallVector<OpFoldResult>> sizes;
  SmallVector<OpFoldResult> offsets{first, zero}, strides(2, one);
  for (Value shared : loop.getRegionIterArgs()) {
    sizes.push_back({rows, tensor::getMixedSize(b, loc, shared, 1)});
    parts.push_back(tensor::ExtractSliceOp::create(b, loc, shared, offsets, sizes.back(), strides));
  }
  auto each =
      scf::ForOp::create(b, loc, index(b, loc, 0), getValueOrCreateConstantIndexOp(b, loc, rows), index(b, loc, 1),
                         parts, [&](OpBuilder &nested, Location loc, Value row, ValueRange carried) {
                           Value from = arith::AddIOp::create(nested, loc, first, row);
                           scf::YieldOp::create(nested, loc, packer.pack(nested, loc, from, row, carried));
                         });
  b.setInsertionPointToEnd(loop.getTerminator().getBody());
  for (auto [part, shared, size] : llvm::zip_equal(each.getResults(), loop.getRegionIterArgs(), sizes))
    tensor::ParallelInsertSliceOp::create(b, loc, part, shared, offsets, size, strides);
  return {loop.getResult(0), loop.getResult(1), loop.getResult(2)};
}
