// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// Opening a generated library, or wrapping a descriptor in memory: after this the descriptor's shape is believed.
//===----------------------------------------------------------------------===//
#include "Library.h"

#include "Error.h"
#include "Layout.h"
#include "NumberFormat.h"

#include <dlfcn.h>
#include <new>
#include <unistd.h>

using namespace moe;

LibraryState::LibraryState(void *handle, const moe_library_desc *desc, std::string name)
    : desc(desc), name(std::move(name)), handle(handle) {}

LibraryState::~LibraryState() {
  delete spare.load();
  if (handle)
    dlclose(handle);
}

moe_status LibraryState::openCheckpoint(const std::string &path, std::shared_ptr<const Checkpoint> &result) {
  std::lock_guard<std::mutex> guard(lock);
  if (!checkpoint || checkpoint->path() != path) {
    if (access(path.c_str(), R_OK) != 0)
      return fail(MOE_IO_ERROR, "%s: expected a checkpoint folder that can be read, got: %m", path.c_str());
    Expected<std::unique_ptr<Checkpoint>> opened = Checkpoint::open(path);
    if (!opened)
      return fail(MOE_CHECKPOINT_ERROR, "%s", opened.message().c_str());
    checkpoint = std::move(*opened);
  }
  result = checkpoint;
  return MOE_OK;
}

void LibraryState::forgetCheckpoint() {
  std::lock_guard<std::mutex> guard(lock);
  checkpoint.reset();
}

std::unique_ptr<Block> LibraryState::takeWorkspace(size_t bytes) {
  std::unique_ptr<Block> block(spare.exchange(nullptr));
  if (!block || block->bytes() < bytes) {
    block.reset(); // first, so that never both are held
    block = std::make_unique<Block>(bytes);
  }
  return block;
}

void LibraryState::keepWorkspace(std::unique_ptr<Block> block) { delete spare.exchange(block.release()); }

static bool operandsOk(const moe_operand_desc *operands, int64_t count) {
  if (count < 0 || count > maxOperands || (count > 0 && !operands))
    return false;
  for (int64_t i = 0; i < count; ++i) {
    const moe_operand_desc &operand = operands[i];
    if (!operand.name || operand.rank < 1 || operand.rank > 2 || !dtypeBytes(operand.dtype) || operand.shape[0] < -1 ||
        (operand.rank == 2 && operand.shape[1] < 0))
      return false;
  }
  return true;
}

/// What is wrong with the descriptor, or null. A generated library is code and could do anything; this only turns a
/// mistake of its generator into a message.
static const char *descriptorFault(const moe_library_desc &desc) {
  if (!desc.compiler || !desc.model_type || !desc.checkpoint || !desc.digest)
    return "a text is null";
  if (desc.num_layers < 0 || (desc.num_layers > 0 && !desc.layers))
    return "the list of layers is null";
  for (int64_t l = 0; l < desc.num_layers; ++l) {
    const moe_layer_desc &layer = desc.layers[l];
    if (!layer.name || !operandsOk(layer.inputs, layer.num_inputs) || !operandsOk(layer.outputs, layer.num_outputs))
      return "a layer's operands are malformed";
    if (layer.num_variants < 1 || !layer.variants)
      return "a layer has no variant";
    for (int64_t v = 0; v < layer.num_variants; ++v) {
      const moe_variant_desc &variant = layer.variants[v];
      if (!variant.level || !variant.run || !variant.workspace_size || variant.num_weights < 0 ||
          (variant.num_weights > 0 && !variant.weights))
        return "a layer's variant is malformed";
      for (int64_t w = 0; w < variant.num_weights; ++w) {
        Layout layout;
        const char *format = variant.weights[w].format;
        if (format && *format && !findNumberFormat(format))
          return "a layer's weight is in a number format that this runtime does not have; use the runtime that the "
                 "compiler came with";
        if (!variant.weights[w].symbol || !layoutOf(variant.weights[w], layout))
          return "a layer's weight is malformed";
      }
    }
  }
  return nullptr;
}

static moe_status adopt(void *handle, const moe_library_desc *desc, const std::string &name, moe_library **library) {
  // The state owns the handle from here on, also when a check fails.
  auto state = std::make_shared<LibraryState>(handle, desc, name);
  if (!desc)
    return fail(MOE_INVALID_ARGUMENT, "%s: expected a library descriptor, got null", name.c_str());
  if (desc->abi_version != MOE_ABI_VERSION)
    return fail(MOE_ABI_MISMATCH, "%s: expected ABI version %d, got %lld; compile the model again", name.c_str(),
                MOE_ABI_VERSION, static_cast<long long>(desc->abi_version));
  if (const char *fault = descriptorFault(*desc))
    return fail(MOE_INVALID_ARGUMENT, "%s: malformed library descriptor: %s", name.c_str(), fault);
  *library = new moe_library{std::move(state)};
  return MOE_OK;
}

moe_status moe_library_open(const char *path, moe_library **library) {
  return guard([&] {
    if (library)
      *library = nullptr;
    if (!path || !library)
      return fail(MOE_INVALID_ARGUMENT, "moe_library_open: path or library is null");
    // A bare file name would be looked for in the system's folders.
    std::string file = path;
    if (file.find('/') == std::string::npos)
      file = "./" + file;
    if (access(file.c_str(), R_OK) != 0)
      return fail(MOE_IO_ERROR, "%s: expected a shared library that can be read, got: %m", path);
    void *handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!handle)
      return fail(MOE_IO_ERROR, "%s: cannot be opened as a shared library: %s", path, dlerror());
    auto entry = reinterpret_cast<moe_library_fn>(dlsym(handle, MOE_LIBRARY_SYMBOL));
    if (!entry) {
      dlclose(handle);
      return fail(MOE_INVALID_ARGUMENT,
                  "%s: expected the symbol " MOE_LIBRARY_SYMBOL ", got none; write the library with "
                  "moe-compile --emit=shared",
                  path);
    }
    return adopt(handle, entry(), path, library);
  });
}

moe_status moe_library_wrap(const moe_library_desc *desc, moe_library **library) {
  return guard([&] {
    if (library)
      *library = nullptr;
    if (!desc || !library)
      return fail(MOE_INVALID_ARGUMENT, "moe_library_wrap: desc or library is null");
    return adopt(nullptr, desc, "library", library);
  });
}

void moe_library_close(moe_library *library) { delete library; }

const moe_library_desc *moe_library_info(const moe_library *library) {
  return library ? library->state->desc : nullptr;
}
