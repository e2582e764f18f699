// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Laguna: layers that mlp_layer_types calls sparse have experts beside a shared one. The logits, rounded to the model's
// format, are capped smoothly in f32; their sigmoid gets a bias for the choice; the weights are renormalised and
// rounded, and the sum of the routed experts is scaled before the shared expert is added.
#include "Layouts.h"
#include "moe/Import/ModelFamily.h"

using namespace moe;

namespace {

class LagunaFamily : public ModelFamily {
public:
  std::vector<std::string_view> names() const override { return {"laguna"}; }
  std::string_view summary() const override {
    return "capped logits, sigmoid with a bias for the choice, top-k, renormalised, output scaled; gated and shared "
           "experts";
  }

  Expected<ModelDescription> describe(const Config &config, const Checkpoint *) const override {
    ConfigReader reader(config);
    ModelDescription model;
    model.dtype = reader.dtype();
    model.layers = reader.layers();
    BlockDescription block;
    block.experts = reader.experts({"num_experts", "num_local_experts"});
    block.topK = reader.topK({"num_experts_per_tok"}, {"num_experts", "num_local_experts"}, block.experts, 8);
    block.modelWidth = reader.modelWidth();
    block.body.width = reader.integer({"moe_intermediate_size"}, 1, maxWidth, 512);
    block.body.activation = reader.activation();
    describeRouter(block.router, reader);
    int64_t shared = reader.integer({"shared_expert_intermediate_size"}, 1, maxWidth, 512);
    std::vector<std::string> types = reader.strings({"mlp_layer_types"});
    if (!types.empty() && types.size() != size_t(model.layers))
      reader.fail("mlp_layer_types: expected a type for each of the " + std::to_string(model.layers) + " layers, got " +
                  std::to_string(types.size()));
    if (reader.boolean({"moe_apply_router_weight_on_input"}, false))
      reader.fail("moe_apply_router_weight_on_input is not supported; expected false");
    if (!reader.ok())
      return reader.error();

    for (int64_t layer = 0; layer < model.layers; ++layer) {
      if (types.empty() ? layer == 0 : types[size_t(layer)] != "sparse")
        continue;
      block.index = int64_t(model.blocks.size());
      block.layer = layer;
      std::string prefix = layerName(layer) + ".mlp";
      setPerExpertWeights(block, projNames(prefix));
      setSelectionBias(block, prefix + ".experts.e_score_correction_bias");
      setSharedExpert(block, prefix + ".shared_expert", shared);
      model.blocks.push_back(block);
    }
    return model;
  }

private:
  static void describeRouter(RouterDescription &router, ConfigReader &reader) {
    router.softcap = reader.real({"moe_router_logit_softcapping"}, 0.0, 1e6, 0.0);
    router.score = ScoreFunction::Sigmoid;
    router.over = NormalizeOver::Each;
    router.renormalize = Renormalize();
    router.scale = reader.real({"moe_routed_scaling_factor"}, 1e-6, 1e6, 1.0);
    router.scaleOn = ScaleOn::Output;
    router.choice = Precision::Model;
    router.output = Precision::Model;
  }
};

} // namespace

namespace moe {
std::unique_ptr<ModelFamily> createLagunaFamily() { return std::make_unique<LagunaFamily>(); }
} // namespace moe
