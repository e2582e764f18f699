// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Nemotron-H: a list says which layers are MoE blocks, among Mamba, attention and plain ones. The router is
// DeepSeek-V3's; the experts and the shared one have no gate: down(relu(up(x))^2).
#include "DeepseekRouter.h"
#include "Layouts.h"
#include "moe/Import/ModelFamily.h"

using namespace moe;

namespace {

class NemotronHFamily : public ModelFamily {
public:
  std::vector<std::string_view> names() const override { return {"nemotron_h"}; }
  std::string_view summary() const override {
    return "sigmoid with a bias for the choice, top-k within groups, scaled; plain and shared experts";
  }

  Expected<ModelDescription> describe(const Config &config, const Checkpoint *) const override {
    ConfigReader reader(config);
    ModelDescription model;
    model.dtype = reader.dtype();
    std::vector<bool> sparse = sparseLayers(reader);
    model.layers = int64_t(sparse.size());
    BlockDescription block;
    block.experts = reader.experts({"n_routed_experts", "num_local_experts"});
    block.topK = reader.topK({"num_experts_per_tok"}, {"n_routed_experts", "num_local_experts"}, block.experts, 2);
    block.modelWidth = reader.modelWidth();
    block.body.width = reader.integer({"moe_intermediate_size"}, 1, maxWidth);
    block.body.activation = reader.activation({"mlp_hidden_act"}, Activation::Relu2);
    describeDeepseekRouter(block, reader, {1, 1, 1.0});
    int64_t shared = reader.integer({"moe_shared_expert_intermediate_size"}, 1, maxWidth);
    if (reader.integer({"moe_latent_size"}, 0, maxWidth, 0) != 0)
      reader.fail("moe_latent_size is not supported; expected null");
    if (reader.boolean({"mlp_bias"}, false))
      reader.fail("mlp_bias is not supported; expected false");
    if (!reader.ok())
      return reader.error();

    for (int64_t layer = 0; layer < model.layers; ++layer) {
      if (!sparse[size_t(layer)])
        continue;
      block.index = int64_t(model.blocks.size());
      block.layer = layer;
      setWeights(block, "backbone.layers." + std::to_string(layer) + ".mixer", shared);
      model.blocks.push_back(block);
    }
    return model;
  }

private:
  /// Which layers are MoE blocks: by name, or by the letter E in the pattern of older configs.
  static std::vector<bool> sparseLayers(ConfigReader &reader) {
    std::vector<bool> sparse;
    for (const std::string &type : reader.strings({"layers_block_type", "layer_types"}))
      sparse.push_back(type == "moe");
    if (!sparse.empty())
      return sparse;
    std::string pattern = reader.string({"hybrid_override_pattern"}, "");
    if (pattern.empty())
      reader.fail("no layers_block_type; expected a list of layer types");
    else if (pattern.size() > size_t(maxLayers))
      reader.fail("hybrid_override_pattern: expected at most " + std::to_string(maxLayers) + " letters, got " +
                  std::to_string(pattern.size()));
    else
      for (char letter : pattern)
        sparse.push_back(letter == 'E');
    return sparse;
  }

  static void setWeights(BlockDescription &block, const std::string &prefix, int64_t sharedWidth) {
    int64_t e = block.experts, d = block.modelWidth, f = block.body.width;
    std::string expert = prefix + ".experts.{e}", shared = prefix + ".shared_experts";
    block.router.weight = {"router", prefix + ".gate.weight", {e, d}};
    setSelectionBias(block, prefix + ".gate.e_score_correction_bias");
    block.body.up = {"up", expert + ".up_proj.weight", {e, f, d}};
    block.body.down = {"down", expert + ".down_proj.weight", {e, d, f}};
    SharedExpertDescription every;
    every.body.width = sharedWidth;
    every.body.activation = block.body.activation;
    every.body.up = {"shared_up", shared + ".up_proj.weight", {sharedWidth, d}};
    every.body.down = {"shared_down", shared + ".down_proj.weight", {d, sharedWidth}};
    block.shared = {every};
  }
};

} // namespace

namespace moe {
std::unique_ptr<ModelFamily> createNemotronHFamily() { return std::make_unique<NemotronHFamily>(); }
} // namespace moe
