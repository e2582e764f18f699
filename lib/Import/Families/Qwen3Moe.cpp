// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Qwen3-MoE: MoE blocks among dense layers. Logits in the model's format, softmax over all experts in f32, the K best,
// renormalised on request; the weights are rounded to the model's format.
#include "Layouts.h"
#include "moe/Import/ModelFamily.h"

#include <algorithm>

using namespace moe;

namespace {

class Qwen3MoeFamily : public ModelFamily {
public:
  std::vector<std::string_view> names() const override { return {"qwen3_moe"}; }
  std::string_view summary() const override {
    return "softmax, top-k, optionally renormalised; gated experts; dense layers in between";
  }

  Expected<ModelDescription> describe(const Config &config, const Checkpoint *) const override {
    ConfigReader reader(config);
    ModelDescription model;
    model.dtype = reader.dtype();
    model.layers = reader.layers();
    BlockDescription block;
    // The hub's files say num_experts; transformers 5 saves it under the other name.
    block.experts = reader.experts({"num_local_experts", "num_experts"});
    block.topK = reader.topK({"num_experts_per_tok"}, {"num_local_experts", "num_experts"}, block.experts, 8);
    block.modelWidth = reader.modelWidth();
    block.body.width = reader.integer({"moe_intermediate_size"}, 1, maxWidth);
    block.body.activation = reader.activation();
    block.router.output = Precision::Model;
    if (reader.boolean({"norm_topk_prob"}, false))
      block.router.renormalize = Renormalize();
    int64_t step = reader.integer({"decoder_sparse_step"}, 1, maxWidth, 1);
    std::vector<int64_t> dense = reader.integers({"mlp_only_layers"});
    if (!reader.ok())
      return reader.error();

    for (int64_t layer = 0; layer < model.layers; ++layer) {
      if ((layer + 1) % step != 0 || std::find(dense.begin(), dense.end(), layer) != dense.end())
        continue;
      block.index = int64_t(model.blocks.size());
      block.layer = layer;
      setPerExpertWeights(block, projNames("model.layers." + std::to_string(layer) + ".mlp"));
      model.blocks.push_back(block);
    }
    return model;
  }
};

} // namespace

namespace moe {
std::unique_ptr<ModelFamily> createQwen3MoeFamily() { return std::make_unique<Qwen3MoeFamily>(); }
} // namespace moe
