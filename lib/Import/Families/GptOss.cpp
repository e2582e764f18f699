// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// gpt-oss: every layer is a MoE block. Logits with a bias, in the model's format; softmax over the K best; experts with
// biases and a clamped activation. Gate and up are interleaved columns of one tensor, and matrices are stored
// transposed.
#include "Layouts.h"
#include "moe/Import/ModelFamily.h"

using namespace moe;

namespace {

class GptOssFamily : public ModelFamily {
public:
  std::vector<std::string_view> names() const override { return {"gpt_oss"}; }
  std::string_view summary() const override {
    return "top-k logits with bias, softmax over them; clamped gated experts with biases";
  }

  Expected<ModelDescription> describe(const Config &config, const Checkpoint *checkpoint) const override {
    ConfigReader reader(config);
    ModelDescription model;
    model.dtype = reader.dtype();
    model.layers = reader.layers();
    BlockDescription block;
    block.experts = reader.experts({"num_local_experts", "num_experts"});
    block.topK = reader.topK({"num_experts_per_tok"}, {"num_local_experts", "num_experts"}, block.experts, 4);
    block.modelWidth = reader.modelWidth();
    block.body.width = reader.integer({"intermediate_size"}, 1, maxWidth / 2);
    // The formula is the model's own, whatever hidden_act says.
    block.body.gateLimit = block.body.upLimit = reader.real({"swiglu_limit"}, 1e-6, 1e6, 7.0);
    block.body.sigmoidAlpha = reader.real({"swiglu_alpha"}, 1e-6, 1e6, 1.702);
    block.body.upOffset = 1.0;
    block.router.rank = RankBy::Logits;
    block.router.over = NormalizeOver::Selected;
    block.router.output = Precision::Model;
    if (!reader.ok())
      return reader.error();
    if (checkpoint && checkpoint->find(layerName(0) + ".mlp.experts.gate_up_proj_blocks"))
      return Error{config.file + ": the experts are stored as MXFP4, which cannot be read yet; expected F32, BF16 or "
                                 "F16: save the model dequantized"};

    for (int64_t layer = 0; layer < model.layers; ++layer) {
      block.index = block.layer = layer;
      setWeights(block, layerName(layer) + ".mlp");
      model.blocks.push_back(block);
    }
    return model;
  }

private:
  static void setWeights(BlockDescription &block, const std::string &prefix) {
    int64_t e = block.experts, d = block.modelWidth, f = block.body.width;
    FeedForwardDescription &body = block.body;
    std::string gateUp = prefix + ".experts.gate_up_proj", down = prefix + ".experts.down_proj";
    block.router.weight = {"router", prefix + ".router.weight", {e, d}};
    block.router.bias = WeightDescription{"router_bias", prefix + ".router.bias", {e}};
    body.gate = WeightDescription{"gate", gateUp, {e, f, d}, /*transposed=*/true, RowPart::Even};
    body.up = {"up", gateUp, {e, f, d}, /*transposed=*/true, RowPart::Odd};
    body.down = {"down", down, {e, d, f}, /*transposed=*/true};
    body.gateBias = WeightDescription{"gate_bias", gateUp + "_bias", {e, f}, false, RowPart::Even, /*vectors=*/true};
    body.upBias = WeightDescription{"up_bias", gateUp + "_bias", {e, f}, false, RowPart::Odd, /*vectors=*/true};
    body.downBias = WeightDescription{"down_bias", down + "_bias", {e, d}, false, RowPart::Whole, /*vectors=*/true};
  }
};

} // namespace

namespace moe {
std::unique_ptr<ModelFamily> createGptOssFamily() { return std::make_unique<GptOssFamily>(); }
} // namespace moe
