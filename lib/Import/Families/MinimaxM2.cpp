// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// MiniMax-M2: every layer is a MoE block. Logits in the model's format, sigmoid scores in f32 with a bias for the
// choice, the K best, always renormalised; the weights stay f32.
#include "Layouts.h"
#include "moe/Import/ModelFamily.h"

using namespace moe;

namespace {

class MinimaxM2Family : public ModelFamily {
public:
  std::vector<std::string_view> names() const override { return {"minimax_m2"}; }
  std::string_view summary() const override {
    return "sigmoid with a bias for the choice, top-k, renormalised; gated experts w1, w3, w2";
  }

  Expected<ModelDescription> describe(const Config &config, const Checkpoint *) const override {
    ConfigReader reader(config);
    ModelDescription model;
    model.dtype = reader.dtype();
    model.layers = reader.layers();
    BlockDescription block;
    block.experts = reader.experts({"num_local_experts", "num_experts"});
    block.topK = reader.topK({"num_experts_per_tok"}, {"num_local_experts", "num_experts"}, block.experts, 8);
    block.modelWidth = reader.modelWidth();
    block.body.width = reader.integer({"intermediate_size"}, 1, maxWidth);
    block.body.activation = reader.activation();
    block.router.score = ScoreFunction::Sigmoid;
    block.router.over = NormalizeOver::Each;
    block.router.choice = Precision::Model;
    block.router.renormalize = Renormalize();
    if (!reader.ok())
      return reader.error();

    for (int64_t layer = 0; layer < model.layers; ++layer) {
      block.index = block.layer = layer;
      std::string prefix = layerName(layer) + ".block_sparse_moe";
      setPerExpertWeights(block, wNames(prefix));
      setSelectionBias(block, prefix + ".e_score_correction_bias");
      model.blocks.push_back(block);
    }
    return model;
  }
};

} // namespace

namespace moe {
std::unique_ptr<ModelFamily> createMinimaxM2Family() { return std::make_unique<MinimaxM2Family>(); }
} // namespace moe
