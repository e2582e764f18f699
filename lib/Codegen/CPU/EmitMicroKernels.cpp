// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- EmitMicroKernels.cpp - tile products to the loops of a machine level -------------------------------===//
//
// The one place where number format, machine level and epilogue meet. A tile product (see TileProduct.h) becomes what
// the level's tile kernel makes of it, and the epilogue runs on the accumulators of each row before anything is stored.
// Weights change from logical matrices to packed arguments here, since only here is it known which order they are read
// in.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "RoundedRows.h"
#include "TileKernels/ReadVector.h"
#include "VectorBody.h"

#include "moe/Codegen/CPU/NumberFormat.h"
#include "moe/Codegen/CPU/Passes.h"
#include "moe/Conversion/GroupedToLinalg/TileProduct.h"

#include "mlir/Dialect/AMX/AMXDialect.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
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
  SmallVector<BlockArgument> arguments; ///< each [E, N, K] or [N, K], all of one number format
  Value expert;                         ///< null for arguments of rank 2
  Value column;                         ///< first column of the panel
};

/// One packed argument of a kernel.
struct PackedArgument {
  BlockArgument argument; ///< [E, panels, a panel as its number format has it]
  PackingAttr packing;
};

/// What becomes of the accumulators: the epilogue, and the row's place in the result.
class RowFinisher {
public:
  RowFinisher(MatchedTileProduct &tile, KernelConfigAttr config)
      : tile(tile), lanes(config.getVector()), vectors(config.getColumns() / config.getVector()),
        matrices(tile.matrices.size()) {
    auto columns = cast<RankedTensorType>(tile.init.getType()).getDimSize(1);
    fullColumns = columns == config.getColumns();
  }

  /// A FinishRow.
  FailureOr<Value> operator()(OpBuilder &b, Location loc, Value row, ArrayRef<Value> sums, Value out) const {
    Value outRow;
    if (tile.slots) {
      Value sorted = arith::AddIOp::create(b, loc, tile.firstRow, row);
      outRow = tensor::ExtractOp::create(b, loc, tile.slots, ValueRange(sorted));
    } else {
      outRow = arith::AddIOp::create(b, loc, tile.outRow, row);
    }
    for (int64_t v = 0; v != vectors; ++v) {
      FailureOr<Value> value = epilogue(b, loc, sums, v, row);
      if (failed(value))
        return failure();
      Value column = arith::ConstantIndexOp::create(b, loc, v * lanes);
      out =
          vector::TransferWriteOp::create(b, loc, *value, out, ValueRange{outRow, column}, ArrayRef<bool>{fullColumns})
              .getResult();
    }
    return out;
  }

private:
  /// The epilogue's body on vector v of row `row` of the tile.
  FailureOr<Value> epilogue(OpBuilder &b, Location loc, ArrayRef<Value> sums, int64_t v, Value row) const {
    linalg::GenericOp op = tile.epilogue;
    if (!op)
      return sums[v];
    SmallVector<Value> arguments;
    for (OpOperand *input : op.getDpsInputOperands()) {
      unsigned i = input->getOperandNumber();
      if (i < matrices) {
        arguments.push_back(sums[i * vectors + v]);
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
  int64_t lanes, vectors;
  size_t matrices;
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
    // Those of tiles that no micro-kernel matched name matrices, which are not packed.
    func.walk([](PrefetchOp prefetch) { prefetch.erase(); });
    return success();
  }

private:
  LogicalResult emit(linalg::GenericOp product) {
    auto config = cast<KernelConfigAttr>(product->getAttr(kTileProductAttr));
    const MachineLevel *level = findMachineLevel(config.getLevel());
    if (!level)
      return product.emitOpError("names a machine level that this build does not have: ") << config.getLevel();
    auto prefetch = dyn_cast_or_null<PrefetchOp>(product->getPrevNode());
    FailureOr<MatchedTileProduct> tile = matchTileProduct(product);
    FailureOr<WeightSlices> slices =
        failed(tile) ? FailureOr<WeightSlices>(failure()) : matchWeights(product, tile->matrices);
    if (failed(slices)) {
      remark::missed(product.getLoc(), remark::RemarkOpts::name("no micro-kernel").category("moe-emit-micro-kernels"))
          << remark::reason("the ops round the product are not those of a tile");
      return success();
    }
    const NumberFormat *format = numberFormatOf(slices->arguments.front());
    if (!format)
      return product.emitOpError("has weights in a number format that this build does not have; expects ")
             << numberFormatNames();
    auto rowsType = cast<RankedTensorType>(tile->rows.getType());
    std::optional<RowRounding> rounding = matchRowRounding(tile->rows);
    const TileKernel &kernel =
        tileKernelFor(*level, rowsType.getElementType(), *format, static_cast<int64_t>(tile->matrices.size()),
                      rounding.has_value(), rowsType.getDimSize(1));
    if (config.getKGroup() != kernel.kGroup() || config.getVector() != level->lanes() || config.getColumns() <= 0 ||
        config.getColumns() % level->lanes() != 0)
      return product.emitOpError("has a configuration that is not one of the level ")
             << level->name() << ": expects k_group = " << kernel.kGroup() << ", vector = " << level->lanes()
             << " and columns a multiple of that";
    OpBuilder b(tile->final);
    Location loc = product.getLoc();
    PackedArgument packed = packedArgument(*slices, config, *format);
    Value panel = extractPanel(b, loc, packed, *slices);
    TileOperands operands;
    operands.rows = tile->rows;
    operands.tokens = tile->tokens;
    operands.firstRow = tile->firstRow;
    operands.numRows = tile->numRows;
    operands.format = format;
    operands.panel = panel;
    operands.nextPanel = prefetch ? nextPanel(b, prefetch, packed) : Value();
    operands.prefetchStreams = std::max<int64_t>(1, config.getPrefetch());
    operands.matrices = static_cast<int64_t>(tile->matrices.size());
    operands.columns = config.getColumns();
    operands.reduction = rowsType.getDimSize(1);
    if (rounding && &kernel == level->byteKernel(*format, operands.matrices))
      operands.rounded = roundedRows(*rounding, {format->scaleBlock(), *format->codeOffset()}, *level);
    operands.heights = config.getRows();
    FailureOr<Value> result = kernel.emit(b, loc, operands, tile->init, RowFinisher(*tile, config));
    if (failed(result))
      return tile->epilogue.emitOpError("cannot run on vectors, as an epilogue must");
    tile->final->getResult(0).replaceAllUsesWith(*result);
    tile->final->erase();
    return success();
  }

  /// The packed panel that a prefetch names, where it lies in the same argument as the tile's own.
  Value nextPanel(OpBuilder &b, PrefetchOp prefetch, const PackedArgument &packed) {
    FailureOr<WeightSlices> slices = matchWeights(prefetch, prefetch.getMatrices());
    if (failed(slices))
      return {};
    for (auto [i, argument] : llvm::enumerate(slices->arguments))
      if (argument.getArgNumber() != inputs + packed.packing.getWeights()[i])
        return {};
    return extractPanel(b, prefetch.getLoc(), packed, *slices);
  }

  /// The rows as bytes, made once for all products that take them alike, where they were rounded to values.
  RoundedRows roundedRows(const RowRounding &rounding, const CodeBlocks &blocks, const MachineLevel &level) {
    for (const KnownRows &known : rounded)
      if (known.whole == rounding.whole && known.blocks == blocks)
        return known.rows;
    OpBuilder b(rounding.whole);
    RoundedRows rows = packRows(b, rounding.whole->getLoc(), rounding.source, blocks, level.lanes());
    rounded.push_back({rounding.whole, blocks, rows});
    return rows;
  }

  /// All matrices must be the same panel of the same expert of kernel arguments.
  FailureOr<WeightSlices> matchWeights(Operation *user, ValueRange matrices) {
    WeightSlices slices;
    OpBuilder b(user);
    for (Value matrix : matrices) {
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
        slices.column = arith::ConstantIndexOp::create(b, user->getLoc(), 0);
        continue;
      }
      SmallVector<OpFoldResult> offsets = slice.getMixedOffsets();
      bool stacked = offsets.size() == 3 && cast<RankedTensorType>(argument.getType()).getRank() == 3;
      Value expert = stacked ? getValueOrCreateConstantIndexOp(b, slice.getLoc(), offsets[0]) : Value();
      Value column = getValueOrCreateConstantIndexOp(b, slice.getLoc(), offsets[offsets.size() - 2]);
      if (!slices.arguments.empty() && (getAsOpFoldResult(column) != getAsOpFoldResult(slices.column) ||
                                        (expert && getAsOpFoldResult(expert) != getAsOpFoldResult(slices.expert))))
        return failure();
      if (!slices.arguments.empty() && numberFormatOf(argument) != numberFormatOf(slices.arguments.front()))
        return failure();
      slices.arguments.push_back(argument);
      slices.expert = expert;
      slices.column = column;
    }
    return slices;
  }

  /// The argument that holds these weights, panels of them interleaved; made at the first use.
  PackedArgument packedArgument(const WeightSlices &slices, KernelConfigAttr config, const NumberFormat &format) {
    auto type = cast<RankedTensorType>(slices.arguments.front().getType());
    bool stacked = type.getRank() == 3;
    int64_t experts = stacked ? type.getDimSize(0) : 1;
    int64_t rows = type.getDimSize(stacked ? 1 : 0), cols = type.getDimSize(stacked ? 2 : 1);
    SmallVector<int64_t> weights;
    for (BlockArgument argument : slices.arguments)
      weights.push_back(argument.getArgNumber() - inputs); // Inputs come first.
    auto packing = PackingAttr::get(
        func.getContext(), weights, experts, rows, cols, config.getColumns(), config.getKGroup(), type.getElementType(),
        func.getArgAttrOfType<StringAttr>(slices.arguments.front().getArgNumber(), kFormatAttr));
    for (const PackedArgument &known : packed)
      if (known.packing == packing)
        return known;
    RankedTensorType panel = format.panelType(
        func.getContext(), {static_cast<int64_t>(weights.size()), config.getColumns(), cols, config.getKGroup()});
    SmallVector<int64_t> shape{experts, static_cast<int64_t>(llvm::divideCeil(rows, config.getColumns()))};
    llvm::append_range(shape, panel.getShape());
    auto packedType = RankedTensorType::get(shape, panel.getElementType());
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
    SmallVector<OpFoldResult> offsets{expert, panel}, sizes{one, one}, strides(type.getRank(), one);
    offsets.resize(type.getRank(), zero);
    for (int64_t size : type.getShape().drop_front(2))
      sizes.push_back(b.getIndexAttr(size));
    auto result = RankedTensorType::get(type.getShape().drop_front(2), type.getElementType());
    return tensor::ExtractSliceOp::create(b, loc, result, packed.argument, offsets, sizes, strides);
  }

  struct KnownRows {
    Operation *whole;
    CodeBlocks blocks;
    RoundedRows rows;
  };

  func::FuncOp func;
  unsigned inputs;
  SmallVector<PackedArgument> packed;
  SmallVector<KnownRows> rounded;
};

struct EmitMicroKernels : moe::impl::EmitMicroKernelsBase<EmitMicroKernels> {
  void runOnOperation() override {
    for (auto func : getOperation().getOps<func::FuncOp>())
      if (!func.isExternal() && failed(FunctionEmitter(func).run()))
        return signalPassFailure();
  }
};

} // namespace
