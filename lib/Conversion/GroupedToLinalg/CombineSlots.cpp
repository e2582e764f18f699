// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- CombineSlots.cpp - moe.combine_slots to a reduction over the slots of each row ---------------------===//
//
// The reduction is in ascending order of the slots and in f32, whatever runs it: the sum of a row is the same for any
// number of threads. The micro-kernel emitter finds it by `moe.slot_reduction`.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "CombineStep.h"
#include "PopulatePatterns.h"
#include "RowBlocks.h"

#include "moe/Conversion/GroupedToLinalg/TileProduct.h"
#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

struct LowerCombineSlots : OpRewritePattern<CombineSlotsOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(CombineSlotsOp op, PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto body = [&](Value first, OpFoldResult rows, ValueRange blocks) -> SmallVector<Value> {
      return {combineRows(rewriter, op, first, rows, blocks[0])};
    };
    scf::ForallOp loop = overRowBlocks(rewriter, loc, op.getInit(), body);
    rewriter.replaceOp(op, loop);
    return success();
  }

private:
  static Value combineRows(OpBuilder &b, CombineSlotsOp op, Value first, OpFoldResult rows, Value part) {
    Location loc = op.getLoc();
    MLIRContext *ctx = b.getContext();
    int64_t count = op.getCount(), width = op.getResult().getType().getDimSize(1);
    OpFoldResult zero = b.getIndexAttr(0), columns = b.getIndexAttr(width);
    AffineExpr t = b.getAffineDimExpr(0), d = b.getAffineDimExpr(1), k = b.getAffineDimExpr(2);
    SmallVector<Value> inputs;
    SmallVector<AffineMap> maps;
    auto addInput = [&](Value input, ArrayRef<AffineExpr> at) {
      inputs.push_back(input);
      maps.push_back(AffineMap::get(3, 0, at, ctx));
    };
    // Where all rows are one number, the body takes that instead of rows.
    auto splat = op.getShared() ? op.getRows().getDefiningOp<tensor::SplatOp>() : tensor::SplatOp();
    if (!op.getShared())
      addInput(sliceSlots(b, op, first, rows), {t, k, d});
    else if (!splat)
      addInput(slice(b, loc, op.getRows(), {first, zero}, {rows, columns}), {t, d});
    auto addSlotValues = [&](Value values) {
      addInput(slice(b, loc, values, {first, zero}, {rows, b.getIndexAttr(count)}), {t, k});
    };
    if (op.getWeights())
      addSlotValues(op.getWeights());
    if (op.getIds())
      addSlotValues(op.getIds());
    maps.push_back(AffineMap::get(3, 0, {t, d}, ctx));
    CombineKind kind = op.getKind();
    Value empty = tensor::EmptyOp::create(b, loc, ArrayRef<OpFoldResult>{rows, columns}, b.getF32Type());
    Value startValue = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(combineStart(kind)));
    Value filled = linalg::FillOp::create(b, loc, startValue, empty).getResult(0);
    SmallVector<utils::IteratorType> loops{utils::IteratorType::parallel, utils::IteratorType::parallel,
                                           utils::IteratorType::reduction};
    auto reduction = linalg::GenericOp::create(
        b, loc, TypeRange(filled.getType()), inputs, ValueRange(filled), maps, loops,
        [&](OpBuilder &nested, Location loc, ValueRange args) {
          Value y = combineToF32(nested, loc, splat ? splat.getInput() : args.front());
          Value w = op.getWeights() ? combineToF32(nested, loc, args[splat ? 0 : 1]) : Value();
          Value next = combineStep(nested, loc, kind, args.back(), y, w);
          if (op.getIds())
            next =
                arith::SelectOp::create(nested, loc, isUsed(nested, loc, args.drop_back().back()), next, args.back());
          linalg::YieldOp::create(nested, loc, next);
        });
    reduction->setAttr(kSlotReductionAttr, b.getUnitAttr());

    AffineMap identity = AffineMap::getMultiDimIdentityMap(2, ctx);
    SmallVector<Value> sums{reduction.getResult(0)};
    SmallVector<AffineMap> finishMaps{identity};
    if (kind == CombineKind::Mean && op.getIds()) {
      sums.push_back(countUsed(b, loc, inputs.back(), rows));
      finishMaps.push_back(AffineMap::get(2, 0, {b.getAffineDimExpr(0)}, ctx));
    }
    size_t leading = sums.size();
    for (Value other : op.getOthers()) {
      bool vector = cast<RankedTensorType>(other.getType()).getRank() == 1;
      sums.push_back(vector ? other : slice(b, loc, other, {first, zero}, {rows, columns}));
      finishMaps.push_back(vector ? AffineMap::get(2, 0, {b.getAffineDimExpr(1)}, ctx) : identity);
    }
    finishMaps.push_back(identity);
    SmallVector<utils::IteratorType> parallel(2, utils::IteratorType::parallel);
    return linalg::GenericOp::create(
               b, loc, TypeRange(part.getType()), sums, ValueRange(part), finishMaps, parallel,
               [&](OpBuilder &nested, Location loc, ValueRange args) {
                 Value value = args[0];
                 if (leading == 2)
                   value = arith::DivFOp::create(nested, loc, value, args[1]);
                 else if (kind == CombineKind::Mean)
                   value = arith::MulFOp::create(
                       nested, loc, value,
                       arith::ConstantOp::create(nested, loc,
                                                 nested.getF32FloatAttr(1.0f / static_cast<float>(count))));
                 linalg::YieldOp::create(nested, loc,
                                         finish(nested, op, value, args.slice(leading, op.getOthers().size())));
               })
        .getResult(0);
  }

  /// The slots of `rows` rows from `first` on, [rows, slots, columns].
  static Value sliceSlots(OpBuilder &b, CombineSlotsOp op, Value first, OpFoldResult rows) {
    Location loc = op.getLoc();
    int64_t count = op.getCount(), width = op.getResult().getType().getDimSize(1);
    OpFoldResult columns = b.getIndexAttr(width);
    Value countValue = indexConstant(b, loc, count);
    Value firstSlot = arith::MulIOp::create(b, loc, first, countValue);
    std::optional<int64_t> fixed = getConstantIntValue(rows);
    OpFoldResult slots = b.getIndexAttr(fixed.value_or(0) * count);
    if (!fixed)
      slots = arith::MulIOp::create(b, loc, asValue(b, loc, rows), countValue).getResult();
    Value flat = slice(b, loc, op.getRows(), {firstSlot, b.getIndexAttr(0)}, {slots, columns});
    auto cubeType = RankedTensorType::get({fixed.value_or(ShapedType::kDynamic), count, width},
                                          op.getRows().getType().getElementType());
    SmallVector<ReassociationIndices> groups{{0, 1}, {2}};
    return tensor::ExpandShapeOp::create(b, loc, cubeType, flat, groups,
                                         SmallVector<OpFoldResult>{rows, b.getIndexAttr(count), columns});
  }

  /// What is stored of a combined element, from those of the others.
  static Value finish(OpBuilder &b, CombineSlotsOp op, Value value, ValueRange others) {
    Block *epilogue = op.getEpilogueBlock();
    if (!epilogue)
      return combineFromF32(b, op.getLoc(), value, op.getResult().getType().getElementType());
    IRMapping map;
    map.map(epilogue->getArgument(0), value);
    map.map(epilogue->getArguments().drop_front(), others);
    for (Operation &inner : epilogue->without_terminator())
      b.clone(inner, map);
    return map.lookupOrDefault(epilogue->getTerminator()->getOperand(0));
  }

  static Value isUsed(OpBuilder &b, Location loc, Value id) {
    Value zero = arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(0));
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, id, zero);
  }

  /// The number of used slots of each row, at least 1: what a sum is divided by to be a mean.
  static Value countUsed(OpBuilder &b, Location loc, Value ids, OpFoldResult rows) {
    Value one = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(1.0f));
    Value zero = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(0.0f));
    AffineExpr t = b.getAffineDimExpr(0), k = b.getAffineDimExpr(1);
    SmallVector<AffineMap> maps{AffineMap::get(2, 0, {t, k}, b.getContext()),
                                AffineMap::get(2, 0, {t}, b.getContext())};
    SmallVector<utils::IteratorType> loops{utils::IteratorType::parallel, utils::IteratorType::reduction};
    Value empty = tensor::EmptyOp::create(b, loc, ArrayRef<OpFoldResult>{rows}, b.getF32Type());
    Value init = linalg::FillOp::create(b, loc, zero, empty).getResult(0);
    Value counts =
        linalg::GenericOp::create(b, loc, TypeRange(init.getType()), ids, init, maps, loops,
                                  [&](OpBuilder &nested, Location loc, ValueRange args) {
                                    Value next = arith::AddFOp::create(nested, loc, args[1], one);
                                    Value used = isUsed(nested, loc, args[0]);
                                    linalg::YieldOp::create(
                                        nested, loc, Value(arith::SelectOp::create(nested, loc, used, next, args[1])));
                                  })
            .getResult(0);
    SmallVector<AffineMap> vectors(2, b.getMultiDimIdentityMap(1));
    SmallVector<utils::IteratorType> parallel(1, utils::IteratorType::parallel);
    Value result = tensor::EmptyOp::create(b, loc, ArrayRef<OpFoldResult>{rows}, b.getF32Type());
    return linalg::GenericOp::create(b, loc, TypeRange(result.getType()), counts, result, vectors, parallel,
                                     [&](OpBuilder &nested, Location loc, ValueRange args) {
                                       linalg::YieldOp::create(
                                           nested, loc, Value(arith::MaximumFOp::create(nested, loc, args[0], one)));
                                     })
        .getResult(0);
  }
};

} // namespace

void mlir::moe::populateCombineSlotsPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerCombineSlots>(patterns.getContext());
}
