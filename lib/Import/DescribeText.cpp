// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A model description in words.
#include "moe/Checkpoint/Text.h"
#include "moe/Import/ModelDescription.h"

#include <cstdio>

using namespace moe;

static std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

/// 1234567 becomes "1.23 M": three digits that can be compared at a glance.
static std::string quantity(int64_t value, const char *unit) {
  static const char *const prefixes[] = {"", "k", "M", "G", "T", "P", "E"};
  double scaled = double(value);
  size_t prefix = 0;
  while (scaled >= 999.5 && prefix < 6) {
    scaled /= 1000;
    ++prefix;
  }
  char text[48];
  std::snprintf(text, sizeof text, prefix == 0 ? "%.0f %s%s" : "%.3g %s%s", scaled, prefixes[prefix], unit);
  return text;
}

static std::string_view scoreName(ScoreFunction score) {
  switch (score) {
  case ScoreFunction::Softmax:
    return "softmax";
  case ScoreFunction::Sigmoid:
    return "sigmoid";
  case ScoreFunction::SqrtSoftplus:
    return "sqrt(softplus)";
  case ScoreFunction::Identity:
    return "the logit";
  case ScoreFunction::One:
    return "one";
  }
  return "";
}

static std::string precisionName(Precision precision, DType dtype) {
  return formatName(precision == Precision::F32 ? DType::F32 : dtype);
}

static std::string routerText(const BlockDescription &block, DType dtype) {
  const RouterDescription &router = block.router;
  std::string text = "logits in " + precisionName(router.projection, dtype);
  if (router.bias)
    text += " with bias";
  if (router.logitScale != 1.0)
    text += " * " + number(router.logitScale);
  if (router.softcap != 0.0)
    text += ", capped at " + number(router.softcap);

  std::string score = std::string(scoreName(router.score));
  if (router.over == NormalizeOver::All)
    score += " over all experts";
  else if (router.over == NormalizeOver::Selected)
    score += " over the selected experts";
  else if (router.over == NormalizeOver::Group)
    score += " over the experts of a group";
  score += " in " + precisionName(router.scores, dtype);

  std::string top = "the " + std::to_string(block.topK) + " best";
  if (router.groups)
    top += " within the " + std::to_string(router.groups->keep) + " best of " + std::to_string(router.groups->count) +
           " groups";
  if (router.selectionBias)
    top += " (with a bias for the choice)";
  text += router.rank == RankBy::Scores ? "; " + score + "; " + top : "; " + top + " logits; " + score;
  if (router.renormalize)
    text += "; renormalised";
  if (router.scale != 1.0)
    text +=
        std::string("; ") + (router.scaleOn == ScaleOn::Weight ? "weights" : "output") + " * " + number(router.scale);
  text += "; weights in " + precisionName(router.output, dtype);
  if (router.weightOn == WeightOn::Input)
    text += ", on the experts' input";
  return text;
}

static std::string bodyText(const FeedForwardDescription &body) {
  std::string act = std::string(activationName(body.activation));
  if (body.sigmoidAlpha != 1.0)
    act += "[" + number(body.sigmoidAlpha) + "]";
  std::string gate = body.gateLimit != 0.0 ? "min(gate(x), " + number(body.gateLimit) + ")" : "gate(x)";
  std::string up = body.upLimit != 0.0 ? "clamp(up(x), " + number(body.upLimit) + ")" : "up(x)";
  if (body.upOffset != 0.0)
    up = "(" + up + " + " + number(body.upOffset) + ")";
  std::string text = body.gate ? "down(" + act + "(" + gate + ") * " + up + ")" : "down(" + act + "(" + up + "))";
  return body.upBias ? text + " with biases" : text;
}

/// Do two blocks differ in nothing but their place in the model?
static bool sameShape(const BlockDescription &a, const BlockDescription &b) {
  return a.experts == b.experts && a.topK == b.topK && a.modelWidth == b.modelWidth &&
         a.expertWidth() == b.expertWidth() && a.shared.size() == b.shared.size() &&
         routerText(a, DType::F32) == routerText(b, DType::F32) && bodyText(a.body) == bodyText(b.body);
}

std::string moe::describeText(const ModelDescription &model) {
  std::string text;
  auto line = [&](const char *label, const std::string &value) {
    text += label + std::string(12 - std::char_traits<char>::length(label), ' ') + value + "\n";
  };
  std::string format = formatName(model.dtype);
  line("model", model.modelType + ", " + std::to_string(model.blocks.size()) + " MoE blocks in " +
                    std::to_string(model.layers) + " layers, " + format);
  line("weights", model.checkpoint.empty() ? "none (no *.safetensors)" : printable(model.checkpoint));

  for (size_t first = 0; first < model.blocks.size();) {
    const BlockDescription &block = model.blocks[first];
    size_t last = first;
    while (last + 1 < model.blocks.size() && sameShape(block, model.blocks[last + 1]))
      ++last;
    auto range = [&](int64_t a, int64_t b) { return std::to_string(a) + (a == b ? "" : "-" + std::to_string(b)); };
    line("blocks", "moe" + range(block.index, model.blocks[last].index) + " (layers " +
                       range(block.layer, model.blocks[last].layer) + ")");
    line("  shape", "E = " + std::to_string(block.experts) + " experts, K = " + std::to_string(block.topK) +
                        " per token, D = " + std::to_string(block.modelWidth) +
                        ", F = " + std::to_string(block.expertWidth()));
    line("  router", routerText(block, model.dtype));
    line("  experts", bodyText(block.body));
    for (const SharedExpertDescription &expert : block.shared)
      line("  shared",
           "F = " + std::to_string(expert.body.width) + ", " + bodyText(expert.body) + (expert.gate ? ", gated" : ""));
    BlockCost cost = costOf(block, model.dtype);
    line("  tensors", block.body.up.source);
    line("  weights", quantity(cost.weightBytes, "B") + " a block (" + std::to_string(cost.weightBytes) + " bytes)");
    line("  per token", quantity(cost.activeBytes, "B") + " of weights (" + std::to_string(cost.activeBytes) +
                            " bytes), " + quantity(cost.flops, "FLOP") + " (" + std::to_string(cost.flops) + ")");
    first = last + 1;
  }
  return text;
}
