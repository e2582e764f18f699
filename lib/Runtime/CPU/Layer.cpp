// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// Loading a layer: the best variant that this machine runs, then its weights.
//===----------------------------------------------------------------------===//
#include "Error.h"
#include "Library.h"

#include <memory>

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

static moe_status openSource(LibraryState &library, const moe_layer_desc &layer, const moe_load_options &options,
                             std::shared_ptr<const Checkpoint> &checkpoint) {
  std::string path = options.checkpoint ? options.checkpoint : library.desc->checkpoint;
  if (path.empty())
    return fail(
        MOE_INVALID_ARGUMENT,
        "%s: %s: expected a checkpoint folder, got none, and the library names none; give one, or ask for random "
        "weights",
        library.name.c_str(), layer.name);
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

moe_status moe_layer_load(const moe_library *library, int64_t index, const moe_load_options *options,
                          moe_layer **layer) {
  return guard([&] {
    if (layer)
      *layer = nullptr;
    if (!library || !layer)
      return fail(MOE_INVALID_ARGUMENT, "moe_layer_load: library or layer is null");
    LibraryState &state = *library->state;
    if (index < 0 || index >= state.desc->num_layers)
      return fail(MOE_INVALID_ARGUMENT, "%s: expected a layer index from 0 to %lld, got %lld", state.name.c_str(),
                  static_cast<long long>(state.desc->num_layers - 1), static_cast<long long>(index));
    const moe_load_options chosen = options ? *options : moe_load_options{};
    auto loaded = std::make_unique<moe_layer>();
    loaded->library = library->state;
    loaded->desc = &state.desc->layers[index];
    if (moe_status status = chooseVariant(*loaded->desc, loaded->variant))
      return status;

    std::shared_ptr<const Checkpoint> checkpoint;
    int64_t count = loaded->variant->num_weights;
    if (!chosen.random_weights && count > 0)
      if (moe_status status = openSource(state, *loaded->desc, chosen, checkpoint))
        return status;
    WeightSource source{checkpoint.get(), chosen.seed};
    loaded->weights.resize(size_t(count));
    for (int64_t w = 0; w < count; ++w) {
      PackedWeight &weight = loaded->weights[size_t(w)];
      if (moe_status status =
              loadWeight(loaded->variant->weights[w], loaded->desc->name, source, chosen.pool, weight)) {
        if (status == MOE_IO_ERROR)
          state.forgetCheckpoint();
        return status;
      }
      loaded->tables.push_back(weight.experts.data());
    }
    *layer = loaded.release();
    return MOE_OK;
  });
}

void moe_layer_free(moe_layer *layer) { delete layer; }

const moe_layer_desc *moe_layer_info(const moe_layer *layer) { return layer ? layer->desc : nullptr; }

const moe_variant_desc *moe_layer_variant(const moe_layer *layer) { return layer ? layer->variant : nullptr; }
