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
