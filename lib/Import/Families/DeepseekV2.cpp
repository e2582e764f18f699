// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// DeepSeek-V2: dense layers first, then experts beside a shared one. The router's inputs are raised to f32; softmax
// over all experts, the K best of all or of the groups with the best expert; scaled, not renormalised; the weights stay
// f32.
#include "Layouts.h"
#include "moe/Import/ModelFamily.h"

using namespace moe;

namespace {

class DeepseekV2Family : public ModelFamily {
public:
  std::vector<std::string_view> names() const override { return {"deepseek_v2"}; }
  std::string_view summary() const override {
    return "softmax, top-k, optionally within groups, scaled; gated and shared experts";
  }

  Expected<ModelDescription> describe(const Config &config, const Checkpoint *) const override {
    ConfigReader reader(config);
    ModelDescription model;
    model.dtype = reader.dtype();
    model.layers = reader.layers();
    BlockDescription block;
    block.experts = reader.experts({"n_routed_experts", "num_experts"});
    block.topK = reader.topK({"num_experts_per_tok"}, {"n_routed_experts", "num_experts"}, block.experts);
    block.modelWidth = reader.modelWidth();
    block.body.width = reader.integer({"moe_intermediate_size"}, 1, maxWidth);
    block.body.activation = reader.activation();
    block.router.projection = Precision::F32;
    block.router.scale = reader.real({"routed_scaling_factor"}, 1e-6, 1e6, 1.0);
    describeGroups(block, reader);
    int64_t shared = reader.integer({"n_shared_experts"}, 0, 1024, 2);
    int64_t dense = reader.integer({"first_k_dense_replace"}, 0, maxLayers, 0);
    if (shared * block.body.width > maxWidth)
      reader.fail("n_shared_experts * moe_intermediate_size must be at most " + std::to_string(maxWidth));
    if (!reader.ok())
      return reader.error();

    for (int64_t layer = dense; layer < model.layers; ++layer) {
      block.index = int64_t(model.blocks.size());
      block.layer = layer;
      std::string prefix = layerName(layer) + ".mlp";
      setPerExpertWeights(block, projNames(prefix));
      if (shared > 0)
        setSharedExpert(block, prefix + ".shared_experts", shared * block.body.width);
      model.blocks.push_back(block);
    }
    return model;
  }

private:
  static void describeGroups(BlockDescription &block, ConfigReader &reader) {
    std::string method = reader.string({"topk_method"}, "greedy");
    if (method == "greedy")
      return;
    if (method != "group_limited_greedy")
      return reader.fail("topk_method \"" + method + "\" is not supported; expected greedy or group_limited_greedy");
    int64_t groups = reader.integer({"n_group"}, 1, block.experts);
    int64_t keep = reader.integer({"topk_group"}, 1, groups);
    if (block.experts % groups != 0)
      return reader.fail("n_group (" + std::to_string(groups) + ") must divide the " + std::to_string(block.experts) +
                         " experts");
    block.router.groups = ExpertGroups{groups, keep, GroupReduce::Max, GroupMask::Zero};
  }
};

} // namespace

namespace moe {
std::unique_ptr<ModelFamily> createDeepseekV2Family() { return std::make_unique<DeepseekV2Family>(); }
} // namespace moe
