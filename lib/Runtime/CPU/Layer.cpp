// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// Loading a layer: the best variant that this machine runs, then its weights, packed now or before.
//===----------------------------------------------------------------------===//
#include "Error.h"
#include "Layout.h"
#include "Library.h"

#include <memory>
#include <numeric>

using namespace moe;

static moe_status chooseVariant(const moe_layer_desc &layer, const moe_variant_desc *&chosen) {
  uint64_t have = moe_cpu_features();
  std::string levels;
  for (int64_t v = 0; v < layer.num_variants; ++v) {
    const moe_variant_desc &variant = layer.variants[v];
    if ((variant.required_features & ~have) == 0) {
      chosen = &variant;
      return MOE_OK;
    }
    char needs[160];
    moe_cpu_features_string(variant.required_features, needs, sizeof needs);
    levels += (v ? ", " : "") + std::string(variant.level) + " (" + needs + ")";
  }
  char there[160];
  moe_cpu_features_string(have, there, sizeof there);
  const char *advice = have & MOE_CPU_AVX512_BF16 ? "compile again with --cpu=avx512-bf16"
                       : have & MOE_CPU_AVX512    ? "compile again with --cpu=x86-64-v4"
                       : have & MOE_CPU_AVX2_FMA  ? "compile again with --cpu=x86-64-v3"
                                                  : "a processor with AVX2 and FMA is needed";
  return fail(MOE_UNSUPPORTED_CPU, "%s: built for %s; this machine has %s; %s", layer.name, levels.c_str(), there,
              advice);
}

/// The folder that weights come from; left empty where they are random, or where there is none to load.
static moe_status checkpointPath(const LibraryState &library, const moe_layer &layer, const moe_load_options &options,
                                 std::string &path) {
  if (options.random_weights || layer.variant->num_weights == 0)
    return MOE_OK;
  path = options.checkpoint ? options.checkpoint : library.desc->checkpoint;
  if (!path.empty())
    return MOE_OK;
  return fail(MOE_INVALID_ARGUMENT,
              "%s: %s: expected a checkpoint folder, got none, and the library names none; give one, or ask for random "
              "weights",
              library.name.c_str(), layer.desc->name);
}

static moe_status openSource(LibraryState &library, const moe_load_options &options, const std::string &path,
                             std::shared_ptr<const Checkpoint> &checkpoint) {
  if (moe_status status = library.openCheckpoint(path, checkpoint))
    return status;
  if (!options.check_digest || !*library.desc->digest)
    return MOE_OK;
  std::string digest = checkpoint->digest();
  if (digest != library.desc->digest)
    return fail(
        MOE_CHECKPOINT_ERROR,
        "%s: expected the checkpoint that %s was compiled for (digest of the headers %.12s), got another (%.12s); "
        "give that one or compile again",
        path.c_str(), library.name.c_str(), library.desc->digest, digest.c_str());
  return MOE_OK;
}

static moe_status packFrom(const Checkpoint *checkpoint, const moe_load_options &options, Progress &progress,
                           moe_layer &layer) {
  WeightSource source{checkpoint, options.seed};
  for (size_t w = 0; w < layer.weights.size(); ++w)
    if (moe_status status =
            loadWeight(layer.variant->weights[w], layer.desc->name, source, options.pool, progress, layer.weights[w]))
      return status;
  return MOE_OK;
}

/// Reads and packs all weights.
static moe_status packWeights(LibraryState &state, const moe_load_options &options, const std::string &path,
                              Progress &progress, moe_layer &layer) {
  std::shared_ptr<const Checkpoint> checkpoint;
  if (!path.empty())
    if (moe_status status = openSource(state, options, path, checkpoint))
      return status;
  moe_status status = packFrom(checkpoint.get(), options, progress, layer);
  if (status == MOE_IO_ERROR)
    state.forgetCheckpoint();
  return status;
}

/// Maps the packed file if there is one for this very layer; otherwise packs the weights and writes one.
static moe_status loadPacked(LibraryState &state, const moe_load_options &options, const std::string &path,
                             moe_layer &layer) {
  const std::string file = options.packed;
  if (file.empty())
    return fail(MOE_INVALID_ARGUMENT, "%s: expected the name of a packed file, got an empty one", layer.desc->name);
  PackedContents contents;
  if (moe_status status = packedContents(*state.desc, *layer.desc, *layer.variant, options, path, contents))
    return status;
  if (moe_status status =
          mapPackedFile(file, contents, options.verify_packed, options.pool, layer.packedFile, layer.packedReason))
    return status;
  if (const char *start = layer.packedFile.data()) {
    for (size_t w = 0; w < layer.weights.size(); ++w)
      pointAtExperts(layer.variant->weights[w], start + contents.offsetOf(w), layer.weights[w]);
    layer.packed = MOE_PACKED_MAPPED;
    return MOE_OK;
  }
  PackedFileWriter writer;
  if (moe_status status = writer.open(file))
    return status;
  int64_t bytes = std::accumulate(contents.bytes.begin(), contents.bytes.end(), int64_t(0));
  Progress progress(options.progress, options.progress_data, 2 * bytes); // packed, then written
  if (moe_status status = packWeights(state, options, path, progress, layer))
    return status;
  std::vector<const char *> starts;
  for (const PackedWeight &weight : layer.weights)
    starts.push_back(weight.memory.data());
  layer.packed = layer.packedReason.empty() ? MOE_PACKED_WRITTEN : MOE_PACKED_REPLACED;
  return writer.write(contents, starts, options.pool, progress);
}

/// A layer with its variant and places for its weights, which have their tables of pointers once they are loaded.
static moe_status beginLayer(const moe_library *library, int64_t index, moe_layer **result,
                             std::unique_ptr<moe_layer> &layer) {
  if (result)
    *result = nullptr;
  if (!library || !result)
    return fail(MOE_INVALID_ARGUMENT, "moe_layer_load: library or layer is null");
  LibraryState &state = *library->state;
  if (index < 0 || index >= state.desc->num_layers)
    return fail(MOE_INVALID_ARGUMENT, "%s: expected a layer index from 0 to %lld, got %lld", state.name.c_str(),
                static_cast<long long>(state.desc->num_layers - 1), static_cast<long long>(index));
  layer = std::make_unique<moe_layer>();
  layer->library = library->state;
  layer->desc = &state.desc->layers[index];
  if (moe_status status = chooseVariant(*layer->desc, layer->variant))
    return status;
  layer->weights.resize(size_t(layer->variant->num_weights));
  return MOE_OK;
}

static void finishLayer(std::unique_ptr<moe_layer> layer, moe_layer **result) {
  for (const PackedWeight &weight : layer->weights)
    layer->tables.push_back(weight.experts.data());
  *result = layer.release();
}

static moe_status packedBytesOf(const moe_layer &layer, int64_t &bytes) {
  bytes = 0;
  for (size_t w = 0; w < layer.weights.size(); ++w)
    if (__builtin_add_overflow(bytes, placesOf(layer.variant->weights[w]).allBytes(), &bytes))
      return fail(MOE_OUT_OF_MEMORY, "%s: the packed weights would exceed 63 bits", layer.desc->name);
  return MOE_OK;
}

moe_status moe_layer_load(const moe_library *library, int64_t index, const moe_load_options *options,
                          moe_layer **layer) {
  return guard([&] {
    std::unique_ptr<moe_layer> loaded;
    if (moe_status status = beginLayer(library, index, layer, loaded))
      return status;
    LibraryState &state = *library->state;
    const moe_load_options chosen = options ? *options : moe_load_options{};
    std::string path;
    if (moe_status status = checkpointPath(state, *loaded, chosen, path))
      return status;
    moe_status status;
    if (chosen.packed && !loaded->weights.empty()) {
      status = loadPacked(state, chosen, path, *loaded);
    } else {
      int64_t bytes;
      if (moe_status overflow = packedBytesOf(*loaded, bytes))
        return overflow;
      Progress progress(chosen.progress, chosen.progress_data, bytes);
      status = packWeights(state, chosen, path, progress, *loaded);
    }
    if (status)
      return status;
    finishLayer(std::move(loaded), layer);
    return MOE_OK;
  });
}

static moe_status tensorsOf(const moe_named_tensor *tensors, int64_t count, std::vector<MemoryTensor> &result) {
  if (count < 0 || (count > 0 && !tensors))
    return fail(MOE_INVALID_ARGUMENT, "moe_layer_load_tensors: tensors is null");
  for (int64_t i = 0; i < count; ++i) {
    const moe_named_tensor &tensor = tensors[i];
    if (!tensor.name || tensor.rank < 0 || tensor.rank > int64_t(maxRank) || (tensor.rank > 0 && !tensor.shape))
      return fail(MOE_INVALID_ARGUMENT, "moe_layer_load_tensors: tensor %lld has no name or shape",
                  static_cast<long long>(i));
    if (!dtypeBytes(tensor.dtype))
      return fail(MOE_INVALID_ARGUMENT, "moe_layer_load_tensors: tensor '%s': expected a moe_dtype, got %d",
                  tensor.name, tensor.dtype);
    result.push_back({tensor.name, DType(tensor.dtype), std::vector<int64_t>(tensor.shape, tensor.shape + tensor.rank),
                      tensor.data});
  }
  return MOE_OK;
}

moe_status moe_layer_load_tensors(const moe_library *library, int64_t index, const moe_named_tensor *tensors,
                                  int64_t count, const moe_load_options *options, moe_layer **layer) {
  return guard([&] {
    std::unique_ptr<moe_layer> loaded;
    if (moe_status status = beginLayer(library, index, layer, loaded))
      return status;
    const moe_load_options chosen = options ? *options : moe_load_options{};
    if (chosen.checkpoint || chosen.random_weights || chosen.packed)
      return fail(MOE_INVALID_ARGUMENT,
                  "%s: moe_layer_load_tensors: expected no checkpoint, random weights or packed file beside tensors in "
                  "memory",
                  loaded->desc->name);
    std::vector<MemoryTensor> given;
    if (moe_status status = tensorsOf(tensors, count, given))
      return status;
    auto source = Checkpoint::inMemory(given);
    if (!source)
      return fail(MOE_INVALID_ARGUMENT, "%s: %s", loaded->desc->name, source.message().c_str());
    int64_t bytes;
    if (moe_status status = packedBytesOf(*loaded, bytes))
      return status;
    Progress progress(chosen.progress, chosen.progress_data, bytes);
    if (moe_status status = packFrom(source->get(), chosen, progress, *loaded))
      return status;
    finishLayer(std::move(loaded), layer);
    return MOE_OK;
  });
}

void moe_layer_free(moe_layer *layer) { delete layer; }

const moe_layer_desc *moe_layer_info(const moe_layer *layer) { return layer ? layer->desc : nullptr; }

const moe_variant_desc *moe_layer_variant(const moe_layer *layer) { return layer ? layer->variant : nullptr; }

moe_packed moe_layer_packed(const moe_layer *layer, const char **reason) {
  if (reason)
    *reason = layer ? layer->packedReason.c_str() : "";
  return layer ? layer->packed : MOE_PACKED_NONE;
}
