// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Qwen2-MoE, and Qwen3-Next with the same blocks: MoE blocks among dense layers, and in each a shared expert weighed by
// the sigmoid of its own gate. Logits in the model's format, softmax over all experts in f32, the K best, renormalised
// on request; the weights are rounded to the model's format.
#include "Layouts.h"
#include "moe/Import/ModelFamily.h"

#include <algorithm>

using namespace moe;

namespace {

class Qwen2MoeFamily : public ModelFamily {
public:
  std::vector<std::string_view> names() const override { return {"qwen2_moe", "qwen3_next"}; }
  std::string_view summary() const override {
    return "softmax, top-k, optionally renormalised; gated experts and a shared one with a gate";
  }

  Expected<ModelDescription> describe(const Config &config, const Checkpoint *) const override {
    ConfigReader reader(config);
    ModelDescription model;
    model.dtype = reader.dtype();
    model.layers = reader.layers();
    BlockDescription block;
    block.experts = reader.experts({"num_experts", "num_local_experts"});
    block.topK = reader.topK({"num_experts_per_tok"}, {"num_experts", "num_local_experts"}, block.experts, 4);
    block.modelWidth = reader.modelWidth();
    block.body.width = reader.integer({"moe_intermediate_size"}, 1, maxWidth);
    block.body.activation = reader.activation();
    block.router.output = Precision::Model;
    if (reader.boolean({"norm_topk_prob"}, reader.string({"model_type"}, "") == "qwen3_next"))
      block.router.renormalize = Renormalize();
    int64_t shared = reader.integer({"shared_expert_intermediate_size"}, 1, maxWidth);
    int64_t step = reader.integer({"decoder_sparse_step"}, 1, maxWidth, 1);
    std::vector<int64_t> dense = reader.integers({"mlp_only_layers"});
    if (!reader.ok())
      return reader.error();

    for (int64_t layer = 0; layer < model.layers; ++layer) {
      if ((layer + 1) % step != 0 || std::find(dense.begin(), dense.end(), layer) != dense.end())
        continue;
      block.index = int64_t(model.blocks.size());
      block.layer = layer;
      std::string prefix = layerName(layer) + ".mlp";
      setPerExpertWeights(block, projNames(prefix));
      setSharedExpert(block, prefix + ".shared_expert", shared, prefix + ".shared_expert_gate.weight");
      model.blocks.push_back(block);
    }
    return model;
  }
};

} // namespace

namespace moe {
std::unique_ptr<ModelFamily> createQwen2MoeFamily() { return std::make_unique<Qwen2MoeFamily>(); }
} // namespace moe
