// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- ProductPanels.h - what products over groups and over slots share -----------------------------------===//

#ifndef MOE_LIB_CONVERSION_GROUPEDTOLINALG_PRODUCTPANELS_H
#define MOE_LIB_CONVERSION_GROUPEDTOLINALG_PRODUCTPANELS_H

#include "Builders.h"

#include "moe/Conversion/GroupedToLinalg/TileProduct.h"

#include "mlir/IR/IRMapping.h"

#include "llvm/Support/MathExtras.h"

namespace mlir::moe {

/// Columns of a panel when no kernel configuration says so.
constexpr int64_t kDefaultColumns = 32;

/// Gets the panel of the result, its first column and its number of columns, and returns the updated panel.
using PanelBody = function_ref<Value(Value part, Value column, OpFoldResult columns)>;

/// A parallel loop over panels of output columns of a product; one task is a panel, over all experts or slots.
template <typename OpTy>
scf::ForallOp overPanels(OpBuilder &b, OpTy op, PanelBody body) {
  Location loc = op.getLoc();
  KernelConfigAttr config = op.getConfigAttr();
  int64_t panel = config ? config.getColumns() : kDefaultColumns;
  OpFoldResult outputs = b.getIndexAttr(op.getOutputColumns()), zero = b.getIndexAttr(0);
  OpFoldResult rows = tensor::getMixedSize(b, loc, op.getInit(), 0);
  auto loop =
      scf::ForallOp::create(b, loc, ArrayRef<OpFoldResult>{zero}, ArrayRef<OpFoldResult>{outputs},
                            ArrayRef<OpFoldResult>{b.getIndexAttr(panel)}, ValueRange(op.getInit()), std::nullopt);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(loop.getTerminator());
  Value column = loop.getInductionVar(0);
  OpFoldResult columns = blockSize(b, loc, outputs, column, panel);
  SmallVector<OpFoldResult> offsets{zero, column}, sizes{rows, columns};
  Value part = body(slice(b, loc, loop.getRegionIterArgs()[0], offsets, sizes), column, columns);
  b.setInsertionPointToEnd(loop.getTerminator().getBody());
  insertParallel(b, loc, part, loop.getRegionIterArgs()[0], offsets, sizes);
  return loop;
}

/// Gets a group, the panel of the result, its first column and its number of columns, and returns the updated panel.
using GroupBody = function_ref<Value(Value group, Value part, Value column, OpFoldResult columns)>;

/// Tasks that a thread gets of one product: enough to even out threads of unequal speed, few enough that rows, which
/// every task reads, stay near.
constexpr int64_t kTasksPerThread = 4;

/// A parallel loop over runs of neighbouring panels of output columns of a product, a few runs for each thread of the
/// call; a task goes over all groups, and over its panels within a group. So the rows of a group stay near while panels
/// pass, and the panels of a run lie one after the other in memory. One loop counts both, so that the next tile is the
/// next iteration.
template <typename OpTy>
scf::ForallOp overGroups(OpBuilder &b, OpTy op, GroupBody body) {
  Location loc = op.getLoc();
  KernelConfigAttr config = op.getConfigAttr();
  int64_t width = config ? config.getColumns() : kDefaultColumns;
  int64_t panels = static_cast<int64_t>(llvm::divideCeil(op.getOutputColumns(), width));
  OpFoldResult outputs = b.getIndexAttr(op.getOutputColumns()), zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
  AffineExpr d0 = b.getAffineDimExpr(0), d1 = b.getAffineDimExpr(1);
  auto apply = [&](AffineExpr expr, ArrayRef<OpFoldResult> operands) {
    AffineMap map = AffineMap::get(static_cast<unsigned>(operands.size()), 0, expr);
    return asValue(b, loc, affine::makeComposedFoldedAffineApply(b, loc, map, operands));
  };
  Value count = indexConstant(b, loc, panels);
  Value wanted = arith::MulIOp::create(b, loc, ThreadsOp::create(b, loc, b.getIndexType()),
                                       indexConstant(b, loc, kTasksPerThread));
  Value runs = arith::MinUIOp::create(b, loc, wanted, count);
  auto tasks = scf::ForallOp::create(b, loc, ArrayRef<OpFoldResult>{zero}, ArrayRef<OpFoldResult>{OpFoldResult(runs)},
                                     ArrayRef<OpFoldResult>{one}, ValueRange(op.getInit()), std::nullopt);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(tasks.getTerminator());
  // Run r is of panels r * panels / runs .. (r + 1) * panels / runs - 1: their numbers differ by one at most.
  auto firstOf = [&](Value run) {
    return arith::DivUIOp::create(b, loc, arith::MulIOp::create(b, loc, run, count), runs).getResult();
  };
  Value run = tasks.getInductionVar(0), first = firstOf(run);
  Value end = firstOf(arith::AddIOp::create(b, loc, run, indexConstant(b, loc, 1)));
  Value own = arith::SubIOp::create(b, loc, end, first);
  Value tiles = arith::MulIOp::create(b, loc, own, indexConstant(b, loc, op.getNumExperts()));

  // A panel is a slice of the whole result; tasks write panels of their own.
  SmallVector<OpFoldResult> all = tensor::getMixedSizes(b, loc, op.getInit());
  Value shared = tasks.getRegionIterArgs()[0];
  auto loop = scf::ForOp::create(b, loc, indexConstant(b, loc, 0), tiles, indexConstant(b, loc, 1), ValueRange(shared));
  b.setInsertionPointToStart(loop.getBody());
  Value group = arith::DivUIOp::create(b, loc, loop.getInductionVar(), own);
  Value number = arith::RemUIOp::create(b, loc, loop.getInductionVar(), own);
  Value column = apply((d0 + d1) * width, {OpFoldResult(first), OpFoldResult(number)});
  OpFoldResult columns = panels == 1 ? outputs : blockSize(b, loc, outputs, column, width);
  SmallVector<OpFoldResult> offsets{zero, column}, ones(2, one);
  SmallVector<OpFoldResult> sizes{all[0], columns};
  Value updated = body(group, slice(b, loc, loop.getRegionIterArg(0), offsets, sizes), column, columns);
  Value whole = tensor::InsertSliceOp::create(b, loc, updated, loop.getRegionIterArg(0), offsets, sizes, ones);
  scf::YieldOp::create(b, loc, whole);

  b.setInsertionPointToEnd(tasks.getTerminator().getBody());
  insertParallel(b, loc, loop.getResult(0), shared, SmallVector<OpFoldResult>(2, zero), all);
  return tasks;
}

/// Rows of a group that a task takes, or 0 where a task takes a panel of all groups.
template <typename OpTy>
int64_t taskRows(OpTy op) {
  KernelConfigAttr config = op.getConfigAttr();
  return config ? config.getTaskRows() : 0;
}

/// Gets the number of a tile of rows, the panel of the result, its first column and its number of columns, and returns
/// the updated panel.
using TileBody = function_ref<Value(Value tile, Value part, Value column, OpFoldResult columns)>;

/// A parallel loop over pairs of a tile of rows and a panel of output columns; one task is a pair. Tiles come first, so
/// that neighbouring tasks read the same rows.
template <typename OpTy>
scf::ForallOp overTiles(OpBuilder &b, OpTy op, Value tiles, TileBody body) {
  Location loc = op.getLoc();
  int64_t panel = op.getConfigAttr().getColumns();
  OpFoldResult outputs = b.getIndexAttr(op.getOutputColumns()), zero = b.getIndexAttr(0);
  OpFoldResult rows = tensor::getMixedSize(b, loc, op.getInit(), 0);
  auto loop = scf::ForallOp::create(b, loc, ArrayRef<OpFoldResult>{zero, zero}, ArrayRef<OpFoldResult>{tiles, outputs},
                                    ArrayRef<OpFoldResult>{b.getIndexAttr(1), b.getIndexAttr(panel)},
                                    ValueRange(op.getInit()), std::nullopt);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(loop.getTerminator());
  Value column = loop.getInductionVar(1);
  OpFoldResult columns = blockSize(b, loc, outputs, column, panel);
  SmallVector<OpFoldResult> offsets{zero, column}, sizes{rows, columns};
  Value part = slice(b, loc, loop.getRegionIterArgs()[0], offsets, sizes);
  Value updated = body(loop.getInductionVar(0), part, column, columns);
  b.setInsertionPointToEnd(loop.getTerminator().getBody());
  insertParallel(b, loc, updated, loop.getRegionIterArgs()[0], offsets, sizes);
  return loop;
}

/// A block of at most `height` rows that lie in one group, from `first` on.
struct GroupRows {
  Value group, first, count; ///< count is 0 where there is no such block
};

/// The most blocks of `height` rows that groups can make of `rows` rows: each of A groups with rows has at most one
/// block that is not full.
inline Value boundTiles(OpBuilder &b, Location loc, Value rows, int64_t groups, int64_t height) {
  Value active = arith::MinUIOp::create(b, loc, rows, indexConstant(b, loc, groups));
  Value rest = arith::SubIOp::create(b, loc, rows, active);
  Value full = arith::DivUIOp::create(b, loc, rest, indexConstant(b, loc, height));
  return arith::AddIOp::create(b, loc, active, full);
}

/// Block number `tile` of those that the groups between `offsets` make, counted group by group.
inline GroupRows findTile(OpBuilder &b, Location loc, Value tile, Value offsets, int64_t groups, int64_t height) {
  Value zero = indexConstant(b, loc, 0), one = indexConstant(b, loc, 1), size = indexConstant(b, loc, height);
  Value start = tensor::ExtractOp::create(b, loc, offsets, ValueRange(zero));
  // Carried: blocks of the groups before, the start of the next group, and the block once it is found.
  auto loop =
      scf::ForOp::create(b, loc, zero, indexConstant(b, loc, groups), one, ValueRange{zero, start, zero, start, start});
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value group = loop.getInductionVar(), before = loop.getRegionIterArg(0), from = loop.getRegionIterArg(1);
    Value next = arith::AddIOp::create(b, loc, group, one);
    Value to = tensor::ExtractOp::create(b, loc, offsets, ValueRange(next));
    Value rows = arith::SubIOp::create(b, loc, to, from);
    Value after = arith::AddIOp::create(b, loc, before, arith::CeilDivUIOp::create(b, loc, rows, size));
    Value reached = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::uge, tile, before);
    Value inside =
        arith::AndIOp::create(b, loc, reached, arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, tile, after));
    Value skipped = arith::MulIOp::create(b, loc, arith::SubIOp::create(b, loc, tile, before), size);
    Value first = arith::AddIOp::create(b, loc, from, skipped);
    auto choose = [&](Value found, Value known) -> Value {
      return arith::SelectOp::create(b, loc, inside, found, known);
    };
    scf::YieldOp::create(b, loc,
                         ValueRange{after, to, choose(group, loop.getRegionIterArg(2)),
                                    choose(first, loop.getRegionIterArg(3)), choose(to, loop.getRegionIterArg(4))});
  }
  AffineExpr d0 = b.getAffineDimExpr(0), d1 = b.getAffineDimExpr(1);
  AffineMap map = AffineMap::get(2, 0, {b.getAffineConstantExpr(height), d1 - d0}, b.getContext());
  Value count = affine::AffineMinOp::create(b, loc, map, ValueRange{loop.getResult(3), loop.getResult(4)});
  return {loop.getResult(2), loop.getResult(3), count};
}

/// The panel `column` of an expert's matrices and vectors, as the operands of a tile.
template <typename OpTy>
void takePanel(OpBuilder &b, OpTy op, TileProduct &tile, Value expert, Value column, OpFoldResult columns) {
  Location loc = op.getLoc();
  OpFoldResult single = b.getIndexAttr(1), start = b.getIndexAttr(0);
  OpFoldResult reduction = b.getIndexAttr(op.getReductionSize());
  tile.tileColumns = columns;
  for (Value weight : op.getWeights())
    tile.matrices.push_back(slice(b, loc, weight, {expert, column, start}, {single, columns, reduction}, /*drop=*/{0}));
  for (Value vector : op.getColumns())
    tile.columns.push_back(slice(b, loc, vector, {expert, column}, {single, columns}, /*drop=*/{0}));
  tile.config = op.getConfigAttr() ? Attribute(op.getConfigAttr()) : b.getUnitAttr();
}

/// Emits the tile with the epilogue of a product.
template <typename OpTy>
Value buildTile(OpBuilder &b, OpTy op, const TileProduct &tile) {
  Block &body = op.getBody().front();
  return buildTileProduct(b, op.getLoc(), tile, op.getResult().getType().getElementType(),
                          [&](OpBuilder &nested, Location, ValueRange values) {
                            IRMapping map;
                            map.map(body.getArguments(), values);
                            for (Operation &inner : body.without_terminator())
                              nested.clone(inner, map);
                            return map.lookupOrDefault(body.getTerminator()->getOperand(0));
                          });
}

} // namespace mlir::moe

#endif // MOE_LIB_CONVERSION_GROUPEDTOLINALG_PRODUCTPANELS_H
