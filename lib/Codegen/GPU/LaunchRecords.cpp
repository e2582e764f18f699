// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- LaunchRecords.cpp - what a caller must know to run device kernels ----------------------------------===//

#include "LaunchRecords.h"

#include "moe/Dialect/MoE/IR/MoE.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::moe;

static std::string typeName(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

/// An input or output; -1 where a size is the number of tokens.
static llvm::json::Object describeOperand(StringRef name, MemRefType type) {
  llvm::json::Array shape;
  for (int64_t size : type.getShape())
    shape.push_back(ShapedType::isDynamic(size) ? -1 : size);
  // Kernels move single elements.
  int64_t alignment = std::max<int64_t>(1, type.getElementTypeBitWidth() / 8);
  return llvm::json::Object{{"name", name.str()},
                            {"dtype", typeName(type.getElementType())},
                            {"shape", std::move(shape)},
                            {"alignment", alignment}};
}

/// {experts, rows, cols} of a weight as the checkpoint has it: a kernel sees a vector of each expert as one matrix.
static std::array<int64_t, 3> sizesOf(func::FuncOp function, PackingAttr packing) {
  SymbolTableCollection symbols;
  for (auto layer : function->getParentOfType<ModuleOp>().getOps<LayerOp>()) {
    if (layer.getKernel() != function.getName() || packing.getWeights().size() != 1)
      continue;
    auto symbol = cast<FlatSymbolRefAttr>(layer.getWeights()[packing.getWeights().front()]);
    auto weight = symbols.lookupNearestSymbolFrom<WeightOp>(layer, symbol);
    auto type = cast<RankedTensorType>(weight.getType());
    if (weight.isVector() && (weight.getPart() || type.getRank() == 2))
      return {type.getRank() == 2 ? type.getDimSize(0) : 1, type.getDimSize(type.getRank() - 1), 1};
  }
  return {packing.getExperts(), packing.getRows(), packing.getCols()};
}

LogicalResult LaunchRecordWriter::addProgram(func::FuncOp function, ArrayRef<LaunchRecord> launches) {
  unsigned inputCount = countInputs(function), count = function.getNumArguments();
  llvm::json::Array inputs, weights, outputs, starts;
  // The last argument is the workspace.
  for (unsigned i = 0; i + 1 < count; ++i) {
    auto type = dyn_cast<MemRefType>(function.getArgumentTypes()[i]);
    if (!type)
      return function.emitOpError("expects arguments that are memrefs, got ") << function.getArgumentTypes()[i];
    if (auto packing = function.getArgAttrOfType<PackingAttr>(i, kPackingAttr)) {
      auto [experts, rows, cols] = sizesOf(function, packing);
      weights.push_back(llvm::json::Object{{"experts", experts},
                                           {"rows", rows},
                                           {"cols", cols},
                                           {"panel", packing.getPanel()},
                                           {"k_group", packing.getKGroup()},
                                           {"dtype", typeName(packing.getElementType())},
                                           {"sources", static_cast<int64_t>(packing.getWeights().size())}});
    } else if (auto name = function.getArgAttrOfType<StringAttr>(i, kResultNameAttr)) {
      outputs.push_back(describeOperand(name.getValue(), type));
    } else {
      std::string input = inputs.empty() ? "input" : "input" + std::to_string(inputs.size());
      inputs.push_back(describeOperand(input, type));
    }
  }
  if (inputs.size() != inputCount && inputs.size() != 1)
    return function.emitOpError("expects ") << inputCount << " inputs, got " << inputs.size();
  for (const LaunchRecord &launch : launches)
    starts.push_back(llvm::json::Object{{"kernel", launch.kernel},
                                        {"when", launch.when},
                                        {"grid", launch.grid},
                                        {"block", launch.block},
                                        {"shared", launch.shared}});
  auto query = module.lookupSymbol<func::FuncOp>((function.getName() + "_workspace").str());
  if (!query)
    return function.emitOpError("expects a function that tells the size of its workspace; run moe-plan-workspace");
  FailureOr<std::string> bytes =
      sizeExpression(query.front().getTerminator()->getOperand(0), query.getArgument(0), /*rows=*/Value());
  if (failed(bytes))
    return failure();
  programs.push_back(llvm::json::Object{{"name", function.getName()},
                                        {"inputs", std::move(inputs)},
                                        {"weights", std::move(weights)},
                                        {"outputs", std::move(outputs)},
                                        {"workspace", *bytes},
                                        {"launches", std::move(starts)}});
  return success();
}

/// Where a weight's bytes are in the checkpoint, as in moe_weight_source.
static llvm::json::Object describeSource(WeightOp weight) {
  std::optional<PartAttr> part = weight.getPart();
  return llvm::json::Object{{"name", weight.getSource()},
                            {"row_begin", part ? part->getBegin() : 0},
                            {"row_step", part ? part->getStep() : 1},
                            {"stored_rows", part ? part->getTotal() : 0},
                            {"transposed", weight.getTransposed()}};
}

llvm::json::Array LaunchRecordWriter::layers() {
  llvm::json::Array list;
  SymbolTableCollection symbols;
  for (auto layer : module.getOps<LayerOp>()) {
    auto kernel = symbols.lookupNearestSymbolFrom<func::FuncOp>(layer, layer.getKernelAttr());
    llvm::json::Array operands;
    for (unsigned i = 0; kernel && i != kernel.getNumArguments(); ++i) {
      auto packing = kernel.getArgAttrOfType<PackingAttr>(i, kPackingAttr);
      if (!packing)
        continue;
      llvm::json::Array sources;
      for (int64_t index : packing.getWeights()) {
        auto symbol = cast<FlatSymbolRefAttr>(layer.getWeights()[index]);
        sources.push_back(describeSource(symbols.lookupNearestSymbolFrom<WeightOp>(layer, symbol)));
      }
      operands.push_back(std::move(sources));
    }
    list.push_back(llvm::json::Object{{"name", layer.getSymName()},
                                      {"block", static_cast<int64_t>(layer.getBlock())},
                                      {"program", layer.getKernel()},
                                      {"weights", std::move(operands)}});
  }
  return list;
}

std::string LaunchRecordWriter::text() {
  auto target = module->getAttrOfType<DictionaryAttr>(kTargetAttr);
  auto chip = target ? target.getAs<StringAttr>("chip") : StringAttr();
  llvm::json::Object all{
      {"version", 1}, {"chip", chip ? chip.getValue() : ""}, {"programs", std::move(programs)}, {"layers", layers()}};
  std::string text;
  llvm::raw_string_ostream(text) << llvm::json::Value(std::move(all));
  return text;
}
