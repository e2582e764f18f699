// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Mixtral: every layer is a MoE block. Logits in the model's format, softmax over all experts in f32, the K best,
// always renormalised; the weights stay f32.
#include "Layouts.h"
#include "moe/Import/ModelFamily.h"

using namespace moe;

namespace {

class MixtralFamily : public ModelFamily {
public:
  std::vector<std::string_view> names() const override { return {"mixtral"}; }
  std::string_view summary() const override { return "softmax, top-k, renormalised; gated experts w1, w3, w2"; }

  Expected<ModelDescription> describe(const Config &config, const Checkpoint *) const override {
    ConfigReader reader(config);
    ModelDescription model;
    model.dtype = reader.dtype();
    model.layers = reader.layers();
    BlockDescription block;
    block.experts = reader.experts({"num_local_experts", "num_experts"});
    block.topK = reader.topK({"num_experts_per_tok"}, {"num_local_experts", "num_experts"}, block.experts, 2);
    block.modelWidth = reader.modelWidth();
    block.body.width = reader.integer({"intermediate_size"}, 1, maxWidth);
    block.body.activation = reader.activation();
    block.router.renormalize = Renormalize();
    if (!reader.ok())
      return reader.error();

    for (int64_t layer = 0; layer < model.layers; ++layer) {
      block.index = block.layer = layer;
      setPerExpertWeights(block, wNames("model.layers." + std::to_string(layer) + ".block_sparse_moe"));
      model.blocks.push_back(block);
    }
    return model;
  }
};

} // namespace

namespace moe {
std::unique_ptr<ModelFamily> createMixtralFamily() { return std::make_unique<MixtralFamily>(); }
} // namespace moe
