// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Emits a module for a model: weights as symbols, layers that bind them to kernels, each distinct kernel once.
#include "moe/Import/ImportModel.h"

#include "EmitKernel.h"
#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/OperationSupport.h"
#include "mlir/IR/Verifier.h"

using namespace mlir;
using namespace mlir::moe;
using ::moe::BlockDescription;
using ::moe::ModelDescription;
using ::moe::WeightDescription;

namespace {

/// The kernels of a module. Blocks are emitted and compared as IR, so that no field of the description can be forgotten
/// in the comparison.
class KernelTable {
public:
  explicit KernelTable(StringRef baseName) : baseName(baseName) {}

  /// The name of the kernel equal to `kernel`, which is kept if there was none.
  StringAttr intern(OwningOpRef<func::FuncOp> kernel) {
    for (OwningOpRef<func::FuncOp> &known : kernels) {
      kernel->setSymName(known->getSymName());
      if (OperationEquivalence::isEquivalentTo(known->getOperation(), kernel->getOperation(),
                                               OperationEquivalence::IgnoreLocations))
        return known->getSymNameAttr();
    }
    kernel->setSymName(kernels.empty() ? baseName : baseName + "_" + std::to_string(kernels.size()));
    kernels.push_back(std::move(kernel));
    return kernels.back()->getSymNameAttr();
  }

  std::vector<OwningOpRef<func::FuncOp>> take() { return std::move(kernels); }

private:
  std::string baseName;
  std::vector<OwningOpRef<func::FuncOp>> kernels;
};

} // namespace

static FailureOr<std::vector<const BlockDescription *>>
chosenBlocks(MLIRContext *context, const ModelDescription &model, ArrayRef<int64_t> layers) {
  std::vector<const BlockDescription *> blocks;
  for (const BlockDescription &block : model.blocks)
    if (layers.empty() || llvm::is_contained(layers, block.index))
      blocks.push_back(&block);
  for (int64_t layer : layers)
    if (layer < 0 || layer >= int64_t(model.blocks.size()))
      return emitError(UnknownLoc::get(context)) << model.configFile << ": no MoE block " << layer << "; the model has "
                                                 << model.blocks.size() << ", counted from 0";
  return blocks;
}

/// What the weight takes of the tensors that hold it; null for all.
static PartAttr partOf(MLIRContext *context, const WeightDescription &weight) {
  int64_t begin = 0, step = 1;
  switch (weight.part) {
  case ::moe::RowPart::Whole:
    return {};
  case ::moe::RowPart::FirstHalf:
    break;
  case ::moe::RowPart::SecondHalf:
    begin = weight.rows();
    break;
  case ::moe::RowPart::Even:
    step = 2;
    break;
  case ::moe::RowPart::Odd:
    begin = 1;
    step = 2;
    break;
  }
  return PartAttr::get(context, weight.isVector() ? PartOf::Columns : PartOf::Rows, begin, step, weight.storedRows());
}

/// Declares the weights of a block; their symbols, in the order of the kernel's arguments.
static SmallVector<Attribute> emitWeights(ImplicitLocOpBuilder &b, const BlockDescription &block, ::moe::DType dtype) {
  SmallVector<Attribute> symbols;
  for (const WeightDescription *weight : block.weights()) {
    std::string symbol = "l" + std::to_string(block.layer) + "." + weight->role;
    Type element = weightElementType(b.getContext(), block, *weight, dtype);
    WeightOp::create(b, b.getStringAttr(symbol), TypeAttr::get(RankedTensorType::get(weight->shape, element)),
                     b.getStringAttr(weight->source), weight->transposed ? b.getUnitAttr() : UnitAttr(),
                     partOf(b.getContext(), *weight), /*unused=*/DenseI64ArrayAttr(), /*format=*/StringAttr());
    symbols.push_back(FlatSymbolRefAttr::get(b.getContext(), symbol));
  }
  return symbols;
}

OwningOpRef<ModuleOp> mlir::moe::importModel(MLIRContext *context, const ModelDescription &model,
                                             const ImportOptions &options) {
  context->loadDialect<MoEDialect, arith::ArithDialect, math::MathDialect, func::FuncDialect>();
  FailureOr<std::vector<const BlockDescription *>> blocks = chosenBlocks(context, model, options.layers);
  if (failed(blocks))
    return {};

  OwningOpRef<ModuleOp> module = ModuleOp::create(UnknownLoc::get(context));
  ImplicitLocOpBuilder b(UnknownLoc::get(context), context);
  b.setInsertionPointToStart(module->getBody());
  auto setAttr = [&](StringRef name, const std::string &value) {
    if (!value.empty())
      (*module)->setAttr(name, b.getStringAttr(value));
  };
  setAttr(kModelTypeAttr, model.modelType);
  setAttr(kCheckpointAttr, model.checkpoint);
  setAttr(kDigestAttr, model.digest);

  ::moe::DType dtype = options.dtype.value_or(model.dtype);
  KernelTable kernels(model.modelType.empty() ? "model" : model.modelType);
  for (const BlockDescription *block : *blocks) {
    FailureOr<OwningOpRef<func::FuncOp>> kernel = emitKernel(context, *block, dtype, "kernel");
    if (failed(kernel))
      return {};
    StringAttr name = kernels.intern(std::move(*kernel));
    SmallVector<Attribute> weights = emitWeights(b, *block, dtype);
    LayerOp::create(b, b.getStringAttr("moe" + std::to_string(block->index)), b.getI64IntegerAttr(block->index),
                    FlatSymbolRefAttr::get(name), b.getArrayAttr(weights), /*info=*/DictionaryAttr(),
                    /*variants=*/ArrayAttr());
  }
  for (OwningOpRef<func::FuncOp> &kernel : kernels.take())
    module->push_back(kernel.release());
  if (failed(verify(*module)))
    return {};
  return module;
}
