// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- ProductPanels.h - what products over groups and over slots share -----------------------------------===//

#ifndef MOE_LIB_CONVERSION_GROUPEDTOLINALG_PRODUCTPANELS_H
#define MOE_LIB_CONVERSION_GROUPEDTOLINALG_PRODUCTPANELS_H

#include "Builders.h"

#include "moe/Conversion/GroupedToLinalg/TileProduct.h"

#include "mlir/IR/IRMapping.h"

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
