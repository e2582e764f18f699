// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// OLMoE and FlexOlmo: every layer is a MoE block. Logits in the model's format, softmax over all experts in f32, the K
// best, renormalised on request; the weights are rounded to the model's format.
#include "Layouts.h"
#include "moe/Import/ModelFamily.h"

using namespace moe;

namespace {

class OlmoeFamily : public ModelFamily {
public:
  std::vector<std::string_view> names() const override { return {"olmoe", "flex_olmo"}; }
  std::string_view summary() const override { return "softmax, top-k, optionally renormalised; gated experts"; }

  Expected<ModelDescription> describe(const Config &config, const Checkpoint *) const override {
    ConfigReader reader(config);
    ModelDescription model;
    model.dtype = reader.dtype();
    model.layers = reader.layers();
    BlockDescription block;
    block.experts = reader.experts({"num_experts", "num_local_experts"});
    block.topK = reader.topK({"num_experts_per_tok"}, {"num_experts", "num_local_experts"}, block.experts, 8);
    block.modelWidth = reader.modelWidth();
    block.body.width = reader.integer({"intermediate_size"}, 1, maxWidth);
    block.body.activation = reader.activation();
    block.router.output = Precision::Model;
    if (reader.boolean({"norm_topk_prob"}, false))
      block.router.renormalize = Renormalize();
    if (!reader.ok())
      return reader.error();

    for (int64_t layer = 0; layer < model.layers; ++layer) {
      block.index = block.layer = layer;
      setPerExpertWeights(block, projNames("model.layers." + std::to_string(layer) + ".mlp"));
      model.blocks.push_back(block);
    }
    return model;
  }
};

} // namespace

namespace moe {
std::unique_ptr<ModelFamily> createOlmoeFamily() { return std::make_unique<OlmoeFamily>(); }
} // namespace moe
