// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ERNIE 4.5 MoE: MoE blocks in a range of layers, beside shared experts. The router is f32 throughout: softmax over all
// experts, with a bias for the choice, the K best, divided by their sum or a small number if that is larger. The
// weights are rounded to the model's format.
#include "Layouts.h"
#include "moe/Import/ModelFamily.h"

using namespace moe;

namespace {

class Ernie45MoeFamily : public ModelFamily {
public:
  std::vector<std::string_view> names() const override { return {"ernie4_5_moe"}; }
  std::string_view summary() const override {
    return "softmax with a bias for the choice, top-k, renormalised; gated and shared experts";
  }

  Expected<ModelDescription> describe(const Config &config, const Checkpoint *) const override {
    ConfigReader reader(config);
    ModelDescription model;
    model.dtype = reader.dtype();
    model.layers = reader.layers();
    BlockDescription block;
    block.experts = reader.experts({"moe_num_experts", "num_experts"});
    block.topK = reader.topK({"moe_k", "num_experts_per_tok"}, {"moe_num_experts", "num_experts"}, block.experts, 6);
    block.modelWidth = reader.modelWidth();
    block.body.width = reader.integer({"moe_intermediate_size"}, 1, maxWidth);
    block.body.activation = reader.activation();
    block.router.parameters = Precision::F32;
    block.router.projection = Precision::F32;
    block.router.output = Precision::Model;
    block.router.renormalize = Renormalize{1.0, 0.0, reader.real({"moe_norm_min"}, 0.0, 1.0, 1e-12)};
    int64_t shared = reader.integer({"moe_num_shared_experts"}, 0, 1024, 2);
    int64_t start = reader.integer({"moe_layer_start_index"}, 0, maxLayers, 1);
    int64_t end = reader.integer({"moe_layer_end_index"}, -1, maxLayers, -1);
    int64_t interval = reader.integer({"moe_layer_interval"}, 1, maxLayers, 1);
    if (shared * block.body.width > maxWidth)
      reader.fail("moe_num_shared_experts * moe_intermediate_size must be at most " + std::to_string(maxWidth));
    if (!reader.ok())
      return reader.error();

    for (int64_t layer = start; layer < model.layers && (end < 0 || layer <= end); ++layer) {
      if ((layer + 1) % interval != 0)
        continue;
      block.index = int64_t(model.blocks.size());
      block.layer = layer;
      std::string prefix = layerName(layer) + ".mlp";
      setPerExpertWeights(block, projNames(prefix));
      setSelectionBias(block, prefix + ".moe_statics.e_score_correction_bias");
      if (shared > 0)
        setSharedExpert(block, prefix + ".shared_experts", shared * block.body.width);
      model.blocks.push_back(block);
    }
    return model;
  }
};

} // namespace

namespace moe {
std::unique_ptr<ModelFamily> createErnie45MoeFamily() { return std::make_unique<Ernie45MoeFamily>(); }
} // namespace moe
