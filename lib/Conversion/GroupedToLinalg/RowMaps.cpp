// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- RowMaps.cpp - moe.map that no product took in ------------------------------------------------------===//

#include "Builders.h"
#include "PopulatePatterns.h"

#include "moe/Conversion/GroupedToLinalg/TileProduct.h"
#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

/// A parallel loop over blocks of rows with one elementwise op inside.
struct LowerMap : OpRewritePattern<MapOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MapOp op, PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto type = op.getResult().getType();
    OpFoldResult zero = rewriter.getIndexAttr(0), width = rewriter.getIndexAttr(type.getDimSize(1));
    OpFoldResult total = tensor::getMixedSize(rewriter, loc, op.getInputs().front(), 0);
    Value init = tensor::EmptyOp::create(rewriter, loc, ArrayRef<OpFoldResult>{total, width}, type.getElementType());
    auto loop =
        scf::ForallOp::create(rewriter, loc, ArrayRef<OpFoldResult>{zero}, ArrayRef<OpFoldResult>{total},
                              ArrayRef<OpFoldResult>{rewriter.getIndexAttr(kRowBlock)}, ValueRange(init), std::nullopt);
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPoint(loop.getTerminator());
    Value first = loop.getInductionVar(0);
    OpFoldResult rows = blockSize(rewriter, loc, total, first, kRowBlock);
    SmallVector<OpFoldResult> offsets{first, zero}, sizes{rows, width};
    SmallVector<Value> inputs;
    SmallVector<AffineMap> maps;
    AffineMap identity = rewriter.getMultiDimIdentityMap(2);
    AffineMap columns = AffineMap::get(2, 0, {rewriter.getAffineDimExpr(1)}, getContext());
    for (Value input : op.getInputs()) {
      bool vector = cast<RankedTensorType>(input.getType()).getRank() == 1;
      inputs.push_back(vector ? input : slice(rewriter, loc, input, offsets, sizes));
      maps.push_back(vector ? columns : identity);
    }
    maps.push_back(identity);
    Value part = slice(rewriter, loc, loop.getRegionIterArgs()[0], offsets, sizes);
    SmallVector<utils::IteratorType> parallel(2, utils::IteratorType::parallel);
    Block &body = op.getBody().front();
    auto map = linalg::GenericOp::create(
        rewriter, loc, TypeRange(part.getType()), inputs, ValueRange(part), maps, parallel,
        [&](OpBuilder &nested, Location loc, ValueRange args) {
          IRMapping mapping;
          mapping.map(body.getArguments(), args.drop_back());
          for (Operation &inner : body.without_terminator())
            nested.clone(inner, mapping);
          linalg::YieldOp::create(nested, loc, mapping.lookupOrDefault(body.getTerminator()->getOperand(0)));
        });
    map->setAttr(kRowMapAttr, rewriter.getUnitAttr());
    rewriter.setInsertionPointToEnd(loop.getTerminator().getBody());
    insertParallel(rewriter, loc, map.getResult(0), loop.getRegionIterArgs()[0], offsets, sizes);
    rewriter.replaceOp(op, loop);
    return success();
  }
};

} // namespace

void mlir::moe::populateRowMapPatterns(RewritePatternSet &patterns) { patterns.add<LowerMap>(patterns.getContext()); }
