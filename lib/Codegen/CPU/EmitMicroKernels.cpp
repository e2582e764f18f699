// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- EmitMicroKernels.cpp - tile products to register-blocked vector loops ------------------------------===//
//
// The one place where number format, machine level and epilogue meet. A tile product (see TileProduct.h) becomes loops
// over register tiles of rows; within one, a loop over the reduction keeps all accumulators in registers, and the
// epilogue runs on them before anything is stored. Weights change from logical matrices to packed arguments here, since
// only here is it known which order the loop reads them in.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "VectorBody.h"

#include "moe/Codegen/CPU/MachineLevel.h"
#include "moe/Codegen/CPU/Passes.h"
#include "moe/Conversion/GroupedToLinalg/TileProduct.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/X86Vector/X86VectorDialect.h"
#include "mlir/IR/Remarks.h"
#include "llvm/Support/MathExtras.h"

namespace mlir::moe {
#define GEN_PASS_DEF_EMITMICROKERNELS
#include "moe/Codegen/CPU/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

namespace {

/// The matrices of one product as slices of kernel arguments.
struct WeightSlices {
  SmallVector<BlockArgument> arguments; ///< each [E, N, K] or [N, K]
  Value expert;                         ///< null for arguments of rank 2
  Value column;                         ///< first column of the panel
};

/// One packed argument of a kernel.
struct PackedArgument {
  BlockArgument argument; ///< [E, panels, K / kGroup, matrices, panel * kGroup]
  PackingAttr packing;
};

class TileEmitter {
public:
  TileEmitter(MatchedTileProduct &tile, KernelConfigAttr config, const MachineLevel &level, Value panel)
      : tile(tile), level(level), panel(panel), lanes(level.lanes()), kGroup(config.getKGroup()),
        vectors(config.getColumns() / level.lanes()), matrices(tile.matrices.size()) {
    reduction = cast<RankedTensorType>(tile.rows.getType()).getDimSize(1);
    auto columns = cast<RankedTensorType>(tile.init.getType()).getDimSize(1);
    fullColumns = columns == config.getColumns();
  }

  /// Loops over the rows of the tile, tallest register tile first; gives the updated init.
  FailureOr<Value> emit(OpBuilder &b, ArrayRef<int64_t> heights) {
    Location loc = tile.product.getLoc();
    Value begin = arith::ConstantIndexOp::create(b, loc, 0), init = tile.init;
    bool failed = false;
    for (int64_t height : heights) {
      Value step = arith::ConstantIndexOp::create(b, loc, height);
      Value left = arith::SubIOp::create(b, loc, tile.numRows, begin);
      Value rest = arith::RemUIOp::create(b, loc, left, step);
      Value end = arith::SubIOp::create(b, loc, tile.numRows, rest);
      auto loop = scf::ForOp::create(b, loc, begin, end, step, ValueRange(init),
                                     [&](OpBuilder &nested, Location loc, Value row, ValueRange carried) {
                                       FailureOr<Value> updated = registerTile(nested, loc, row, height, carried[0]);
                                       failed |= mlir::failed(updated);
                                       scf::YieldOp::create(nested, loc, failed ? carried[0] : *updated);
                                     });
      init = loop.getResult(0);
      begin = end;
    }
    if (failed)
      return failure();
    return init;
  }

private:
  Value at(OpBuilder &b, Location loc, Value base, int64_t offset) {
    return arith::AddIOp::create(b, loc, base, arith::ConstantIndexOp::create(b, loc, offset));
  }

  Value readVector(OpBuilder &b, Location loc, Value source, ValueRange indices, int64_t size, bool inBounds) {
    Type element = cast<RankedTensorType>(source.getType()).getElementType();
    Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(element));
    return vector::TransferReadOp::create(b, loc, VectorType::get({size}, element), source, indices, zero,
                                          ArrayRef<bool>{inBounds});
  }

  /// `height` rows from `row` on, all columns of the panel.
  FailureOr<Value> registerTile(OpBuilder &b, Location loc, Value row, int64_t height, Value out) {
    SmallVector<Value> rows, outRows;
    Value first = arith::AddIOp::create(b, loc, tile.firstRow, row);
    for (int64_t r = 0; r != height; ++r) {
      Value sorted = at(b, loc, first, r);
      rows.push_back(tile.tokens ? tensor::ExtractOp::create(b, loc, tile.tokens, ValueRange(sorted)).getResult()
                                 : sorted);
      if (tile.slots)
        outRows.push_back(tensor::ExtractOp::create(b, loc, tile.slots, ValueRange(sorted)));
      else
        outRows.push_back(at(b, loc, arith::AddIOp::create(b, loc, tile.outRow, row), r));
    }
    SmallVector<Value> accumulators = reduce(b, loc, rows);
    for (int64_t r = 0; r != height; ++r)
      for (int64_t v = 0; v != vectors; ++v) {
        FailureOr<Value> value = epilogue(b, loc, accumulators, r, v, at(b, loc, row, r));
        if (failed(value))
          return failure();
        Value column = arith::ConstantIndexOp::create(b, loc, v * lanes);
        out = vector::TransferWriteOp::create(b, loc, *value, out, ValueRange{outRows[r], column},
                                              ArrayRef<bool>{fullColumns})
                  .getResult();
      }
    return out;
  }

  /// The accumulators, [row][matrix][vector], after the whole reduction.
  SmallVector<Value> reduce(OpBuilder &b, Location loc, ArrayRef<Value> rows) {
    auto type = VectorType::get({lanes}, b.getF32Type());
    Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
    SmallVector<Value> sums(rows.size() * matrices * vectors, zero);
    int64_t groups = reduction / kGroup;
    if (groups != 0) {
      Value begin = arith::ConstantIndexOp::create(b, loc, 0), end = arith::ConstantIndexOp::create(b, loc, groups);
      Value one = arith::ConstantIndexOp::create(b, loc, 1);
      auto loop = scf::ForOp::create(b, loc, begin, end, one, sums,
                                     [&](OpBuilder &nested, Location loc, Value group, ValueRange carried) {
                                       SmallVector<Value> next(carried);
                                       step(nested, loc, rows, group, /*whole=*/true, next);
                                       scf::YieldOp::create(nested, loc, next);
                                     });
      sums.assign(loop.getResults().begin(), loop.getResults().end());
    }
    // A last group that the rows do not fill: packed weights are zero there, and rows are read up to their end.
    if (reduction % kGroup != 0)
      step(b, loc, rows, arith::ConstantIndexOp::create(b, loc, groups), /*whole=*/false, sums);
    return sums;
  }

  void step(OpBuilder &b, Location loc, ArrayRef<Value> rows, Value group, bool whole, SmallVector<Value> &sums) {
    SmallVector<Value> weights;
    for (size_t j = 0; j != matrices; ++j)
      for (int64_t v = 0; v != vectors; ++v) {
        Value matrix = arith::ConstantIndexOp::create(b, loc, j);
        Value element = arith::ConstantIndexOp::create(b, loc, v * lanes * kGroup);
        Value packed = readVector(b, loc, panel, ValueRange{group, matrix, element}, lanes * kGroup, true);
        weights.push_back(level.prepareWeights(b, loc, packed));
      }
    Value k = arith::MulIOp::create(b, loc, group, arith::ConstantIndexOp::create(b, loc, kGroup));
    for (auto [r, row] : llvm::enumerate(rows)) {
      Value elements = readVector(b, loc, tile.rows, ValueRange{row, k}, kGroup, whole);
      Value broadcast = level.broadcastRow(b, loc, elements);
      for (auto [i, weight] : llvm::enumerate(weights)) {
        Value &sum = sums[r * weights.size() + i];
        sum = level.multiply(b, loc, broadcast, weight, sum);
      }
    }
  }

  /// The epilogue's body on vector v of tile row r, which is row `row` of the tile product.
  FailureOr<Value> epilogue(OpBuilder &b, Location loc, ArrayRef<Value> sums, int64_t r, int64_t v, Value row) {
    linalg::GenericOp op = tile.epilogue;
    if (!op)
      return sums[r * vectors + v];
    SmallVector<Value> arguments;
    for (OpOperand *input : op.getDpsInputOperands()) {
      unsigned i = input->getOperandNumber();
      if (i < matrices) {
        arguments.push_back(sums[(r * matrices + i) * vectors + v]);
        continue;
      }
      AffineMap map = op.getMatchingIndexingMap(input);
      if (map.getNumResults() != 1)
        return failure();
      if (map.getResult(0) == b.getAffineDimExpr(0)) {
        arguments.push_back(tensor::ExtractOp::create(b, loc, input->get(), ValueRange(row)));
        continue;
      }
      Value column = arith::ConstantIndexOp::create(b, loc, v * lanes);
      arguments.push_back(readVector(b, loc, input->get(), ValueRange(column), lanes, fullColumns));
    }
    // The init of an elementwise op has a block argument, too; a body that reads it is not an epilogue.
    if (!op.getBody()->getArguments().back().use_empty())
      return failure();
    arguments.push_back(arguments.front());
    FailureOr<SmallVector<Value>> results = inlineVectorBody(b, loc, *op.getBody(), arguments, lanes);
    if (failed(results))
      return failure();
    return results->front();
  }

  MatchedTileProduct &tile;
  const MachineLevel &level;
  Value panel; ///< [K / kGroup, matrices, panel * kGroup]
  int64_t lanes, kGroup, vectors;
  size_t matrices;
  int64_t reduction;
  bool fullColumns;
};

class FunctionEmitter {
public:
  explicit FunctionEmitter(func::FuncOp func) : func(func), inputs(countInputs(func)) {}

  LogicalResult run() {
    SmallVector<linalg::GenericOp> products;
    func.walk([&](linalg::GenericOp op) {
      if (isa_and_nonnull<KernelConfigAttr>(op->getAttr(kTileProductAttr)))
        products.push_back(op);
    });
    for (linalg::GenericOp product : products)
      if (failed(emit(product)))
        return failure();
    return success();
  }

private:
  LogicalResult emit(linalg::GenericOp product) {
    auto config = cast<KernelConfigAttr>(product->getAttr(kTileProductAttr));
    const MachineLevel *level = findMachineLevel(config.getLevel());
    if (!level)
      return product.emitOpError("names a machine level that this build does not have: ") << config.getLevel();
    FailureOr<MatchedTileProduct> tile = matchTileProduct(product);
    FailureOr<WeightSlices> slices = failed(tile) ? FailureOr<WeightSlices>(failure()) : matchWeights(*tile);
    if (failed(slices)) {
      remark::missed(product.getLoc(), remark::RemarkOpts::name("no micro-kernel").category("moe-emit-micro-kernels"))
          << remark::reason("the ops round the product are not those of a tile");
      return success();
    }
    OpBuilder b(tile->final);
    Location loc = product.getLoc();
    PackedArgument packed = packedArgument(*slices, config);
    Value panel = extractPanel(b, loc, packed, *slices);
    FailureOr<Value> result = TileEmitter(*tile, config, *level, panel).emit(b, config.getRows());
    if (failed(result))
      return tile->epilogue.emitOpError("cannot run on vectors, as an epilogue must");
    tile->final->getResult(0).replaceAllUsesWith(*result);
    tile->final->erase();
    return success();
  }

  /// All matrices must be the same panel of the same expert of kernel arguments.
  FailureOr<WeightSlices> matchWeights(MatchedTileProduct &tile) {
    WeightSlices slices;
    OpBuilder b(tile.product);
    for (Value matrix : tile.matrices) {
      auto slice = matrix.getDefiningOp<tensor::ExtractSliceOp>();
      Value source = slice ? slice.getSource() : matrix;
      // The matrix of a product of one group: its leading dimension was made up.
      if (auto expand = source.getDefiningOp<tensor::ExpandShapeOp>())
        source = expand.getSrc();
      auto argument = dyn_cast<BlockArgument>(source);
      if (!argument || argument.getOwner() != &func.front())
        return failure();
      if (!slice) { // A slice of all of a matrix folds to the matrix.
        slices.arguments.push_back(argument);
        slices.column = arith::ConstantIndexOp::create(b, tile.product.getLoc(), 0);
        continue;
      }
      SmallVector<OpFoldResult> offsets = slice.getMixedOffsets();
      bool stacked = offsets.size() == 3 && cast<RankedTensorType>(argument.getType()).getRank() == 3;
      Value expert = stacked ? getValueOrCreateConstantIndexOp(b, slice.getLoc(), offsets[0]) : Value();
      Value column = getValueOrCreateConstantIndexOp(b, slice.getLoc(), offsets[offsets.size() - 2]);
      if (!slices.arguments.empty() && (getAsOpFoldResult(column) != getAsOpFoldResult(slices.column) ||
                                        (expert && getAsOpFoldResult(expert) != getAsOpFoldResult(slices.expert))))
        return failure();
      slices.arguments.push_back(argument);
      slices.expert = expert;
      slices.column = column;
    }
    return slices;
  }

  /// The argument that holds these weights, panels of them interleaved; made at the first use.
  PackedArgument packedArgument(const WeightSlices &slices, KernelConfigAttr config) {
    auto type = cast<RankedTensorType>(slices.arguments.front().getType());
    bool stacked = type.getRank() == 3;
    int64_t experts = stacked ? type.getDimSize(0) : 1;
    int64_t rows = type.getDimSize(stacked ? 1 : 0), cols = type.getDimSize(stacked ? 2 : 1);
    SmallVector<int64_t> weights;
    for (BlockArgument argument : slices.arguments)
      weights.push_back(argument.getArgNumber() - inputs); // Inputs come first.
    auto packing = PackingAttr::get(func.getContext(), weights, experts, rows, cols, config.getColumns(),
                                    config.getKGroup(), type.getElementType());
    for (const PackedArgument &known : packed)
      if (known.packing == packing)
        return known;
    SmallVector<int64_t> shape{experts, static_cast<int64_t>(llvm::divideCeil(rows, config.getColumns())),
                               static_cast<int64_t>(llvm::divideCeil(cols, config.getKGroup())),
                               static_cast<int64_t>(weights.size()), config.getColumns() * config.getKGroup()};
    auto packedType = RankedTensorType::get(shape, type.getElementType());
    unsigned index = func.getNumArguments();
    (void)func.insertArgument(index, packedType, DictionaryAttr(), func.getLoc());
    func.setArgAttr(index, kPackingAttr, packing);
    packed.push_back({func.getArgument(index), packing});
    return packed.back();
  }

  Value extractPanel(OpBuilder &b, Location loc, const PackedArgument &packed, const WeightSlices &slices) {
    auto type = cast<RankedTensorType>(packed.argument.getType());
    OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
    AffineExpr d0 = b.getAffineDimExpr(0);
    OpFoldResult panel = affine::makeComposedFoldedAffineApply(
        b, loc, AffineMap::get(1, 0, d0.floorDiv(packed.packing.getPanel())), {OpFoldResult(slices.column)});
    OpFoldResult expert = slices.expert ? OpFoldResult(slices.expert) : zero;
    SmallVector<OpFoldResult> offsets{expert, panel, zero, zero, zero}, sizes{one, one}, strides(5, one);
    for (int64_t size : type.getShape().drop_front(2))
      sizes.push_back(b.getIndexAttr(size));
    auto result = RankedTensorType::get(type.getShape().drop_front(2), type.getElementType());
    return tensor::ExtractSliceOp::create(b, loc, result, packed.argument, offsets, sizes, strides);
  }

  func::FuncOp func;
  unsigned inputs;
  SmallVector<PackedArgument> packed;
};

struct EmitMicroKernels : moe::impl::EmitMicroKernelsBase<EmitMicroKernels> {
  void runOnOperation() override {
    for (auto func : getOperation().getOps<func::FuncOp>())
      if (!func.isExternal() && failed(FunctionEmitter(func).run()))
        return signalPassFailure();
  }
};

} // namespace
