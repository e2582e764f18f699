// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- LayerInfo.cpp - what a layer looks like from outside -----------------------------------------------===//

#include "moe/Target/LayerInfo.h"

#include "moe/Runtime/Runtime.h"

#include "mlir/Dialect/LLVMIR/LLVMTypes.h"

using namespace mlir;
using namespace mlir::moe;

int32_t mlir::moe::abiDType(Type type) {
  if (type.isF32())
    return MOE_F32;
  if (type.isBF16())
    return MOE_BF16;
  if (type.isF16())
    return MOE_F16;
  if (type.isInteger(32))
    return MOE_I32;
  return 0;
}

/// An operand is a matrix or a vector with dense columns whose first dimension alone may be unknown.
static LogicalResult checkOperand(func::FuncOp kernel, unsigned index) {
  auto type = dyn_cast<MemRefType>(kernel.getArgumentTypes()[index]);
  SmallVector<int64_t> strides;
  int64_t offset;
  if (!type || type.getRank() < 1 || type.getRank() > 2 || failed(type.getStridesAndOffset(strides, offset)) ||
      strides.back() != 1 || (type.getRank() == 2 && type.isDynamicDim(1)) || !abiDType(type.getElementType()))
    return kernel.emitOpError("expects argument ")
           << index << " to be a matrix or vector of f32, bf16, f16 or i32 with dense columns, got "
           << kernel.getArgumentTypes()[index];
  return success();
}

static LogicalResult checkWeight(func::FuncOp kernel, unsigned index) {
  auto type = dyn_cast<MemRefType>(kernel.getArgumentTypes()[index]);
  auto packing = kernel.getArgAttrOfType<PackingAttr>(index, kPackingAttr);
  if (!type || !type.hasStaticShape() || !type.getLayout().isIdentity() || !packing)
    return kernel.emitOpError("expects weight argument ")
           << index << " to be a static memref of identity layout with #moe.packing, got "
           << kernel.getArgumentTypes()[index];
  int64_t elements =
      packing.getExperts() * packing.getRows() * packing.getCols() * static_cast<int64_t>(packing.getWeights().size());
  bool table = type.getRank() == 1 && type.getElementType().isInteger(64) && type.getDimSize(0) == packing.getExperts();
  bool plain = type.getElementType() == packing.getElementType() && type.getNumElements() == elements;
  if (packing.getPanel() > 0 ? !table : !plain)
    return kernel.emitOpError("expects weight argument ")
           << index << " to be " << (packing.getPanel() > 0 ? "a table of pointers" : "the plain experts") << " of "
           << packing << ", got " << type;
  if (!abiDType(packing.getElementType()))
    return kernel.emitOpError("expects packed elements of f32, bf16 or f16, got ") << packing.getElementType();
  return success();
}

FailureOr<KernelArguments> KernelArguments::of(func::FuncOp kernel) {
  unsigned count = kernel.getNumArguments();
  auto bytes = count < 2 ? MemRefType() : dyn_cast<MemRefType>(kernel.getArgumentTypes()[count - 2]);
  if (!bytes || bytes.getRank() != 1 || !bytes.getElementType().isInteger(8) || !bytes.getLayout().isIdentity() ||
      !isa<LLVM::LLVMPointerType>(kernel.getArgumentTypes()[count - 1]) || kernel.getNumResults() != 0) {
    kernel.emitOpError("expects a kernel whose last arguments are a workspace of bytes and a pool, got ")
        << kernel.getFunctionType();
    return failure();
  }
  KernelArguments arguments;
  arguments.workspace = count - 2;
  arguments.pool = count - 1;
  for (unsigned index = 0; index != count - 2; ++index) {
    if (kernel.getArgAttr(index, kPackingAttr)) {
      if (failed(checkWeight(kernel, index)))
        return failure();
      arguments.weights.push_back(index);
      continue;
    }
    if (failed(checkOperand(kernel, index)))
      return failure();
    (kernel.getArgAttr(index, kResultNameAttr) ? arguments.outputs : arguments.inputs).push_back(index);
  }
  return arguments;
}

static OperandInfo operandInfo(StringRef name, Type type) {
  auto shaped = cast<ShapedType>(type);
  return {name.str(), SmallVector<int64_t, 2>(shaped.getShape()), shaped.getElementType()};
}

static std::string inputName(size_t position) { return position ? "input" + std::to_string(position) : "input"; }

static LogicalResult readBuffers(func::FuncOp kernel, LayerInfo &info) {
  FailureOr<KernelArguments> arguments = KernelArguments::of(kernel);
  if (failed(arguments))
    return failure();
  for (unsigned index : arguments->inputs)
    info.inputs.push_back(operandInfo(inputName(info.inputs.size()), kernel.getArgumentTypes()[index]));
  for (unsigned index : arguments->outputs)
    info.outputs.push_back(operandInfo(kernel.getArgAttrOfType<StringAttr>(index, kResultNameAttr).getValue(),
                                       kernel.getArgumentTypes()[index]));
  return success();
}

static LogicalResult readTensors(func::FuncOp kernel, LayerInfo &info) {
  for (Type type : kernel.getArgumentTypes().take_front(countInputs(kernel)))
    info.inputs.push_back(operandInfo(inputName(info.inputs.size()), type));
  for (auto [index, type] : llvm::enumerate(kernel.getResultTypes())) {
    if (!isa<RankedTensorType>(type))
      return kernel.emitOpError("expects every result to be a tensor, got ") << type;
    // A result without a name has that which the kernel stage will give it.
    auto given = kernel.getResultAttrOfType<StringAttr>(index, kResultNameAttr);
    std::string name = given ? given.getValue().str() : index == 0 ? "output" : "result" + std::to_string(index);
    info.outputs.push_back(operandInfo(name, type));
  }
  return success();
}

/// Columns of the output of this name, or 0.
static int64_t columnsOf(const LayerInfo &info, StringRef name) {
  for (const OperandInfo &output : info.outputs)
    if (output.name == name && output.shape.size() == 2)
      return output.shape[1];
  return 0;
}

/// F: the dimension of an expert's matrix that is not D.
static int64_t expertWidthOf(LayerOp layer, int64_t modelWidth, SymbolTableCollection &symbols) {
  for (auto name : layer.getWeights().getAsRange<FlatSymbolRefAttr>()) {
    auto weight = symbols.lookupNearestSymbolFrom<WeightOp>(layer, name);
    auto type = weight ? dyn_cast<RankedTensorType>(weight.getType()) : RankedTensorType();
    if (type && type.getRank() == 3)
      return type.getDimSize(1) == modelWidth ? type.getDimSize(2) : type.getDimSize(1);
  }
  return 0;
}

FailureOr<LayerInfo> mlir::moe::describeLayer(LayerOp layer, SymbolTableCollection &symbols) {
  auto kernel = symbols.lookupNearestSymbolFrom<func::FuncOp>(layer, layer.getKernelAttr());
  if (!kernel || kernel.getNumArguments() == 0) {
    layer.emitOpError("expects its kernel ") << layer.getKernelAttr() << " to be a func.func with arguments";
    return failure();
  }
  LayerInfo info;
  info.name = layer.getSymName().str();
  info.kernel = layer.getKernel().str();
  info.block = layer.getBlock();
  bool tensors = isa<RankedTensorType>(kernel.getArgumentTypes().front());
  if (failed(tensors ? readTensors(kernel, info) : readBuffers(kernel, info)))
    return failure();
  // What the importer said goes first; a module written by hand says it through its shapes.
  auto said = [&](StringRef key, int64_t otherwise) {
    DictionaryAttr given = layer.getInfo().value_or(DictionaryAttr());
    auto value = given ? dyn_cast_if_present<IntegerAttr>(given.get(key)) : IntegerAttr();
    return value ? value.getInt() : otherwise;
  };
  info.experts = said("experts", columnsOf(info, "logits"));
  info.topK = said("top_k", columnsOf(info, "experts"));
  info.modelWidth = said("model_width", info.inputs.empty() ? 0 : info.inputs.front().shape.back());
  info.expertWidth = said("expert_width", expertWidthOf(layer, info.modelWidth, symbols));
  return info;
}

FailureOr<std::vector<LayerInfo>> mlir::moe::describeLayers(ModuleOp module) {
  SymbolTableCollection symbols;
  std::vector<LayerInfo> layers;
  for (LayerOp layer : module.getOps<LayerOp>()) {
    FailureOr<LayerInfo> info = describeLayer(layer, symbols);
    if (failed(info))
      return failure();
    layers.push_back(std::move(*info));
  }
  return layers;
}
