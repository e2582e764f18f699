// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- EmitLibrary.cpp - layers and weights become the library descriptor ---------------------------------===//

#include "moe/Target/Passes.h"

#include "Descriptor.h"
#include "KernelEntry.h"
#include "moe/Target/Machine.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/MapVector.h"

namespace mlir::moe {
#define GEN_PASS_DEF_EMITLIBRARY
#include "moe/Target/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

namespace {

struct Kernel {
  func::FuncOp function;
  KernelArguments arguments;
  KernelEntry entry;
};

class LibraryEmitter {
public:
  explicit LibraryEmitter(ModuleOp module)
      : module(module), builder(module, module.getLoc()), target(targetSpecOf(module)) {}

  LogicalResult emit();

private:
  using Row = DescriptorBuilder::Row;

  LogicalResult emitKernel(LayerOp layer, StringAttr name);
  FailureOr<Row> emitVariant(LayerOp layer, StringAttr kernel, const std::string &prefix);
  FailureOr<Row> emitLayer(LayerOp layer);
  FailureOr<Row> emitWeight(LayerOp layer, PackingAttr packing, const Twine &name);
  FlatSymbolRefAttr emitOperands(ArrayRef<OperandInfo> operands, const Twine &name);
  FlatSymbolRefAttr textOf(StringRef attribute);
  void emitDoor(FlatSymbolRefAttr descriptor);

  ModuleOp module;
  SymbolTableCollection symbols;
  DescriptorBuilder builder;
  TargetSpec target;
  llvm::MapVector<StringAttr, Kernel> kernels;
};

} // namespace

/// The kernels of a layer, best machine level first.
static SmallVector<StringAttr> kernelsOf(LayerOp layer) {
  SmallVector<StringAttr> names;
  if (ArrayAttr variants = layer.getVariantsAttr())
    for (auto variant : variants.getAsRange<FlatSymbolRefAttr>())
      names.push_back(variant.getAttr());
  else
    names.push_back(layer.getKernelAttr().getAttr());
  return names;
}

LogicalResult LibraryEmitter::emitKernel(LayerOp layer, StringAttr name) {
  if (kernels.contains(name))
    return success();
  auto function = symbols.lookupNearestSymbolFrom<func::FuncOp>(layer, name);
  if (!function || function.isExternal())
    return layer.emitOpError("expects a func.func with a body as kernel, got @") << name.getValue();
  FailureOr<KernelArguments> arguments = KernelArguments::of(function);
  if (failed(arguments))
    return failure();
  auto sizeName = StringAttr::get(module.getContext(), name.getValue() + "_workspace");
  auto workspace = symbols.lookupNearestSymbolFrom<func::FuncOp>(module, sizeName);
  if (!workspace || workspace.getNumArguments() != 1 || workspace.getNumResults() != 1 ||
      !workspace.getArgumentTypes().front().isIntOrIndex() || !workspace.getResultTypes().front().isInteger(64))
    return function.emitOpError("expects a function @") << sizeName.getValue() << "(index) -> i64 beside the kernel";
  kernels[name] = {function, *arguments, emitKernelEntry(function, workspace, *arguments)};
  return success();
}

/// The experts that `weight` need not have, of an operand of `experts` packed ones.
static llvm::BitVector unusedExperts(WeightOp weight, size_t experts) {
  llvm::BitVector unused(experts);
  std::optional<ArrayRef<int64_t>> ranges = weight.getUnused();
  if (ranges && weight.getNumExperts() == static_cast<int64_t>(experts))
    for (size_t i = 0; i != ranges->size(); i += 2)
      unused.set((*ranges)[i], (*ranges)[i + 1]);
  return unused;
}

static SmallVector<DescriptorBuilder::Row> rangesOf(const llvm::BitVector &experts) {
  SmallVector<DescriptorBuilder::Row> ranges;
  for (unsigned begin = 0, size = experts.size(); begin != size;) {
    unsigned end = begin;
    while (end != size && experts[end])
      ++end;
    if (end != begin)
      ranges.push_back({int64_t(begin), int64_t(end)});
    begin = end == size ? size : end + 1;
  }
  return ranges;
}

FailureOr<LibraryEmitter::Row> LibraryEmitter::emitWeight(LayerOp layer, PackingAttr packing, const Twine &name) {
  SmallVector<Row> sources;
  std::string operandName;
  StringAttr format;
  int64_t experts = packing.getExperts(), rows = packing.getRows(), cols = packing.getCols();
  llvm::BitVector unused; // by all weights of the operand
  for (int64_t index : packing.getWeights()) {
    ArrayAttr weights = layer.getWeights();
    if (index < 0 || index >= static_cast<int64_t>(weights.size())) {
      layer.emitOpError("expects at least ") << index + 1 << " weights, as its kernel packs weight " << index;
      return failure();
    }
    auto symbol = cast<FlatSymbolRefAttr>(weights[index]);
    auto weight = symbols.lookupNearestSymbolFrom<WeightOp>(layer, symbol);
    int64_t elements = packing.getExperts() * packing.getRows() * packing.getCols();
    auto type = cast<RankedTensorType>(weight.getType());
    if (type.getNumElements() != elements) {
      layer.emitOpError("expects weight ")
          << symbol << " to have the " << elements << " elements of " << packing << ", got " << type;
      return failure();
    }
    if (packing.getFormat() && packing.getFormat() != weight.getFormatAttr()) {
      layer.emitOpError("expects weight ") << symbol << " to be of the format of " << packing;
      return failure();
    }
    if (symbol != weights[packing.getWeights().front()] && weight.getFormatAttr() != format) {
      layer.emitOpError("expects weights packed together to be of one format, got ") << packing;
      return failure();
    }
    format = weight.getFormatAttr();
    std::optional<PartAttr> part = weight.getPart();
    if (weight.isVector() && (part || type.getRank() == 2)) {
      if (packing.getPanel() != 0 || packing.getWeights().size() != 1) {
        layer.emitOpError("expects weight ") << symbol << ", which holds vectors, to be plain, got " << packing;
        return failure();
      }
      // A kernel sees a plain matrix; the checkpoint has vectors. Both are the same elements.
      experts = type.getRank() == 2 ? type.getDimSize(0) : 1;
      rows = type.getDimSize(type.getRank() - 1);
      cols = 1;
    }
    sources.push_back({builder.text(weight.getSource()), rows, cols, part ? part->getBegin() : 0,
                       part ? part->getStep() : 1, part ? part->getTotal() : rows, int64_t(weight.getTransposed()), 0});
    unused.resize(experts, true);
    unused &= unusedExperts(weight, experts);
    operandName += (operandName.empty() ? "" : "+") + symbol.getValue().str();
  }
  SmallString<64> storage;
  FlatSymbolRefAttr list = builder.array((name + ".sources").toStringRef(storage), abi::sourceDesc, sources);
  SmallVector<Row> ranges = rangesOf(unused);
  storage.clear();
  FlatSymbolRefAttr rangeList = builder.array((name + ".unused").toStringRef(storage), abi::expertRange, ranges);
  return Row{builder.text(operandName),
             list,
             int64_t(sources.size()),
             experts,
             packing.getPanel(),
             packing.getKGroup(),
             packing.getFormat() ? 0 : abiDType(packing.getElementType()),
             0,
             rangeList,
             int64_t(ranges.size()),
             format ? builder.text(format.getValue()) : FlatSymbolRefAttr()};
}

FlatSymbolRefAttr LibraryEmitter::emitOperands(ArrayRef<OperandInfo> operands, const Twine &name) {
  SmallVector<Row> rows;
  for (const OperandInfo &operand : operands) {
    auto dim = [&](size_t i) {
      int64_t size = i < operand.shape.size() ? operand.shape[i] : 1;
      return ShapedType::isDynamic(size) ? -1 : size;
    };
    rows.push_back({builder.text(operand.name), int64_t(operand.shape.size()), std::pair(dim(0), dim(1)),
                    abiDType(operand.elementType), 0});
  }
  SmallString<64> storage;
  return builder.array(name.toStringRef(storage), abi::operandDesc, rows);
}

FailureOr<LibraryEmitter::Row> LibraryEmitter::emitVariant(LayerOp layer, StringAttr name, const std::string &prefix) {
  Kernel &kernel = kernels[name];
  SmallVector<Row> weights;
  for (auto [position, index] : llvm::enumerate(kernel.arguments.weights)) {
    auto packing = kernel.function.getArgAttrOfType<PackingAttr>(index, kPackingAttr);
    FailureOr<Row> weight = emitWeight(layer, packing, prefix + "." + Twine(position));
    if (failed(weight))
      return failure();
    weights.push_back(std::move(*weight));
  }
  FlatSymbolRefAttr weightList = builder.array(prefix + ".weights", abi::weightDesc, weights);
  TargetSpec spec = kernel.function->hasAttr(kTargetAttr) ? targetSpecOf(kernel.function) : target;
  return Row{builder.text(spec.level),
             int64_t(spec.required),
             weightList,
             int64_t(weights.size()),
             FlatSymbolRefAttr::get(kernel.entry.bytes),
             FlatSymbolRefAttr::get(kernel.entry.run)};
}

FailureOr<LibraryEmitter::Row> LibraryEmitter::emitLayer(LayerOp layer) {
  FailureOr<LayerInfo> info = describeLayer(layer, symbols);
  if (failed(info))
    return failure();
  std::string prefix = "moe." + info->name;
  SmallVector<StringAttr> names = kernelsOf(layer);
  SmallVector<Row> variantRows;
  for (StringAttr name : names) {
    std::string place = names.size() == 1 ? prefix : prefix + "." + name.str();
    FailureOr<Row> variant = emitVariant(layer, name, place);
    if (failed(variant))
      return failure();
    variantRows.push_back(std::move(*variant));
  }
  FlatSymbolRefAttr inputs = emitOperands(info->inputs, prefix + ".inputs");
  FlatSymbolRefAttr outputs = emitOperands(info->outputs, prefix + ".outputs");
  FlatSymbolRefAttr variants = builder.array(prefix + ".variants", abi::variantDesc, variantRows);
  return Row{builder.text(info->name),
             info->block,
             info->experts,
             info->topK,
             info->modelWidth,
             info->expertWidth,
             inputs,
             int64_t(info->inputs.size()),
             outputs,
             int64_t(info->outputs.size()),
             variants,
             int64_t(variantRows.size())};
}

FlatSymbolRefAttr LibraryEmitter::textOf(StringRef attribute) {
  auto value = module->getAttrOfType<StringAttr>(attribute);
  return builder.text(value ? value.getValue() : "");
}

/// The one exported function.
void LibraryEmitter::emitDoor(FlatSymbolRefAttr descriptor) {
  OpBuilder at = OpBuilder::atBlockEnd(module.getBody());
  Type pointer = LLVM::LLVMPointerType::get(module.getContext());
  auto door =
      LLVM::LLVMFuncOp::create(at, module.getLoc(), MOE_LIBRARY_SYMBOL, LLVM::LLVMFunctionType::get(pointer, {}));
  at.setInsertionPointToStart(door.addEntryBlock(at));
  Value address = LLVM::AddressOfOp::create(at, module.getLoc(), pointer, descriptor);
  LLVM::ReturnOp::create(at, module.getLoc(), address);
}

LogicalResult LibraryEmitter::emit() {
  SmallVector<LayerOp> layers(module.getOps<LayerOp>());
  if (layers.empty())
    return module.emitOpError("expects at least one moe.layer: it says which kernel a block calls with which weights");
  if (symbols.lookupSymbolIn(module, StringAttr::get(module.getContext(), MOE_LIBRARY_SYMBOL)))
    return module.emitOpError("expects the symbol @" MOE_LIBRARY_SYMBOL " to be free");
  for (LayerOp layer : layers)
    for (StringAttr kernel : kernelsOf(layer))
      if (failed(emitKernel(layer, kernel)))
        return failure();
  SmallVector<Row> rows;
  for (LayerOp layer : layers) {
    FailureOr<Row> row = emitLayer(layer);
    if (failed(row))
      return failure();
    rows.push_back(std::move(*row));
  }
  FlatSymbolRefAttr list = builder.array("moe.layers", abi::layerDesc, rows);
  Row library = {MOE_ABI_VERSION,          builder.text("moe-mlir " MOE_VERSION),
                 textOf("moe.model_type"), textOf("moe.checkpoint"),
                 textOf("moe.digest"),     list,
                 int64_t(rows.size())};
  emitDoor(builder.array("moe.library", abi::libraryDesc, library));
  return success();
}

namespace {
struct EmitLibrary : mlir::moe::impl::EmitLibraryBase<EmitLibrary> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (failed(LibraryEmitter(module).emit()))
      return signalPassFailure();
    for (Operation &op : llvm::make_early_inc_range(*module.getBody()))
      if (isa<LayerOp, WeightOp>(op))
        op.erase();
    // What the descriptor says now is taken off the kernels, and all but the door is hidden.
    auto internal = LLVM::LinkageAttr::get(&getContext(), LLVM::Linkage::Internal);
    for (auto function : module.getOps<func::FuncOp>()) {
      for (unsigned i = 0, n = function.getNumArguments(); i != n; ++i) {
        function.removeArgAttr(i, kFormatAttr);
        function.removeArgAttr(i, kPackingAttr);
        function.removeArgAttr(i, kResultNameAttr);
      }
      function.setPrivate();
      if (!function.isExternal())
        function->setAttr("llvm.linkage", internal);
    }
    for (auto function : module.getOps<LLVM::LLVMFuncOp>())
      if (!function.isExternal() && function.getSymName() != MOE_LIBRARY_SYMBOL)
        function.setLinkage(LLVM::Linkage::Internal);
  }
};
} // namespace
