// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- TileProduct.cpp - build and match one tile of a grouped product ------------------------------------===//

#include "moe/Conversion/GroupedToLinalg/TileProduct.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace mlir::moe;

static Value constantIndex(OpBuilder &b, Location loc, int64_t value) {
  return arith::ConstantIndexOp::create(b, loc, value);
}

static Value sliceVector(OpBuilder &b, Location loc, Value vector, Value offset, Value size) {
  return tensor::ExtractSliceOp::create(b, loc, vector, ArrayRef<OpFoldResult>{offset}, ArrayRef<OpFoldResult>{size},
                                        ArrayRef<OpFoldResult>{b.getIndexAttr(1)});
}

static Value sliceRows(OpBuilder &b, Location loc, Value rows, Value first, Value count) {
  SmallVector<OpFoldResult> offsets{first, b.getIndexAttr(0)};
  SmallVector<OpFoldResult> sizes{count, tensor::getMixedSize(b, loc, rows, 1)};
  SmallVector<OpFoldResult> strides(2, b.getIndexAttr(1));
  return tensor::ExtractSliceOp::create(b, loc, rows, offsets, sizes, strides);
}

/// out[i, k] = rows[tokens[i], k], as a structured op that any plain lowering can run.
static Value gatherRows(OpBuilder &b, Location loc, Value rows, Value tokens, Value count) {
  MLIRContext *ctx = b.getContext();
  auto type = cast<RankedTensorType>(rows.getType());
  Value init = tensor::EmptyOp::create(b, loc, ArrayRef<OpFoldResult>{count, tensor::getMixedSize(b, loc, rows, 1)},
                                       type.getElementType());
  AffineExpr i = b.getAffineDimExpr(0), k = b.getAffineDimExpr(1);
  SmallVector<AffineMap> maps{AffineMap::get(2, 0, {i}, ctx), AffineMap::get(2, 0, {i, k}, ctx)};
  SmallVector<utils::IteratorType> loops(2, utils::IteratorType::parallel);
  return linalg::GenericOp::create(b, loc, TypeRange(init.getType()), ValueRange(tokens), ValueRange(init), maps, loops,
                                   [&](OpBuilder &nested, Location loc, ValueRange args) {
                                     Value column = linalg::IndexOp::create(nested, loc, 1);
                                     Value element =
                                         tensor::ExtractOp::create(nested, loc, rows, ValueRange{args[0], column});
                                     linalg::YieldOp::create(nested, loc, element);
                                   })
      .getResult(0);
}

static Value toF32(OpBuilder &b, Location loc, Value value) {
  auto type = cast<FloatType>(value.getType());
  if (type.isF32())
    return value;
  if (type.getWidth() < 32)
    return arith::ExtFOp::create(b, loc, b.getF32Type(), value);
  return arith::TruncFOp::create(b, loc, b.getF32Type(), value);
}

/// acc_i[m, n] = sum_k rows[m, k] * matrix_i[n, k], all products in one op so that rows are read once.
static linalg::GenericOp buildProduct(OpBuilder &b, Location loc, Value rows, ArrayRef<Value> matrices, Value numRows,
                                      OpFoldResult columns, Attribute config) {
  MLIRContext *ctx = b.getContext();
  AffineExpr m = b.getAffineDimExpr(0), n = b.getAffineDimExpr(1), k = b.getAffineDimExpr(2);
  SmallVector<AffineMap> maps{AffineMap::get(3, 0, {m, k}, ctx)};
  maps.append(matrices.size(), AffineMap::get(3, 0, {n, k}, ctx));
  maps.append(matrices.size(), AffineMap::get(3, 0, {m, n}, ctx));
  SmallVector<Value> inputs{rows};
  llvm::append_range(inputs, matrices);
  Value empty = tensor::EmptyOp::create(b, loc, ArrayRef<OpFoldResult>{numRows, columns}, b.getF32Type());
  Value zero = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(0.0f));
  Value filled = linalg::FillOp::create(b, loc, zero, empty).getResult(0);
  SmallVector<Value> accumulators(matrices.size(), filled);
  SmallVector<Type> types(matrices.size(), filled.getType());
  SmallVector<utils::IteratorType> loops{utils::IteratorType::parallel, utils::IteratorType::parallel,
                                         utils::IteratorType::reduction};
  size_t count = matrices.size();
  auto product = linalg::GenericOp::create(
      b, loc, types, inputs, accumulators, maps, loops, [&](OpBuilder &nested, Location loc, ValueRange args) {
        Value row = toF32(nested, loc, args[0]);
        SmallVector<Value> sums;
        for (size_t i = 0; i != count; ++i) {
          Value weight = toF32(nested, loc, args[1 + i]);
          Value mul = arith::MulFOp::create(nested, loc, row, weight);
          sums.push_back(arith::AddFOp::create(nested, loc, args[1 + count + i], mul));
        }
        linalg::YieldOp::create(nested, loc, sums);
      });
  product->setAttr(kTileProductAttr, config);
  return product;
}

Value mlir::moe::buildTileProduct(OpBuilder &b, Location loc, const TileProduct &tile, Type resultElement,
                                  function_ref<Value(OpBuilder &, Location, ValueRange)> epilogue) {
  MLIRContext *ctx = b.getContext();
  Value rows = tile.tokens ? gatherRows(b, loc, tile.rows,
                                        sliceVector(b, loc, tile.tokens, tile.firstRow, tile.numRows), tile.numRows)
                           : sliceRows(b, loc, tile.rows, tile.firstRow, tile.numRows);
  auto product = buildProduct(b, loc, rows, tile.matrices, tile.numRows, tile.tileColumns, tile.config);

  // The epilogue's inputs: accumulators, column vectors, and for scalars the index of the row of the result.
  AffineExpr m = b.getAffineDimExpr(0), n = b.getAffineDimExpr(1);
  SmallVector<Value> inputs(product.getResults());
  SmallVector<AffineMap> maps(inputs.size(), AffineMap::get(2, 0, {m, n}, ctx));
  llvm::append_range(inputs, tile.columns);
  maps.append(tile.columns.size(), AffineMap::get(2, 0, {n}, ctx));
  if (!tile.scalars.empty() && tile.slots) {
    inputs.push_back(sliceVector(b, loc, tile.slots, tile.firstRow, tile.numRows));
    maps.push_back(AffineMap::get(2, 0, {m}, ctx));
  } else {
    for (Value scalar : tile.scalars) {
      inputs.push_back(sliceVector(b, loc, scalar, tile.outRow, tile.numRows));
      maps.push_back(AffineMap::get(2, 0, {m}, ctx));
    }
  }
  Value init = tensor::EmptyOp::create(b, loc, ArrayRef<OpFoldResult>{tile.numRows, tile.tileColumns}, resultElement);
  maps.push_back(AffineMap::get(2, 0, {m, n}, ctx));
  size_t leading = product.getNumResults() + tile.columns.size();
  auto body = [&](OpBuilder &nested, Location loc, ValueRange args) {
    SmallVector<Value> values(args.take_front(leading));
    if (!tile.scalars.empty() && tile.slots)
      for (Value scalar : tile.scalars)
        values.push_back(tensor::ExtractOp::create(nested, loc, scalar, ValueRange(args[leading])));
    else
      llvm::append_range(values, args.slice(leading, tile.scalars.size()));
    linalg::YieldOp::create(nested, loc, epilogue(nested, loc, values));
  };
  SmallVector<utils::IteratorType> loops(2, utils::IteratorType::parallel);
  Value result =
      linalg::GenericOp::create(b, loc, TypeRange(init.getType()), inputs, ValueRange(init), maps, loops, body)
          .getResult(0);

  SmallVector<OpFoldResult> ones(2, b.getIndexAttr(1));
  if (!tile.slots)
    return tensor::InsertSliceOp::create(b, loc, result, tile.init,
                                         ArrayRef<OpFoldResult>{tile.outRow, b.getIndexAttr(0)},
                                         ArrayRef<OpFoldResult>{tile.numRows, tile.tileColumns}, ones);
  // Row by row: rows of one tile have distinct slots, but no order.
  Value zero = constantIndex(b, loc, 0), one = constantIndex(b, loc, 1);
  auto loop = scf::ForOp::create(
      b, loc, zero, tile.numRows, one, ValueRange(tile.init),
      [&](OpBuilder &nested, Location loc, Value i, ValueRange carried) {
        Value sorted = arith::AddIOp::create(nested, loc, tile.firstRow, i);
        Value slot = tensor::ExtractOp::create(nested, loc, tile.slots, ValueRange(sorted));
        SmallVector<OpFoldResult> size{nested.getIndexAttr(1), tile.tileColumns};
        Value row = tensor::ExtractSliceOp::create(nested, loc, result,
                                                   ArrayRef<OpFoldResult>{i, nested.getIndexAttr(0)}, size, ones);
        Value updated = tensor::InsertSliceOp::create(nested, loc, row, carried[0],
                                                      ArrayRef<OpFoldResult>{slot, nested.getIndexAttr(0)}, size, ones);
        scf::YieldOp::create(nested, loc, updated);
      });
  loop->setAttr(kTileScatterAttr, b.getUnitAttr());
  return loop.getResult(0);
}

//===-- Matching --------------------------------------------------------------------------------------------===//

/// The source and the index vector of gatherRows.
static std::pair<Value, Value> matchGather(linalg::GenericOp gather) {
  if (!gather || gather.getNumDpsInputs() != 1 || gather.getNumResults() != 1)
    return {};
  auto yielded = gather.getBody()->getTerminator()->getOperand(0).getDefiningOp<tensor::ExtractOp>();
  if (!yielded || yielded.getIndices().size() != 2 || yielded.getIndices()[0] != gather.getBody()->getArgument(0))
    return {};
  return {yielded.getTensor(), gather.getDpsInputs()[0]};
}

static Value asValue(OpBuilder &b, Location loc, OpFoldResult value) {
  if (auto attribute = dyn_cast<Attribute>(value))
    return constantIndex(b, loc, cast<IntegerAttr>(attribute).getInt());
  return cast<Value>(value);
}

/// All accumulators go to one elementwise op of one result; one accumulator may be the result itself.
static LogicalResult matchEpilogue(linalg::GenericOp product, MatchedTileProduct &match) {
  for (Value result : product.getResults()) {
    auto user = result.hasOneUse() ? dyn_cast<linalg::GenericOp>(*result.getUsers().begin()) : linalg::GenericOp();
    if (user && user.getNumParallelLoops() != user.getNumLoops())
      user = nullptr;
    if (match.epilogue && match.epilogue != user)
      return failure();
    match.epilogue = user;
  }
  if (!match.epilogue)
    return success(product.getNumResults() == 1);
  if (match.epilogue.getNumResults() != 1 ||
      match.epilogue.getNumDpsInputs() < static_cast<int>(product.getNumResults()))
    return failure();
  for (auto [input, result] : llvm::zip(match.epilogue.getInputs(), product.getResults()))
    if (input != result)
      return failure();
  return success();
}

FailureOr<MatchedTileProduct> mlir::moe::matchTileProduct(linalg::GenericOp op) {
  MatchedTileProduct match;
  match.product = op;
  OpBuilder b(op);
  Location loc = op.getLoc();
  match.matrices.append(op.getInputs().begin() + 1, op.getInputs().end());

  Value rows = op.getInputs()[0];
  auto slice = rows.getDefiningOp<tensor::ExtractSliceOp>();
  auto [source, indices] = matchGather(rows.getDefiningOp<linalg::GenericOp>());
  if (source) {
    match.rows = source;
    slice = indices.getDefiningOp<tensor::ExtractSliceOp>();
    match.tokens = slice ? slice.getSource() : indices;
  } else {
    match.rows = slice ? slice.getSource() : rows;
  }
  match.firstRow = slice ? asValue(b, loc, slice.getMixedOffsets()[0]) : constantIndex(b, loc, 0);
  match.numRows = asValue(b, loc, tensor::getMixedSize(b, loc, rows, 0));

  if (failed(matchEpilogue(op, match)))
    return failure();
  Value last = match.epilogue ? match.epilogue.getResult(0) : op.getResult(0);
  Operation *user = last.hasOneUse() ? *last.getUsers().begin() : nullptr;
  // An insertion at a column is not the tile's: the tile was all of a block, and its placement folded.
  if (auto insert = dyn_cast_or_null<tensor::InsertSliceOp>(user);
      insert && insert.getSource() == last && getConstantIntValue(insert.getMixedOffsets()[1]) == 0) {
    match.final = insert;
    match.init = insert.getDest();
    match.outRow = asValue(b, loc, insert.getMixedOffsets()[0]);
    return match;
  }
  auto loop = user ? user->getParentOfType<scf::ForOp>() : scf::ForOp();
  if (loop && loop->hasAttr(kTileScatterAttr)) {
    for (auto extract : loop.getBody()->getOps<tensor::ExtractOp>())
      match.slots = extract.getTensor();
    if (!match.slots)
      return failure();
    match.final = loop;
    match.init = loop.getInitArgs()[0];
    return match;
  }
  // The tile is all of a tensor, so that putting it in place folded.
  match.final = last.getDefiningOp();
  b.setInsertionPoint(match.final);
  match.init = tensor::EmptyOp::create(b, loc, tensor::getMixedSizes(b, loc, match.final->getOperands().back()),
                                       getElementTypeOrSelf(last.getType()));
  match.outRow = constantIndex(b, loc, 0);
  return match;
}
