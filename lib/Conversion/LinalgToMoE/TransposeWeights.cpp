// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- TransposeWeights.cpp - weights in the order in which products take them --------------------------------===//
//
// Grouped products take a matrix [N, K] for each expert. Where a body multiplies by [K, N], the weight itself can have
// the other order, as long as nobody else looks at it: it is packed when it is loaded, from whatever order is stored.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "BodyProducts.h"
#include "Structured.h"
#include "moe/Conversion/Passes.h"
#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/MapVector.h"

namespace mlir::moe {
#define GEN_PASS_DEF_TRANSPOSEWEIGHTS
#include "moe/Conversion/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

/// The same type, rows for columns.
static RankedTensorType exchanged(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  SmallVector<int64_t> shape(tensor.getShape());
  std::swap(shape[shape.size() - 1], shape[shape.size() - 2]);
  return RankedTensorType::get(shape, tensor.getElementType());
}

namespace {

/// An argument of a kernel that is a matrix for each expert, and what is done with it.
struct StackedMatrix {
  BlockArgument argument;
  SmallVector<BlockArgument> slices; ///< of expert bodies
  SmallVector<BodyProduct> products; ///< that take a slice as [K, N]
  std::optional<StringRef> against;  ///< why they cannot take it as [N, K]

  explicit StackedMatrix(BlockArgument argument) : argument(argument) {
    for (OpOperand &use : argument.getUses()) {
      auto experts = dyn_cast<ExpertsOp>(use.getOwner());
      if (!experts) {
        against = "an op outside of expert bodies takes it";
        continue;
      }
      unsigned weight = use.getOperandNumber() - experts.getWeights().getBeginOperandIndex();
      slices.push_back(experts.getBody().getArgument(experts.getRows().size() + weight));
      for (OpOperand &sliceUse : slices.back().getUses())
        add(sliceUse);
    }
    if (argument.getParentRegion()->getParentOfType<func::FuncOp>().getArgAttr(argument.getArgNumber(), kFormatAttr))
      against = "its rows are rounded to a number format together";
  }

  void transpose() {
    argument.setType(exchanged(argument.getType()));
    for (BlockArgument slice : slices)
      slice.setType(exchanged(slice.getType()));
    for (BodyProduct &product : products)
      transpose(product);
  }

private:
  void add(OpOperand &use) {
    std::optional<BodyProduct> product = BodyProduct::match(use.getOwner());
    if (product && product->matrix == &use && product->transposed && !product->reasonAgainst())
      products.push_back(*product);
    else
      against = "an op takes it that is no product by [K, N]";
  }

  static void transpose(BodyProduct &product) {
    linalg::LinalgOp op = product.op;
    unsigned index = product.matrix->getOperandNumber();
    IRRewriter rewriter(op.getContext());
    rewriter.setInsertionPoint(op);
    auto generic = dyn_cast<linalg::GenericOp>(op.getOperation());
    // A named op may say nothing of the order of its operands.
    if (!generic)
      generic = *linalg::generalizeNamedOp(rewriter, op);
    SmallVector<AffineMap> maps = generic.getIndexingMapsArray();
    ArrayRef<AffineExpr> order = maps[index].getResults();
    maps[index] = AffineMap::get(maps[index].getNumDims(), 0, {order[1], order[0]}, op.getContext());
    generic.setIndexingMapsAttr(rewriter.getAffineMapArrayAttr(maps));
  }
};

/// The layers of a kernel, as far as nothing else calls it.
using Kernels = llvm::MapVector<func::FuncOp, SmallVector<LayerOp>>;

struct TransposeWeights : mlir::moe::impl::TransposeWeightsBase<TransposeWeights> {
  void runOnOperation() override {
    SymbolTable table(getOperation());
    symbols = &table;
    Kernels kernels;
    for (LayerOp layer : getOperation().getOps<LayerOp>())
      if (auto kernel = table.lookup<func::FuncOp>(layer.getKernel()); kernel && !kernel.isExternal())
        kernels[kernel].push_back(layer);
    for (auto &[kernel, layers] : kernels)
      visit(kernel, layers);
    for (auto [weight, twin] : twins)
      replaceUnused(weight, twin);
    twins.clear();
  }

private:
  void visit(func::FuncOp kernel, ArrayRef<LayerOp> layers) {
    size_t weights = LayerOp(layers.front()).getWeights().size(), inputs = kernel.getNumArguments() - weights;
    auto uses = SymbolTable::getSymbolUses(kernel, getOperation());
    bool onlyLayers =
        uses && llvm::all_of(*uses, [](SymbolTable::SymbolUse use) { return isa<LayerOp>(use.getUser()); });
    int64_t count = 0;
    for (size_t i = 0; i != weights; ++i) {
      BlockArgument argument = kernel.getArgument(inputs + i);
      auto type = dyn_cast<RankedTensorType>(argument.getType());
      if (!type || type.getRank() != 3)
        continue;
      StackedMatrix matrix(argument);
      if (matrix.products.empty())
        continue;
      std::optional<StringRef> against = matrix.against;
      if (!onlyLayers)
        against = "the kernel is called, too";
      for (LayerOp layer : layers)
        if (weightOf(layer, i).getPart())
          against = "a part of the rows of what is stored would be one of its columns";
      if (against) {
        remark::missed(matrix.products.front().op.getLoc(),
                       remarkAbout(&kernel.front().front(), "not transposed", getArgument()))
            << remark::add("weight {0} of the kernel", i) << remark::reason("{0}", *against);
        continue;
      }
      matrix.transpose();
      for (LayerOp layer : layers)
        setWeight(layer, i, twinOf(weightOf(layer, i)));
      ++count;
    }
    if (count == 0)
      return;
    kernel.setType(FunctionType::get(&getContext(), kernel.front().getArgumentTypes(), kernel.getResultTypes()));
    remark::passed(kernel.getLoc(), remarkAbout(&kernel.front().front(), "transposed", getArgument()))
        << remark::add("{0} weights, from [K, N] to [N, K]", count);
  }

  WeightOp weightOf(LayerOp layer, size_t i) {
    return symbols->lookup<WeightOp>(cast<FlatSymbolRefAttr>(layer.getWeights()[i]).getValue());
  }

  static void setWeight(LayerOp layer, size_t i, WeightOp weight) {
    SmallVector<Attribute> names(layer.getWeights().getValue());
    names[i] = FlatSymbolRefAttr::get(weight.getSymNameAttr());
    layer.setWeightsAttr(ArrayAttr::get(layer.getContext(), names));
  }

  /// The weight in the other order; the same for all that ask.
  WeightOp twinOf(WeightOp weight) {
    WeightOp &twin = twins[weight];
    if (twin)
      return twin;
    twin = cast<WeightOp>(weight->clone());
    symbols->insert(twin, std::next(Block::iterator(weight)));
    twin.setType(exchanged(weight.getType()));
    twin.setTransposed(!weight.getTransposed());
    return twin;
  }

  /// The twin takes the place of a weight that nobody takes as it was.
  void replaceUnused(WeightOp weight, WeightOp twin) {
    if (!SymbolTable::symbolKnownUseEmpty(weight, getOperation()))
      return;
    StringAttr name = weight.getSymNameAttr();
    symbols->erase(weight);
    (void)symbols->rename(twin, name);
  }

  SymbolTable *symbols = nullptr;
  llvm::MapVector<WeightOp, WeightOp> twins;
};

} // namespace
