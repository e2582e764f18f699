// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Jamba: MoE blocks in every so many layers. Logits in the model's format, softmax over all experts in f32, the K best,
// never renormalised; the weights are rounded to the model's format.
#include "Layouts.h"
#include "moe/Import/ModelFamily.h"

using namespace moe;

namespace {

class JambaFamily : public ModelFamily {
public:
  std::vector<std::string_view> names() const override { return {"jamba"}; }
  std::string_view summary() const override { return "softmax, top-k; gated experts; dense layers in between"; }

  Expected<ModelDescription> describe(const Config &config, const Checkpoint *) const override {
    ConfigReader reader(config);
    ModelDescription model;
    model.dtype = reader.dtype();
    model.layers = reader.layers();
    BlockDescription block;
    block.experts = reader.experts({"num_experts", "num_local_experts"});
    block.topK = reader.topK({"num_experts_per_tok"}, {"num_experts", "num_local_experts"}, block.experts, 2);
    block.modelWidth = reader.modelWidth();
    block.body.width = reader.integer({"intermediate_size"}, 1, maxWidth);
    block.body.activation = reader.activation();
    block.router.output = Precision::Model;
    int64_t period = reader.integer({"expert_layer_period"}, 1, maxLayers, 2);
    int64_t offset = reader.integer({"expert_layer_offset"}, 0, maxLayers, 1);
    if (!reader.ok())
      return reader.error();

    // A single expert is a dense layer of another name.
    for (int64_t layer = offset % period; layer < model.layers && block.experts > 1; layer += period) {
      block.index = int64_t(model.blocks.size());
      block.layer = layer;
      PerExpertNames names = projNames(layerName(layer) + ".feed_forward");
      names.router = layerName(layer) + ".feed_forward.router.weight";
      setPerExpertWeights(block, names);
      model.blocks.push_back(block);
    }
    return model;
  }
};

} // namespace

namespace moe {
std::unique_ptr<ModelFamily> createJambaFamily() { return std::make_unique<JambaFamily>(); }
} // namespace moe
