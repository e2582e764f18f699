// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// DeepSeek-V3 and the models that took over its MoE block: dense layers first, then experts beside a shared one. The
// router's inputs are raised to f32; sigmoid scores get a bias for the choice, which happens within the best groups of
// experts; the weights are renormalised, scaled and stay f32.
#include "DeepseekRouter.h"
#include "Layouts.h"
#include "moe/Import/ModelFamily.h"

using namespace moe;

namespace {

/// What a config leaves out means something else in each model.
struct Defaults {
  DeepseekRouterDefaults router;
  int64_t denseLayers;
};
constexpr Defaults deepseekV3 = {{8, 4, 2.5}, 3}, glm4Moe = {{1, 1, 1.0}, 1};

class DeepseekV3Family : public ModelFamily {
public:
  std::vector<std::string_view> names() const override { return {"deepseek_v3", "glm4_moe"}; }
  std::string_view summary() const override {
    return "sigmoid with a bias for the choice, top-k within groups, scaled; gated and shared experts";
  }

  Expected<ModelDescription> describe(const Config &config, const Checkpoint *) const override {
    ConfigReader reader(config);
    const Defaults &defaults = reader.string({"model_type"}, "") == "glm4_moe" ? glm4Moe : deepseekV3;
    ModelDescription model;
    model.dtype = reader.dtype();
    model.layers = reader.layers();
    BlockDescription block;
    block.experts = reader.experts({"n_routed_experts", "num_local_experts"});
    block.topK = reader.topK({"num_experts_per_tok"}, {"n_routed_experts", "num_local_experts"}, block.experts, 8);
    block.modelWidth = reader.modelWidth();
    block.body.width = reader.integer({"moe_intermediate_size"}, 1, maxWidth);
    block.body.activation = reader.activation();
    describeDeepseekRouter(block, reader, defaults.router);
    int64_t shared = reader.integer({"n_shared_experts"}, 0, 1024, 1);
    int64_t dense = reader.integer({"first_k_dense_replace"}, 0, maxLayers, defaults.denseLayers);
    if (shared * block.body.width > maxWidth)
      reader.fail("n_shared_experts * moe_intermediate_size must be at most " + std::to_string(maxWidth));
    if (!reader.ok())
      return reader.error();

    for (int64_t layer = dense; layer < model.layers; ++layer) {
      block.index = int64_t(model.blocks.size());
      block.layer = layer;
      std::string prefix = layerName(layer) + ".mlp";
      setPerExpertWeights(block, projNames(prefix));
      setSelectionBias(block, prefix + ".gate.e_score_correction_bias");
      if (shared > 0)
        setSharedExpert(block, prefix + ".shared_experts", shared * block.body.width);
      model.blocks.push_back(block);
    }
    return model;
  }
};

} // namespace

namespace moe {
std::unique_ptr<ModelFamily> createDeepseekV3Family() { return std::make_unique<DeepseekV3Family>(); }
} // namespace moe
