// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// DBRX: every layer is a MoE block. Softmax over all experts, the K best, divided by a p-norm; the weights are rounded
// to the model's format. Each tensor has the matrices of all experts one below the other, that of `down` transposed.
// The model rounds its probabilities to its format before it compares them; here they are compared in f32.
#include "Layouts.h"
#include "moe/Import/ModelFamily.h"

using namespace moe;

namespace {

class DbrxFamily : public ModelFamily {
public:
  std::vector<std::string_view> names() const override { return {"dbrx"}; }
  std::string_view summary() const override { return "softmax, top-k, divided by a p-norm; gated experts w1, v1, w2"; }

  Expected<ModelDescription> describe(const Config &config, const Checkpoint *) const override {
    ConfigReader reader(config);
    ModelDescription model;
    model.dtype = reader.dtype();
    model.layers = reader.integer({"n_layers", "num_hidden_layers"}, 1, maxLayers);
    BlockDescription block;
    block.modelWidth = reader.integer({"d_model", "hidden_size"}, 1, maxWidth);
    const JsonValue *section = config.root.find("ffn_config");
    if (!section || !section->isObject())
      reader.fail("no object ffn_config; expected one with moe_num_experts, moe_top_k and ffn_hidden_size");
    if (!reader.ok())
      return reader.error();

    Config experts{config.file + ": ffn_config", *section};
    ConfigReader ffn(experts);
    block.experts = ffn.experts({"moe_num_experts"});
    block.topK = ffn.topK({"moe_top_k"}, {"moe_num_experts"}, block.experts, 1);
    block.body.width = ffn.integer({"ffn_hidden_size"}, 1, maxWidth);
    if (const JsonValue *activation = section->find("ffn_act_fn"); activation && activation->isObject()) {
      Config function{config.file + ": ffn_act_fn", *activation};
      ConfigReader act(function);
      block.body.activation = act.activation({"name"});
      if (!act.ok())
        return act.error();
    }
    // An explicit null turns the division off; without the field it is the sum.
    const JsonValue *norm = section->find("moe_normalize_expert_weights");
    if (!norm || !norm->isNull())
      block.router.renormalize = Renormalize{ffn.real({"moe_normalize_expert_weights"}, 1.0, 1e3, 1.0), 0.0, 0.0};
    block.router.output = Precision::Model;
    if (!ffn.ok())
      return ffn.error();

    for (int64_t layer = 0; layer < model.layers; ++layer) {
      block.index = block.layer = layer;
      setWeights(block, "transformer.blocks." + std::to_string(layer) + ".ffn");
      model.blocks.push_back(block);
    }
    return model;
  }

private:
  static void setWeights(BlockDescription &block, const std::string &prefix) {
    int64_t e = block.experts, d = block.modelWidth, f = block.body.width;
    auto weight = [&](const char *role, const char *name, std::vector<int64_t> shape, bool transposed) {
      return WeightDescription{role,          prefix + ".experts.mlp." + name, shape, transposed, RowPart::Whole, false,
                               /*below=*/true};
    };
    block.router.weight = {"router", prefix + ".router.layer.weight", {e, d}};
    block.body.gate = weight("gate", "w1", {e, f, d}, false);
    block.body.up = weight("up", "v1", {e, f, d}, false);
    block.body.down = weight("down", "w2", {e, d, f}, true);
  }
};

} // namespace

namespace moe {
std::unique_ptr<ModelFamily> createDbrxFamily() { return std::make_unique<DbrxFamily>(); }
} // namespace moe
