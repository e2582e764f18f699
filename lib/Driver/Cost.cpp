// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Cost.cpp - bytes and operations of a layer, from its descriptor ------------------------------------===//

#include "moe/Driver/Cost.h"

#include "moe/Codegen/CPU/NumberFormat.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>

using namespace mlir::moe;

int64_t mlir::moe::bytesOf(int32_t dtype) { return dtype == MOE_BF16 || dtype == MOE_F16 ? 2 : 4; }

static const char *nameOf(int32_t dtype) {
  switch (dtype) {
  case MOE_F32:
    return "f32";
  case MOE_BF16:
    return "bf16";
  case MOE_F16:
    return "f16";
  case MOE_I32:
    return "i32";
  }
  return "?";
}

/// Bytes of one expert of a weight; as packed where that is a quantised format's matter, padding included.
static double bytesOf(const moe_weight_desc &weight, double elements) {
  if (weight.dtype != 0)
    return elements * double(bytesOf(weight.dtype));
  const NumberFormat *format = findNumberFormat(weight.format);
  if (!format)
    return elements;
  PanelShape panel{weight.num_sources, weight.panel, weight.sources->cols, weight.k_group};
  int64_t panels = (weight.sources->rows - 1) / weight.panel + 1;
  return double(format->panelBytes(panel)) * double(panels);
}

LayerCost::LayerCost(const moe_layer_desc &layer, const moe_variant_desc &variant)
    : experts(double(layer.experts)), topK(double(layer.top_k)) {
  for (int64_t w = 0; w < variant.num_weights; ++w) {
    const moe_weight_desc &weight = variant.weights[w];
    double elements = 0;
    for (int64_t s = 0; s < weight.num_sources; ++s)
      elements += double(weight.sources[s].rows) * double(weight.sources[s].cols);
    bool ofExperts = weight.experts > 1 && weight.experts == layer.experts;
    (ofExperts ? expertBytes : sharedBytes) += bytesOf(weight, elements);
    (ofExperts ? slotFlops : rowFlops) += 2 * elements;
  }
  auto add = [&](const moe_operand_desc *operands, int64_t count) {
    for (int64_t i = 0; i < count; ++i)
      if (operands[i].shape[0] == -1)
        rowBytes += double(bytesOf(operands[i].dtype)) * (operands[i].rank == 2 ? double(operands[i].shape[1]) : 1.0);
  };
  add(layer.inputs, layer.num_inputs);
  add(layer.outputs, layer.num_outputs);
}

double LayerCost::expectedExperts(double tokens) const {
  return experts <= 0 ? 0 : experts * (1 - std::pow(1 - topK / experts, tokens));
}

std::string mlir::moe::quantityText(double value, const char *unit) {
  static const char *const prefixes[] = {"", "k", "M", "G", "T", "P"};
  int prefix = 0;
  for (; value >= 999.5 && prefix < 5; ++prefix)
    value /= 1000;
  std::string text;
  llvm::raw_string_ostream os(text);
  os << llvm::format(value < 9.995   ? "%.2f"
                     : value < 99.95 ? "%.1f"
                                     : "%.0f",
                     value)
     << " " << prefixes[prefix] << unit;
  return text;
}

static void layerText(const moe_layer_desc &layer, llvm::raw_ostream &os) {
  os << layer.name << ": block " << layer.block << ", E = " << layer.experts << ", K = " << layer.top_k
     << ", D = " << layer.model_width << ", F = " << layer.expert_width << "\n";
  auto operands = [&](const moe_operand_desc *list, int64_t count, const char *kind) {
    for (int64_t i = 0; i < count; ++i) {
      os << "  " << kind << " " << list[i].name << " [T";
      if (list[i].rank == 2)
        os << ", " << list[i].shape[1];
      os << "] " << nameOf(list[i].dtype) << "\n";
    }
  };
  operands(layer.inputs, layer.num_inputs, "input");
  operands(layer.outputs, layer.num_outputs, "output");
  for (int64_t v = 0; v < layer.num_variants; ++v) {
    const moe_variant_desc &variant = layer.variants[v];
    char needs[160];
    moe_cpu_features_string(variant.required_features, needs, sizeof needs);
    LayerCost cost(layer, variant);
    os << "  variant " << variant.level << " (needs " << needs << "), weights "
       << quantityText(cost.sharedBytes + cost.experts * cost.expertBytes, "B") << "\n";
    for (int64_t w = 0; w < variant.num_weights; ++w) {
      const moe_weight_desc &weight = variant.weights[w];
      os << "    weight " << weight.symbol << ": " << weight.experts << " x " << weight.num_sources << " x ["
         << weight.sources[0].rows << ", " << weight.sources[0].cols << "] "
         << (weight.dtype ? nameOf(weight.dtype) : weight.format);
      if (weight.panel)
        os << ", panels of " << weight.panel << " rows, groups of " << weight.k_group;
      else
        os << ", row-major";
      os << "\n";
    }
    os << llvm::formatv("    {0,-6} {1,-10} {2,-12} {3,-12} {4}\n", "T", "experts", "bytes", "flop", "workspace");
    for (int64_t tokens : {1, 16, 128, 1024}) {
      double touched = cost.expectedExperts(double(tokens));
      os << llvm::formatv("    {0,-6} {1,-10:F1} {2,-12} {3,-12} {4}\n", tokens, touched,
                          quantityText(cost.bytes(double(tokens), touched), "B"),
                          quantityText(cost.flops(double(tokens)), "flop"),
                          quantityText(double(variant.workspace_size(tokens)), "B"));
    }
  }
}

std::string mlir::moe::summaryText(const moe_library_desc &library) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << library.compiler;
  if (*library.model_type)
    os << ", model type " << library.model_type;
  if (*library.checkpoint)
    os << ", checkpoint " << library.checkpoint;
  os << "\nexperts: those that T rows reach on average when they pick evenly; bytes: weights of these, rows in and "
        "out\n\n";
  for (int64_t l = 0; l < library.num_layers; ++l)
    layerText(library.layers[l], os);
  return text;
}
