// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Input.cpp - what the tools call INPUT, as a module -------------------------------------------------===//

#include "moe/Driver/Input.h"

#include "moe/Checkpoint/Checkpoint.h"
#include "moe/Codegen/CPU/NumberFormat.h"
#include "moe/Dialect/MoE/IR/MoE.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"
#include "moe/Import/BlockList.h"
#include "moe/Import/HuggingFace.h"
#include "moe/Import/ImportModel.h"

#include "mlir/Bytecode/BytecodeReader.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;
using namespace mlir::moe;
using ::moe::DType;
using ::moe::Error;

static Expected<std::vector<int64_t>> blocksOf(const InputOptions &options) {
  if (options.layers.empty())
    return std::vector<int64_t>();
  auto blocks = ::moe::parseBlockList(options.layers);
  if (!blocks)
    return Error{"--layers: " + blocks.message()};
  return blocks;
}

/// The type of rows and weights, where it is not the checkpoint's. A quantised format leaves that as it is.
static Expected<std::optional<DType>> dtypeOf(const InputOptions &options) {
  if (options.dtype.empty())
    return std::optional<DType>();
  if (!findNumberFormat(options.dtype))
    return Error{"--dtype: expected " + numberFormatNames() + ", got '" + options.dtype + "'"};
  return ::moe::formatFromName(options.dtype);
}

/// Rounds the experts' matrices where --dtype is a quantised format.
static Expected<Unit> quantize(ModuleOp module, const InputOptions &options) {
  if (options.dtype.empty() || ::moe::formatFromName(options.dtype))
    return Unit();
  DiagnosticLine diagnostics(module.getContext());
  PassManager passes(module.getContext());
  passes.addPass(createQuantizeWeights({options.dtype}));
  // Rows of products by integers are rounded to bytes.
  if (findNumberFormat(options.dtype)->codeOffset()) {
    RoundRowsOptions rows;
    rows.formats.push_back(options.dtype);
    passes.addPass(createRoundRows(rows));
  }
  if (failed(passes.run(module)))
    return diagnostics.error(options.path + ": the weights cannot be quantised");
  return Unit();
}

/// Where a library looks for weights, and the digest of what it finds there.
static Expected<Unit> bindCheckpoint(ModuleOp module, const std::string &folder) {
  if (folder.empty())
    return Unit();
  auto checkpoint = ::moe::Checkpoint::open(folder);
  if (!checkpoint)
    return checkpoint.error();
  auto text = [&](const std::string &value) { return StringAttr::get(module.getContext(), value); };
  module->setAttr(kCheckpointAttr, text(folder));
  module->setAttr(kDigestAttr, text((*checkpoint)->digest()));
  return Unit();
}

static Expected<OwningOpRef<ModuleOp>> loadDescription(MLIRContext &context, const InputOptions &options) {
  auto blocks = blocksOf(options);
  if (!blocks)
    return blocks.error();
  auto dtype = dtypeOf(options);
  if (!dtype)
    return dtype.error();
  ::moe::LoadOptions load;
  load.dtype = *dtype;
  if (options.randomWeights || !options.checkpoint.empty())
    load.weights = ::moe::WeightsPolicy::Ignored;
  else if (options.needsWeights)
    load.weights = ::moe::WeightsPolicy::Required;
  auto model = ::moe::loadModel(options.path, load);
  if (!model)
    return model.error();
  if (!options.checkpoint.empty()) {
    auto checkpoint = ::moe::Checkpoint::open(options.checkpoint);
    if (!checkpoint)
      return checkpoint.error();
    if (auto checked = ::moe::checkTensors(*model, **checkpoint); !checked)
      return checked.error();
  }
  ImportOptions import;
  import.dtype = *dtype;
  import.layers = *blocks;
  DiagnosticLine diagnostics(&context);
  OwningOpRef<ModuleOp> module = importModel(&context, *model, import);
  if (!module)
    return diagnostics.error(options.path + ": the model cannot be imported");
  if (auto quantized = quantize(*module, options); !quantized)
    return quantized.error();
  if (auto bound = bindCheckpoint(*module, options.checkpoint); !bound)
    return bound.error();
  return module;
}

static Expected<std::unique_ptr<llvm::MemoryBuffer>> readFile(const InputOptions &options) {
  if (options.text)
    return llvm::MemoryBuffer::getMemBufferCopy(*options.text, options.path);
  auto buffer = llvm::MemoryBuffer::getFileOrSTDIN(options.path);
  if (!buffer)
    return Error{options.path + ": cannot be read: " + buffer.getError().message()};
  if (!options.allowBytecode && isBytecode((*buffer)->getMemBufferRef()))
    return Error{options.path + ": expected .mlir text, got bytecode, whose reader trusts its file; give text, or "
                                "--allow-bytecode where the tool has it and the file is yours"};
  return std::move(*buffer);
}

/// Only the chosen blocks stay; their weights and kernels too, the others are dead code.
static Expected<Unit> keepBlocks(ModuleOp module, const InputOptions &options) {
  auto blocks = blocksOf(options);
  if (!blocks)
    return blocks.error();
  if (blocks->empty())
    return Unit();
  SmallVector<LayerOp> layers(module.getOps<LayerOp>());
  for (int64_t block : *blocks)
    if (llvm::none_of(layers, [&](LayerOp layer) { return int64_t(layer.getBlock()) == block; }))
      return Error{options.path + ": expected a moe.layer of block " + std::to_string(block) +
                   ", got none; see --layers"};
  for (LayerOp layer : layers)
    if (!llvm::is_contained(*blocks, int64_t(layer.getBlock())))
      layer.erase();
  return Unit();
}

Expected<OwningOpRef<ModuleOp>> mlir::moe::loadInput(MLIRContext &context, const InputOptions &options) {
  if (!options.text && ::moe::isModelInput(options.path))
    return loadDescription(context, options);
  if (!options.dtype.empty())
    return Error{options.path + ": --dtype is for model descriptions; an .mlir says its types itself"};
  auto buffer = readFile(options);
  if (!buffer)
    return buffer.error();
  DiagnosticLine diagnostics(&context);
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(std::move(*buffer), llvm::SMLoc());
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(sources, &context);
  if (!module)
    return diagnostics.error(options.path + ": expected MLIR, got something else");
  if (auto kept = keepBlocks(*module, options); !kept)
    return kept.error();
  if (auto bound = bindCheckpoint(*module, options.checkpoint); !bound)
    return bound.error();
  return module;
}

Expected<std::unique_ptr<llvm::MemoryBuffer>> mlir::moe::loadInputText(MLIRContext &context,
                                                                       const InputOptions &options) {
  if (options.text || !::moe::isModelInput(options.path))
    return readFile(options);
  auto module = loadInput(context, options);
  if (!module)
    return module.error();
  std::string text;
  llvm::raw_string_ostream os(text);
  (*module)->print(os);
  return llvm::MemoryBuffer::getMemBufferCopy(text, options.path);
}
