// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// What a packed file was packed for, as text: everything that its bytes follow from. Two loads that would pack the same
// bytes describe them by the same text, and others by another.
//===----------------------------------------------------------------------===//
#include "Error.h"
#include "Layout.h"
#include "NumberFormat.h"
#include "PackedFile.h"
#include "Weights.h"
#include "moe/Checkpoint/Fingerprint.h"
#include "moe/Checkpoint/Text.h"

#include <algorithm>
#include <cstring>

#define XXH_INLINE_ALL
#include <xxhash.h>

using namespace moe;

static std::string number(int64_t value) { return std::to_string(value); }

static std::string text(const char *value) { return oneLine(value ? value : ""); }

static const char *dtypeText(int32_t dtype) {
  switch (dtype) {
  case MOE_F32:
    return "f32";
  case MOE_BF16:
    return "bf16";
  case MOE_F16:
    return "f16";
  }
  return "own";
}

/// A checksum over a few values packed in this layout: some panels and blocks, the last of each incomplete. Bytes
/// depend on the code that packs as well, which may be another the next time: this notices, where nobody thought of
/// raising the version.
static std::string sample(const Layout &whole) {
  Layout layout = whole;
  layout.rows = layout.panel + 3;
  layout.cols = 2 * std::max<int64_t>(layout.kGroup, 128) + 5; // no block of a format is longer
  if (layout.panel > 4096 || layout.kGroup > 4096)             // no kernel has such; nothing to be sampled in no time
    return "-";
  std::vector<float> values(size_t(layout.rows * layout.cols));
  std::vector<char> packed(size_t(packedBytes(layout))), converted(values.size() * 4);
  for (int64_t s = 0; s < layout.sources; ++s) {
    randomElements(uint64_t(s), layout.cols, 0, int64_t(values.size()), values.data());
    if (layout.format) {
      packRounded(layout, s, 0, layout.rows, values.data(), layout.cols, 1, packed.data());
      continue;
    }
    // f16 values differ from bf16 ones, but how either is rounded is fixed: the place of an element is what may change.
    convertElements(MOE_F32, values.data(), layout.elementBytes == 4 ? MOE_F32 : MOE_BF16, converted.data(),
                    int64_t(values.size()));
    packPiece(layout, s, 0, layout.rows, 0, layout.cols, converted.data(), layout.cols, 1, packed.data());
  }
  return std::to_string(XXH3_64bits(packed.data(), packed.size()));
}

static std::string describe(const moe_weight_desc &weight) {
  Layout layout;
  layoutOf(weight, layout);
  WeightPlaces places = placesOf(weight);
  std::string lines = "weight " + text(weight.symbol) + " experts " + number(weight.experts) + " places " +
                      number(places.count) + " bytes " + number(places.bytes) + " panel " + number(weight.panel) +
                      " k_group " + number(weight.k_group) + " dtype " + dtypeText(weight.dtype) + " format " +
                      (weight.format && *weight.format ? text(weight.format) : "-") + " sample " + sample(layout) +
                      "\n";
  for (int64_t i = 0; i < weight.num_unused; ++i)
    lines += "unused " + number(weight.unused[i].begin) + " to " + number(weight.unused[i].end - 1) + "\n";
  for (int64_t s = 0; s < weight.num_sources; ++s) {
    const moe_source_desc &from = weight.sources[s];
    lines += "source " + text(from.name) + " rows " + number(from.rows) + " cols " + number(from.cols) + " begin " +
             number(from.row_begin) + " step " + number(from.row_step) + " stored_rows " + number(from.stored_rows) +
             " transposed " + number(from.transposed) + "\n";
  }
  return lines;
}

moe_status moe::packedContents(const moe_library_desc &library, const moe_layer_desc &layer,
                               const moe_variant_desc &variant, const moe_load_options &options,
                               const std::string &checkpoint, PackedContents &contents) {
  contents.owner = "packed weights of moe-mlir\nmodel " + text(library.model_type) + "\nlayer " + text(layer.name) +
                   " experts " + number(layer.experts) + " top_k " + number(layer.top_k) + " width " +
                   number(layer.model_width) + " expert_width " + number(layer.expert_width) + "\n";
  std::string &details = contents.details;
  details = "level " + text(variant.level) + " layout " + number(layoutVersion) + "\n";
  if (options.random_weights) {
    details += "from seed " + std::to_string(options.seed) + "\n";
  } else {
    auto files = fingerprint(checkpoint);
    if (!files)
      return fail(MOE_IO_ERROR, "%s", files.message().c_str());
    // A digest that nobody compared is none.
    details += "digest " + std::string(options.check_digest && *library.digest ? text(library.digest) : "-") + "\n";
    details += *files;
  }
  int64_t all = 0;
  for (int64_t w = 0; w < variant.num_weights; ++w) {
    details += describe(variant.weights[w]);
    int64_t bytes = placesOf(variant.weights[w]).allBytes();
    contents.bytes.push_back(bytes);
    if (__builtin_add_overflow(all, bytes, &all) || all > (INT64_C(1) << 62))
      return fail(MOE_OUT_OF_MEMORY, "%s: the packed weights would exceed 62 bits", layer.name);
  }
  return MOE_OK;
}
