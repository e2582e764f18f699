// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- CombineSlots.cpp - moe.combine_slots to a reduction over the slots of each row ---------------------===//
//
// The reduction is in ascending order of the slots and in f32, whatever runs it: the sum of a row is the same for any
// number of threads. The micro-kernel emitter finds it by `moe.slot_reduction`.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "Builders.h"
#include "PopulatePatterns.h"

#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <limits>

using namespace mlir;
using namespace mlir::moe;

static Value toF32(OpBuilder &b, Location loc, Value value) {
  if (value.getType().isF32())
    return value;
  return arith::ExtFOp::create(b, loc, b.getF32Type(), value);
}

static Value fromF32(OpBuilder &b, Location loc, Value value, Type type) {
  if (value.getType() == type)
    return value;
  return arith::TruncFOp::create(b, loc, type, value);
}

/// One more slot: `acc` combined with element `y` of weight `w` (null when the kind has none).
static Value combineStep(OpBuilder &b, Location loc, CombineKind kind, Value acc, Value y, Value w) {
  switch (kind) {
  case CombineKind::WeightedSum:
    return arith::AddFOp::create(b, loc, acc, arith::MulFOp::create(b, loc, w, y));
  case CombineKind::Sum:
  case CombineKind::Mean:
    return arith::AddFOp::create(b, loc, acc, y);
  case CombineKind::Max:
    return arith::MaximumFOp::create(b, loc, acc, y);
  case CombineKind::LogSumExp: {
    // log(exp(acc) + w exp(y)) without overflow: max + log(exp(acc - max) + exp(y + log w - max)); the empty sum is
    // -inf, and -inf - -inf would be NaN, so the larger term is left out of the exponentials.
    Value term = arith::AddFOp::create(b, loc, y, math::LogOp::create(b, loc, w));
    Value high = arith::MaximumFOp::create(b, loc, acc, term), low = arith::MinimumFOp::create(b, loc, acc, term);
    Value one = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(1.0f));
    Value gap = math::ExpOp::create(b, loc, arith::SubFOp::create(b, loc, low, high));
    Value sum = arith::AddFOp::create(b, loc, high, math::LogOp::create(b, loc, arith::AddFOp::create(b, loc, gap, one)));
    Value minusInf =
        arith::ConstantOp::create(b, loc, b.getF32FloatAttr(-std::numeric_limits<float>::infinity()));
    Value empty = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ, low, minusInf);
    return arith::SelectOp::create(b, loc, empty, high, sum);
  }
  }
  return {};
}

namespace {

struct LowerCombineSlots : OpRewritePattern<CombineSlotsOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(CombineSlotsOp op, PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    OpFoldResult zero = rewriter.getIndexAttr(0);
    OpFoldResult total = tensor::getMixedSize(rewriter, loc, op.getInit(), 0);
    OpFoldResult width = rewriter.getIndexAttr(op.getResult().getType().getDimSize(1));
    auto loop = scf::ForallOp::create(rewriter, loc, ArrayRef<OpFoldResult>{zero}, ArrayRef<OpFoldResult>{total},
                                      ArrayRef<OpFoldResult>{rewriter.getIndexAttr(kRowBlock)},
                                      ValueRange(op.getInit()), std::nullopt);
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPoint(loop.getTerminator());
    Value first = loop.getInductionVar(0);
    OpFoldResult rows = blockSize(rewriter, loc, total, first, kRowBlock);
    SmallVector<OpFoldResult> offsets{first, zero}, sizes{rows, width};
    Value part = slice(rewriter, loc, loop.getRegionIterArgs()[0], offsets, sizes);
    part = combineRows(rewriter, op, first, rows, part);
    rewriter.setInsertionPointToEnd(loop.getTerminator().getBody());
    insertParallel(rewriter, loc, part, loop.getRegionIterArgs()[0], offsets, sizes);
    rewriter.replaceOp(op, loop);
    return success();
  }

private:
  static Value combineRows(OpBuilder &b, CombineSlotsOp op, Value first, OpFoldResult rows, Value part) {
    Location loc = op.getLoc();
    MLIRContext *ctx = b.getContext();
    int64_t count = op.getCount(), width = op.getResult().getType().getDimSize(1);
    OpFoldResult zero = b.getIndexAttr(0), columns = b.getIndexAttr(width);
    Value countValue = indexConstant(b, loc, count);
    Value firstSlot = arith::MulIOp::create(b, loc, first, countValue);
    std::optional<int64_t> fixed = getConstantIntValue(rows);
    OpFoldResult slots = b.getIndexAttr(fixed.value_or(0) * count);
    if (!fixed)
      slots = arith::MulIOp::create(b, loc, asValue(b, loc, rows), countValue).getResult();
    Value flat = slice(b, loc, op.getRows(), {firstSlot, zero}, {slots, columns});
    int64_t staticRows = fixed.value_or(ShapedType::kDynamic);
    auto cubeType =
        RankedTensorType::get({staticRows, count, width}, op.getRows().getType().getElementType());
    SmallVector<ReassociationIndices> groups{{0, 1}, {2}};
    Value cube = tensor::ExpandShapeOp::create(b, loc, cubeType, flat, groups,
                                               SmallVector<OpFoldResult>{rows, b.getIndexAttr(count), columns});

    AffineExpr t = b.getAffineDimExpr(0), d = b.getAffineDimExpr(1), k = b.getAffineDimExpr(2);
    SmallVector<Value> inputs{cube};
    SmallVector<AffineMap> maps{AffineMap::get(3, 0, {t, k, d}, ctx)};
    if (op.getWeights()) {
      inputs.push_back(slice(b, loc, op.getWeights(), {first, zero}, {rows, b.getIndexAttr(count)}));
      maps.push_back(AffineMap::get(3, 0, {t, k}, ctx));
    }
    maps.push_back(AffineMap::get(3, 0, {t, d}, ctx));
    CombineKind kind = op.getKind();
    bool fromMinusInf = kind == CombineKind::Max || kind == CombineKind::LogSumExp;
    float start = fromMinusInf ? -std::numeric_limits<float>::infinity() : 0.0f;
    Value empty = tensor::EmptyOp::create(b, loc, ArrayRef<OpFoldResult>{rows, columns}, b.getF32Type());
    Value startValue = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(start));
    Value filled = linalg::FillOp::create(b, loc, startValue, empty).getResult(0);
    SmallVector<utils::IteratorType> loops{utils::IteratorType::parallel, utils::IteratorType::parallel,
                                           utils::IteratorType::reduction};
    auto reduction = linalg::GenericOp::create(
        b, loc, TypeRange(filled.getType()), inputs, ValueRange(filled), maps, loops,
        [&](OpBuilder &nested, Location loc, ValueRange args) {
          Value y = toF32(nested, loc, args.front());
          Value w = args.size() == 3 ? toF32(nested, loc, args[1]) : Value();
          linalg::YieldOp::create(nested, loc, combineStep(nested, loc, kind, args.back(), y, w));
        });
    reduction->setAttr("moe.slot_reduction", b.getUnitAttr());

    AffineMap identity = AffineMap::getMultiDimIdentityMap(2, ctx);
    SmallVector<utils::IteratorType> parallel(2, utils::IteratorType::parallel);
    Type element = op.getResult().getType().getElementType();
    return linalg::GenericOp::create(
               b, loc, TypeRange(part.getType()), reduction.getResults(), ValueRange(part),
               ArrayRef<AffineMap>{identity, identity}, parallel,
               [&](OpBuilder &nested, Location loc, ValueRange args) {
                 Value value = args[0];
                 if (kind == CombineKind::Mean)
                   value = arith::MulFOp::create(
                       nested, loc, value,
                       arith::ConstantOp::create(nested, loc, nested.getF32FloatAttr(1.0f / static_cast<float>(count))));
                 linalg::YieldOp::create(nested, loc, fromF32(nested, loc, value, element));
               })
        .getResult(0);
  }
};

} // namespace

void mlir::moe::populateCombineSlotsPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerCombineSlots>(patterns.getContext());
}
