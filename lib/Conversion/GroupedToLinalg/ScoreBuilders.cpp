// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- ScoreBuilders.cpp - what scores that are no product of matrices share ------------------------------===//

#include "ScoreBuilders.h"

#include "RowBlocks.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;
using namespace mlir::moe;
using utils::IteratorType;

static Value asF32(OpBuilder &b, Location loc, Value value) {
  return value.getType().isF32() ? value : arith::ExtFOp::create(b, loc, b.getF32Type(), value).getResult();
}

scf::ForallOp mlir::moe::scoreRowBlocks(OpBuilder &b, Location loc, Value rows, RankedTensorType logits,
                                        ScoreBlockFn body) {
  OpFoldResult total = tensor::getMixedSize(b, loc, rows, 0);
  Value init = tensor::EmptyOp::create(b, loc, ArrayRef<OpFoldResult>{total, b.getIndexAttr(logits.getDimSize(1))},
                                       logits.getElementType());
  return overRowBlocks(b, loc, init, [&](Value first, OpFoldResult count, ValueRange blocks) -> SmallVector<Value> {
    OpFoldResult width = b.getIndexAttr(cast<RankedTensorType>(rows.getType()).getDimSize(1));
    Value block = slice(b, loc, rows, {first, b.getIndexAttr(0)}, {count, width});
    return {body(block, count, blocks[0])};
  });
}

Value mlir::moe::sumTerms(OpBuilder &b, Location loc, Value block, OpFoldResult count, Value vectors, ElementFn term) {
  OpFoldResult experts = b.getIndexAttr(cast<RankedTensorType>(vectors.getType()).getDimSize(0));
  Value empty = tensor::EmptyOp::create(b, loc, ArrayRef<OpFoldResult>{count, experts}, b.getF32Type());
  Value zero = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(0.0f));
  Value init = linalg::FillOp::create(b, loc, zero, empty).getResult(0);
  AffineExpr i = b.getAffineDimExpr(0), e = b.getAffineDimExpr(1), d = b.getAffineDimExpr(2);
  auto map = [&](AffineExpr row, AffineExpr column) { return AffineMap::get(3, 0, {row, column}, b.getContext()); };
  SmallVector<IteratorType> loops{IteratorType::parallel, IteratorType::parallel, IteratorType::reduction};
  auto sum = linalg::GenericOp::create(
      b, loc, init.getType(), ValueRange{block, vectors}, init, {map(i, d), map(e, d), map(i, e)}, loops,
      [&](OpBuilder &nested, Location loc, ValueRange args) {
        Value added = term(nested, loc, {asF32(nested, loc, args[0]), asF32(nested, loc, args[1])});
        linalg::YieldOp::create(nested, loc, Value(arith::AddFOp::create(nested, loc, args[2], added)));
      });
  return sum.getResult(0);
}

Value mlir::moe::mapElements(OpBuilder &b, Location loc, ValueRange inputs, ArrayRef<AffineMap> maps, Value init,
                             ElementFn element) {
  SmallVector<AffineMap> all(maps);
  all.push_back(b.getMultiDimIdentityMap(2));
  SmallVector<IteratorType> parallel(2, IteratorType::parallel);
  Type type = getElementTypeOrSelf(init.getType());
  auto map = linalg::GenericOp::create(b, loc, init.getType(), inputs, init, all, parallel,
                                       [&](OpBuilder &nested, Location loc, ValueRange args) {
                                         Value value = element(nested, loc, args.drop_back());
                                         if (!type.isF32())
                                           value = arith::TruncFOp::create(nested, loc, type, value);
                                         linalg::YieldOp::create(nested, loc, value);
                                       });
  return map.getResult(0);
}
