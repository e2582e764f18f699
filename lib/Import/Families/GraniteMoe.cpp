// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Granite MoE: every layer is a MoE block. Logits in the model's format, softmax over the K best in f32; the weights
// are rounded to the model's format. Gate and up are halves of one tensor.
#include "Layouts.h"
#include "moe/Import/ModelFamily.h"

using namespace moe;

namespace {

class GraniteMoeFamily : public ModelFamily {
public:
  std::vector<std::string_view> names() const override { return {"granitemoe"}; }
  std::string_view summary() const override { return "top-k logits, softmax over them; gated experts"; }

  Expected<ModelDescription> describe(const Config &config, const Checkpoint *) const override {
    ConfigReader reader(config);
    ModelDescription model;
    model.dtype = reader.dtype();
    model.layers = reader.layers();
    BlockDescription block;
    block.experts = reader.experts({"num_local_experts"});
    block.topK = reader.topK({"num_experts_per_tok"}, {"num_local_experts"}, block.experts, 2);
    block.modelWidth = reader.modelWidth();
    block.body.width = reader.integer({"intermediate_size"}, 1, maxWidth / 2);
    block.body.activation = reader.activation();
    block.router.rank = RankBy::Logits;
    block.router.over = NormalizeOver::Selected;
    block.router.output = Precision::Model;
    if (!reader.ok())
      return reader.error();

    for (int64_t layer = 0; layer < model.layers; ++layer) {
      block.index = block.layer = layer;
      std::string prefix = layerName(layer) + ".block_sparse_moe";
      setStackedWeights(block, prefix + ".router.layer.weight", prefix + ".input_linear.weight",
                        prefix + ".output_linear.weight");
      model.blocks.push_back(block);
    }
    return model;
  }
};

} // namespace

namespace moe {
std::unique_ptr<ModelFamily> createGraniteMoeFamily() { return std::make_unique<GraniteMoeFamily>(); }
} // namespace moe
