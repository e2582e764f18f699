// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Combine.cpp - moe.combine to loops over rows, columns and slots ------------------------------------===//

#include "PopulatePatterns.h"
#include "RowBuilders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include <limits>

using namespace mlir;
using namespace mlir::moe;

namespace {

/// Folds f32 values of the slots of one row, in the order of the routing, leaving out slots that go nowhere.
using StepFn = llvm::function_ref<Value(OpBuilder &, Location, Value sofar, Value weight, Value output)>;

/// What the pairs of row `t` gave in column `d`. They are among the slots `begin .. end - 1`: those whose id is `t` for
/// a routing that picks rows, else those that have an expert.
struct Pairs {
  Value rows, ids, weights, t, d, begin, end; ///< ids and weights of slots
  bool picksRows;

  Value counts(OpBuilder &b, Location loc, Value id) const {
    if (picksRows)
      return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, id,
                                   arith::IndexCastOp::create(b, loc, b.getI32Type(), t));
    Value none = arith::ConstantIntOp::create(b, loc, b.getI32Type(), 0);
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, id, none);
  }

  Value fold(OpBuilder &b, Location loc, double initial, StepFn step) const {
    Value one = arith::ConstantIndexOp::create(b, loc, 1);
    auto loop = scf::ForOp::create(
        b, loc, begin, end, one, floatConstant(b, loc, initial),
        [&](OpBuilder &b, Location loc, Value slot, ValueRange carried) {
          Value id = tensor::ExtractOp::create(b, loc, ids, slot);
          Value weight = toF32(b, loc, tensor::ExtractOp::create(b, loc, weights, slot));
          Value output = toF32(b, loc, tensor::ExtractOp::create(b, loc, rows, ValueRange{slot, d}));
          Value next = step(b, loc, carried[0], weight, output);
          scf::YieldOp::create(b, loc, Value(arith::SelectOp::create(b, loc, counts(b, loc, id), next, carried[0])));
        });
    return loop.getResult(0);
  }
};

Value emitSum(OpBuilder &b, Location loc, const Pairs &pairs) {
  return pairs.fold(b, loc, 0.0, [](OpBuilder &b, Location loc, Value sum, Value, Value output) -> Value {
    return arith::AddFOp::create(b, loc, sum, output);
  });
}

Value emitWeightedSum(OpBuilder &b, Location loc, const Pairs &pairs) {
  return pairs.fold(b, loc, 0.0, [](OpBuilder &b, Location loc, Value sum, Value weight, Value output) -> Value {
    return arith::AddFOp::create(b, loc, sum, arith::MulFOp::create(b, loc, weight, output));
  });
}

Value emitMax(OpBuilder &b, Location loc, const Pairs &pairs) {
  double lowest = -std::numeric_limits<double>::infinity();
  return pairs.fold(b, loc, lowest, [](OpBuilder &b, Location loc, Value max, Value, Value output) -> Value {
    return arith::MaximumFOp::create(b, loc, max, output);
  });
}

/// A row without pairs has the sum 0 and is divided by 1.
Value emitMean(OpBuilder &b, Location loc, const Pairs &pairs) {
  Value one = floatConstant(b, loc, 1.0);
  Value pairsOfRow = pairs.fold(b, loc, 0.0, [&](OpBuilder &b, Location loc, Value n, Value, Value) -> Value {
    return arith::AddFOp::create(b, loc, n, one);
  });
  Value divisor = arith::MaximumFOp::create(b, loc, pairsOfRow, one);
  return arith::DivFOp::create(b, loc, emitSum(b, loc, pairs), divisor);
}

/// log(sum of w * exp(y)) = m + log(sum of w * exp(y - m)) with m the largest y, so that exp does not overflow. Where
/// m is infinite nothing is subtracted: the plain formula gives -inf for a row without pairs, and inf for an inf.
Value emitLogSumExp(OpBuilder &b, Location loc, const Pairs &pairs) {
  Value max = emitMax(b, loc, pairs);
  Value infinity = floatConstant(b, loc, std::numeric_limits<double>::infinity());
  Value size = math::AbsFOp::create(b, loc, max);
  Value isInfinite = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ, size, infinity);
  Value shift = arith::SelectOp::create(b, loc, isInfinite, floatConstant(b, loc, 0.0), max);
  Value sum = pairs.fold(b, loc, 0.0, [&](OpBuilder &b, Location loc, Value sum, Value weight, Value output) -> Value {
    Value exp = math::ExpOp::create(b, loc, arith::SubFOp::create(b, loc, output, shift));
    return arith::AddFOp::create(b, loc, sum, arith::MulFOp::create(b, loc, weight, exp));
  });
  return arith::AddFOp::create(b, loc, math::LogOp::create(b, loc, sum), shift);
}

using CombineFn = Value (*)(OpBuilder &, Location, const Pairs &);

CombineFn getCombine(CombineKind kind) {
  switch (kind) {
  case CombineKind::WeightedSum:
    return emitWeightedSum;
  case CombineKind::Sum:
    return emitSum;
  case CombineKind::Mean:
    return emitMean;
  case CombineKind::Max:
    return emitMax;
  case CombineKind::LogSumExp:
    return emitLogSumExp;
  }
  llvm_unreachable("every kind of combination has a case");
}

struct LowerCombine : OpConversionPattern<CombineOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(CombineOp op, OneToNOpAdaptor adaptor, ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    RankedTensorType type = op.getResult().getType();
    ValueRange routing = adaptor.getRouting();
    bool picksRows = op.getRouting().getType().getAxis() == Axis::Row;
    SmallVector<ReassociationIndices> flat{{0, 1}};
    Value ids = tensor::CollapseShapeOp::create(b, loc, routing[0], flat);
    Value weights = tensor::CollapseShapeOp::create(b, loc, routing[1], flat);
    // Where rows are picked, any slot may be of any row.
    Value like = picksRows ? adaptor.getLike().front() : routing[0];
    Value zero = arith::ConstantIndexOp::create(b, loc, 0), one = arith::ConstantIndexOp::create(b, loc, 1);
    Value slots = tensor::DimOp::create(b, loc, ids, 0);
    Pairs pairs{adaptor.getRows()[0], ids, weights, {}, {}, zero, slots, picksRows};
    CombineFn combine = getCombine(op.getKind());

    Value rows = tensor::DimOp::create(b, loc, like, 0);
    Value columns = arith::ConstantIndexOp::create(b, loc, type.getDimSize(1));
    auto loop = scf::ForOp::create(
        b, loc, zero, rows, one, emptyRows(b, loc, type, like),
        [&](OpBuilder &b, Location loc, Value t, ValueRange carried) {
          pairs.t = t;
          if (!picksRows) {
            Value count = arith::ConstantIndexOp::create(b, loc, op.getRouting().getType().getCount());
            pairs.begin = arith::MulIOp::create(b, loc, t, count);
            pairs.end = arith::AddIOp::create(b, loc, pairs.begin, count);
          }
          auto inner = scf::ForOp::create(
              b, loc, zero, columns, one, carried, [&](OpBuilder &b, Location loc, Value d, ValueRange carried) {
                pairs.d = d;
                Value y = fromF32(b, loc, combine(b, loc, pairs), type.getElementType());
                Value next = tensor::InsertOp::create(b, loc, y, carried[0], ValueRange{t, d});
                scf::YieldOp::create(b, loc, next);
              });
          scf::YieldOp::create(b, loc, inner.getResults());
        });
    b.replaceOp(op, loop.getResults());
    return success();
  }
};

} // namespace

void mlir::moe::populateCombinePatterns(const TypeConverter &types, RewritePatternSet &patterns) {
  patterns.add<LowerCombine>(types, patterns.getContext());
}
