// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Llama 4, the text model: MoE blocks in a list of layers or in every so many, beside a shared expert. The K best
// logits, in the model's format; their sigmoid, rounded to that format, multiplies the experts' input. Gate and up are
// halves of one tensor, and matrices are stored transposed.
#include "Layouts.h"
#include "moe/Import/ModelFamily.h"

#include <algorithm>

using namespace moe;

namespace {

class Llama4Family : public ModelFamily {
public:
  std::vector<std::string_view> names() const override { return {"llama4_text"}; }
  std::string_view summary() const override {
    return "top-k logits, their sigmoid weighs the input; gated and shared experts";
  }

  Expected<ModelDescription> describe(const Config &config, const Checkpoint *) const override {
    ConfigReader reader(config);
    ModelDescription model;
    model.dtype = reader.dtype();
    model.layers = reader.layers();
    BlockDescription block;
    block.experts = reader.experts({"num_local_experts", "num_experts"});
    block.topK = reader.topK({"num_experts_per_tok"}, {"num_local_experts", "num_experts"}, block.experts, 1);
    block.modelWidth = reader.modelWidth();
    block.body.width = reader.integer({"intermediate_size"}, 1, maxWidth / 2);
    block.body.activation = reader.activation();
    block.router.score = ScoreFunction::Sigmoid;
    block.router.rank = RankBy::Logits;
    block.router.over = NormalizeOver::Each;
    block.router.weightOn = WeightOn::Input;
    block.router.output = Precision::Model;
    int64_t step = reader.integer({"interleave_moe_layer_step"}, 1, maxLayers, 1);
    std::vector<int64_t> listed = reader.integers({"moe_layers"});
    if (!reader.ok())
      return reader.error();

    // An empty list means no MoE block, a missing one every `step` layers.
    const JsonValue *list = config.root.find("moe_layers");
    bool byList = list && !list->isNull();
    for (int64_t layer = 0; layer < model.layers; ++layer) {
      if (byList ? std::find(listed.begin(), listed.end(), layer) == listed.end() : (layer + 1) % step != 0)
        continue;
      block.index = int64_t(model.blocks.size());
      block.layer = layer;
      std::string prefix = layerName(layer) + ".feed_forward";
      setStackedWeights(block, prefix + ".router.weight", prefix + ".experts.gate_up_proj",
                        prefix + ".experts.down_proj");
      block.body.gate->transposed = block.body.up.transposed = block.body.down.transposed = true;
      setSharedExpert(block, prefix + ".shared_expert", block.body.width);
      model.blocks.push_back(block);
    }
    return model;
  }
};

} // namespace

namespace moe {
std::unique_ptr<ModelFamily> createLlama4Family() { return std::make_unique<Llama4Family>(); }
} // namespace moe
