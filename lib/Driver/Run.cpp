// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Run.cpp - a compiled layer, from a file or from memory, ready to be called -------------------------===//

#include "moe/Driver/Run.h"

#include "moe/Dialect/MoE/IR/MoE.h"
#include "moe/Driver/Emit.h"
#include "moe/Driver/ProgressBar.h"

#include "llvm/Support/Path.h"

using namespace mlir;
using namespace mlir::moe;
using ::moe::Error;

::moe::Error mlir::moe::runtimeError() { return {moe_last_error()}; }

bool mlir::moe::isLibrary(const std::string &path) { return llvm::sys::path::extension(path) == ".so"; }

Expected<Pool> mlir::moe::makePool(int threads) {
  moe_pool *pool = nullptr;
  if (moe_pool_create(threads, &pool) != MOE_OK)
    return runtimeError();
  return Pool(pool);
}

/// The layer by its block, so that a library of some blocks keeps the model's numbers.
Expected<Unit> Program::choose(const RunOptions &options) {
  const moe_library_desc &all = library();
  if (all.num_layers == 0)
    return Error{options.input.path + ": expected at least one layer, got none"};
  for (int64_t i = 0; i < all.num_layers; ++i)
    if (options.layer < 0 || all.layers[i].block == options.layer) {
      desc = &all.layers[i];
      index = i;
      return Unit();
    }
  std::string blocks;
  for (int64_t i = 0; i < all.num_layers; ++i)
    blocks += (i ? ", " : "") + std::to_string(all.layers[i].block);
  return Error{options.input.path + ": --layer: expected one of the blocks " + blocks + ", got " +
               std::to_string(options.layer)};
}

static Expected<std::unique_ptr<JitLibrary>> compile(MLIRContext &context, const RunOptions &options, bool reference,
                                                     bool &roundsRows) {
  InputOptions input = options.input;
  input.needsWeights = !input.randomWeights && input.checkpoint.empty();
  if (options.layer >= 0)
    input.layers = std::to_string(options.layer);
  auto module = loadInput(context, input);
  if (!module)
    return module.error();
  roundsRows = (**module).walk([](RoundRowsOp) { return WalkResult::interrupt(); }).wasInterrupted();
  CompileOptions compile;
  compile.cpu = options.cpu;
  compile.reference = reference;
  // They are the optimised path's.
  if (!reference)
    compile.withoutPasses = options.withoutPasses;
  auto code = compileInput(**module, compile, options.dumpFolder);
  if (!code)
    return inInput(input.path, code.error());
  auto object = (*code)->object();
  if (!object)
    return toError(object.takeError());
  auto jit = JitLibrary::load(std::move(*object));
  if (!jit)
    return inInput(input.path, toError(jit.takeError()));
  return std::move(*jit);
}

Expected<std::unique_ptr<Program>> Program::open(MLIRContext &context, const RunOptions &options, bool reference) {
  std::unique_ptr<Program> program(new Program());
  program->reference = reference;
  moe_library *library = nullptr;
  moe_status status;
  if (isLibrary(options.input.path)) {
    if (reference)
      return Error{options.input.path + ": expected a model description or .mlir, got a compiled library, which has no "
                                        "reference lowering; give what it was compiled from"};
    if (!options.input.dtype.empty() || !options.dumpFolder.empty() || !options.withoutPasses.empty())
      return Error{options.input.path +
                   ": --dtype, --dump-stages and --without-pass are for compiling, got a compiled library"};
    status = moe_library_open(options.input.path.c_str(), &library);
  } else {
    auto code = compile(context, options, reference, program->rowsAreRounded);
    if (!code)
      return code.error();
    program->code = std::move(*code);
    status = moe_library_wrap(program->code->descriptor(), &library);
  }
  if (status != MOE_OK)
    return runtimeError();
  program->opened.reset(library);
  if (auto chosen = program->choose(options); !chosen)
    return chosen.error();
  return program;
}

Expected<LoadedLayer> Program::load(const RunOptions &options, moe_pool *pool, uint64_t copy) const {
  moe_load_options load = {};
  load.checkpoint = options.input.checkpoint.empty() ? nullptr : options.input.checkpoint.c_str();
  load.random_weights = options.input.randomWeights;
  load.seed = options.seed + copy;
  load.check_digest = 1;
  load.pool = pool;
  // Each copy has memory of its own, and the reference lowering another layout.
  load.packed = options.packed.empty() || copy > 0 || reference ? nullptr : options.packed.c_str();
  load.verify_packed = options.verifyPacked;
  ProgressBar bar(std::string(desc->name) + ": packing weights");
  load.progress = ProgressBar::report;
  load.progress_data = &bar;
  moe_layer *layer = nullptr;
  if (moe_layer_load(opened.get(), index, &load, &layer) != MOE_OK)
    return runtimeError();
  return LoadedLayer(layer);
}

std::string mlir::moe::packedText(const moe_layer *layer, const RunOptions &options) {
  const char *reason;
  switch (moe_layer_packed(layer, &reason)) {
  case MOE_PACKED_MAPPED:
    return "packed weights mapped from " + options.packed + "\n";
  case MOE_PACKED_WRITTEN:
    return "packed weights written to " + options.packed + "\n";
  case MOE_PACKED_REPLACED:
    return "packed weights written to " + options.packed + " anew; it was " + reason + "\n";
  case MOE_PACKED_NONE:
    break;
  }
  return {};
}

Expected<std::vector<Tensor>> mlir::moe::runLayer(const moe_layer *layer, std::vector<Tensor> &inputs, moe_pool *pool) {
  const moe_layer_desc &desc = *moe_layer_info(layer);
  std::vector<Tensor> outputs;
  std::vector<moe_tensor> views;
  for (int64_t i = 0; i < desc.num_outputs; ++i) {
    const moe_operand_desc &out = desc.outputs[i];
    int64_t rows = out.shape[0] == -1 ? inputs.front().rows : out.shape[0];
    outputs.emplace_back(out.name, out.dtype, out.rank, rows, out.rank == 2 ? out.shape[1] : 1);
    views.push_back(outputs.back().view());
  }
  std::vector<moe_tensor> in;
  for (Tensor &input : inputs)
    in.push_back(input.view());
  if (moe_layer_run(layer, in.data(), views.data(), nullptr, 0, pool) != MOE_OK)
    return runtimeError();
  return outputs;
}

static Expected<Tensor> readRows(const moe_operand_desc &input, const std::string &file, const std::string &name) {
  auto rows = readTensor(file, name, input.dtype);
  if (rows && rows->cols != input.shape[1])
    return Error{file + ": tensor '" + rows->name + "': expected rows of " + std::to_string(input.shape[1]) +
                 " elements, got " + std::to_string(rows->cols) + "; choose another --tensor or --layer"};
  return rows;
}

Expected<std::vector<Tensor>> mlir::moe::inputRows(const moe_layer_desc &layer, const std::string &file,
                                                   const std::string &names, int64_t tokens, uint64_t seed) {
  SmallVector<StringRef> list;
  StringRef(names).split(list, ',');
  if (!file.empty() && int64_t(list.size()) != layer.num_inputs)
    return Error{file + ": --tensor: expected the names of " + std::to_string(layer.num_inputs) + " tensors, got '" +
                 names + "'"};
  std::vector<Tensor> inputs;
  for (int64_t i = 0; i < layer.num_inputs; ++i) {
    const moe_operand_desc &input = layer.inputs[i];
    if (input.rank != 2)
      return Error{std::string(layer.name) + ": expected inputs of rows, got a vector; running it is not there yet"};
    if (file.empty() && input.dtype == MOE_I32)
      return Error{std::string(layer.name) + ": " + input.name +
                   ": there are no random rows of integers; give an --input"};
    if (file.empty()) {
      // Different numbers for each input, and for one input those that there always were.
      inputs.push_back(randomTensor(input.name, input.dtype, tokens, input.shape[1], seed + uint64_t(i) * 7919));
      continue;
    }
    auto rows = readRows(input, file, list[size_t(i)].str());
    if (!rows)
      return rows.error();
    inputs.push_back(std::move(*rows));
  }
  return inputs;
}
