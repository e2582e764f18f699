// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- CombineRows.cpp - moe.combine_rows to a reduction over the slots that picked a row -----------------===//
//
// A counting sort of the slots by the row that they hold gives each row its slots, in ascending order as the sort is
// stable; then one task is a block of rows. A row has any number of slots, so the reduction is a loop over vectors of
// columns, not a linalg op.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "CombineStep.h"
#include "PopulatePatterns.h"
#include "RowBlocks.h"
#include "SlotSort.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::moe;

static constexpr int64_t kLanes = 16;

namespace {

class RowCombiner {
public:
  RowCombiner(OpBuilder &b, CombineRowsOp op) : op(op) {
    ImplicitLocOpBuilder at(op.getLoc(), b);
    Type index = b.getIndexType();
    Value ids = op.getIds(), one = arith::ConstantIndexOp::create(at, 1);
    Value rows = asValue(b, op.getLoc(), tensor::getMixedSize(b, op.getLoc(), op.getInit(), 0));
    SmallVector<ReassociationIndices> flat{{0, 1}};
    Value flatIds = tensor::CollapseShapeOp::create(at, ids, flat);
    if (op.getWeights())
      weights = tensor::CollapseShapeOp::create(at, op.getWeights(), flat);
    auto dynamic = RankedTensorType::get({ShapedType::kDynamic}, index);
    SlotSort sort{ids, tensor::EmptyOp::create(at, dynamic, Value(arith::AddIOp::create(at, rows, one))), Value(),
                  tensor::EmptyOp::create(at, dynamic, Value(tensor::DimOp::create(at, flatIds, 0)))};
    SortedSlots sorted = sort.build(at, [](ImplicitLocOpBuilder &, Value, Value id) { return SlotOwner{id, id}; });
    offsets = sorted.offsets, slots = sorted.slots;
  }

  /// All columns of row `t`, written to row `i` of `out`.
  Value emitRow(OpBuilder &b, Location loc, Value t, Value i, Value out) {
    Value one = indexConstant(b, loc, 1);
    Value begin = tensor::ExtractOp::create(b, loc, offsets, t);
    Value end = tensor::ExtractOp::create(b, loc, offsets, Value(arith::AddIOp::create(b, loc, t, one)));
    int64_t width = op.getResult().getType().getDimSize(1), whole = width / kLanes * kLanes;
    if (whole != 0)
      out = scf::ForOp::create(b, loc, indexConstant(b, loc, 0), indexConstant(b, loc, whole),
                               indexConstant(b, loc, kLanes), out,
                               [&](OpBuilder &nested, Location loc, Value column, ValueRange carried) {
                                 Value next = emitColumns(nested, loc, begin, end, i, column, kLanes, carried[0]);
                                 scf::YieldOp::create(nested, loc, next);
                               })
                .getResult(0);
    return whole == width ? out : emitColumns(b, loc, begin, end, i, indexConstant(b, loc, whole), width - whole, out);
  }

private:
  /// `lanes` columns from `column` on.
  Value emitColumns(OpBuilder &b, Location loc, Value begin, Value end, Value i, Value column, int64_t lanes,
                    Value out) {
    CombineKind kind = op.getKind();
    auto type = VectorType::get({lanes}, b.getF32Type());
    Value start = splat(b, loc, type, arith::ConstantOp::create(b, loc, b.getF32FloatAttr(combineStart(kind))));
    auto loop = scf::ForOp::create(
        b, loc, begin, end, indexConstant(b, loc, 1), start,
        [&](OpBuilder &nested, Location loc, Value at, ValueRange carried) {
          Value slot = tensor::ExtractOp::create(nested, loc, slots, at), w;
          Type element = op.getRows().getType().getElementType();
          Value zero = arith::ConstantOp::create(nested, loc, nested.getZeroAttr(element));
          Value y = vector::TransferReadOp::create(nested, loc, VectorType::get({lanes}, element), op.getRows(),
                                                   ValueRange{slot, column}, zero, ArrayRef<bool>{true});
          if (weights) {
            Value weight = tensor::ExtractOp::create(nested, loc, weights, slot);
            w = splat(nested, loc, type, combineToF32(nested, loc, weight));
          }
          scf::YieldOp::create(nested, loc,
                               combineStep(nested, loc, kind, carried[0], combineToF32(nested, loc, y), w));
        });
    Value sum = loop.getResult(0);
    if (kind == CombineKind::Mean) {
      // A row that nobody picked has the sum 0 and is divided by 1.
      Value found = arith::MaxUIOp::create(b, loc, arith::SubIOp::create(b, loc, end, begin), indexConstant(b, loc, 1));
      Value count = arith::IndexCastOp::create(b, loc, b.getI64Type(), found);
      sum = arith::DivFOp::create(b, loc, sum,
                                  splat(b, loc, type, arith::SIToFPOp::create(b, loc, b.getF32Type(), count)));
    }
    Value rounded = combineFromF32(b, loc, sum, op.getResult().getType().getElementType());
    return vector::TransferWriteOp::create(b, loc, rounded, out, ValueRange{i, column}, ArrayRef<bool>{true})
        .getResult();
  }

  static Value splat(OpBuilder &b, Location loc, VectorType type, Value value) {
    return vector::BroadcastOp::create(b, loc, type, value);
  }

  CombineRowsOp op;
  Value weights;        ///< of slots; null when the kind has none
  Value offsets, slots; ///< the slots of row t are slots[offsets[t]] .. slots[offsets[t + 1] - 1]
};

struct LowerCombineRows : OpRewritePattern<CombineRowsOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(CombineRowsOp op, PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    RowCombiner combiner(rewriter, op);
    auto body = [&](Value first, OpFoldResult rows, ValueRange blocks) -> SmallVector<Value> {
      auto loop = scf::ForOp::create(
          rewriter, loc, indexConstant(rewriter, loc, 0), asValue(rewriter, loc, rows), indexConstant(rewriter, loc, 1),
          blocks, [&](OpBuilder &nested, Location loc, Value i, ValueRange carried) {
            Value t = arith::AddIOp::create(nested, loc, first, i);
            scf::YieldOp::create(nested, loc, combiner.emitRow(nested, loc, t, i, carried[0]));
          });
      return {loop.getResult(0)};
    };
    rewriter.replaceOp(op, overRowBlocks(rewriter, loc, op.getInit(), body));
    return success();
  }
};

} // namespace

void mlir::moe::populateCombineRowsPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerCombineRows>(patterns.getContext());
}
