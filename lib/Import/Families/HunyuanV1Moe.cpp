// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Hunyuan-V1-MoE: every layer is a MoE block beside a shared expert. Softmax over all experts in f32, the K best,
// always renormalised. The router is f32 when it is stored so, whatever the format of the model. The numbers of
// experts may differ from layer to layer.
#include "Layouts.h"
#include "moe/Import/ModelFamily.h"

using namespace moe;

namespace {

class HunyuanV1MoeFamily : public ModelFamily {
public:
  std::vector<std::string_view> names() const override { return {"hunyuan_v1_moe"}; }
  std::string_view summary() const override { return "softmax, top-k, renormalised; gated and shared experts"; }

  Expected<ModelDescription> describe(const Config &config, const Checkpoint *checkpoint) const override {
    ConfigReader reader(config);
    ModelDescription model;
    model.dtype = reader.dtype();
    model.layers = reader.layers();
    BlockDescription block;
    block.modelWidth = reader.modelWidth();
    block.body.width = reader.integer({"intermediate_size"}, 1, maxWidth);
    block.body.activation = reader.activation();
    block.router.renormalize = Renormalize();
    std::vector<int64_t> experts = reader.perLayer({"num_experts", "num_local_experts"}, 1, maxExperts, model.layers);
    std::vector<int64_t> topK = reader.perLayer({"moe_topk", "num_experts_per_tok"}, 1, maxExperts, model.layers);
    for (int64_t layer = 0; reader.ok() && layer < model.layers; ++layer)
      if (topK[size_t(layer)] > experts[size_t(layer)])
        reader.fail("moe_topk (" + std::to_string(topK[size_t(layer)]) + ") must be in [1, num_experts (" +
                    std::to_string(experts[size_t(layer)]) + ")] in layer " + std::to_string(layer));
    if (!reader.ok())
      return reader.error();

    for (int64_t layer = 0; layer < model.layers; ++layer) {
      block.index = block.layer = layer;
      block.experts = experts[size_t(layer)];
      block.topK = topK[size_t(layer)];
      std::string prefix = layerName(layer) + ".mlp";
      PerExpertNames names = projNames(prefix);
      names.router = prefix + ".gate.wg.weight";
      setPerExpertWeights(block, names);
      setSharedExpert(block, prefix + ".shared_mlp", block.body.width);
      const TensorInfo *router = checkpoint ? checkpoint->find(names.router) : nullptr;
      block.router.parameters = block.router.projection = block.router.output =
          !router || router->dtype == DType::F32 ? Precision::F32 : Precision::Model;
      model.blocks.push_back(block);
    }
    return model;
  }
};

} // namespace

namespace moe {
std::unique_ptr<ModelFamily> createHunyuanV1MoeFamily() { return std::make_unique<HunyuanV1MoeFamily>(); }
} // namespace moe
