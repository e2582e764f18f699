// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What each family reads from its config, on the shipped checkpoints and on configs that differ in one field.
#include "moe/Import/HuggingFace.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

using namespace moe;

static const std::string zoo = MOE_TEST_SOURCE_DIR "/zoo/";

/// Describes a config given as text, as its family sees it, without weights.
static Expected<ModelDescription> describe(const std::string &modelType, const std::string &fields) {
  Config config;
  config.file = "c.json";
  config.root = std::move(*parseJson("{" + fields + "}", "c.json"));
  return FamilyRegistry::builtIn().find(modelType)->describe(config, nullptr);
}

TEST(Families, Mixtral) {
  Expected<ModelDescription> model = loadModel(zoo + "mixtral");
  ASSERT_TRUE(model.ok()) << model.message();
  EXPECT_EQ(model->modelType, "mixtral");
  EXPECT_EQ(model->dtype, DType::F32);
  EXPECT_EQ(model->checkpoint, zoo + "mixtral");
  EXPECT_EQ(model->digest.size(), 64u);
  ASSERT_EQ(model->blocks.size(), 2u);
  const BlockDescription &block = model->blocks[1];
  EXPECT_EQ(block.index, 1);
  EXPECT_EQ(block.layer, 1);
  EXPECT_EQ(block.experts, 8);
  EXPECT_EQ(block.topK, 2);
  EXPECT_EQ(block.modelWidth, 64);
  EXPECT_EQ(block.expertWidth(), 80);
  EXPECT_EQ(block.body.activation, Activation::Silu);
  EXPECT_EQ(block.router.score, ScoreFunction::Softmax);
  EXPECT_EQ(block.router.over, NormalizeOver::All);
  EXPECT_EQ(block.router.rank, RankBy::Scores);
  ASSERT_TRUE(block.router.renormalize.has_value());
  EXPECT_EQ(block.router.renormalize->eps, 0.0);
  EXPECT_EQ(block.router.output, Precision::F32);
  EXPECT_EQ(block.router.weight.source, "model.layers.1.block_sparse_moe.gate.weight");
  EXPECT_EQ(block.body.gate->source, "model.layers.1.block_sparse_moe.experts.{e}.w1.weight");
  EXPECT_EQ(block.body.up.source, "model.layers.1.block_sparse_moe.experts.{e}.w3.weight");
  EXPECT_EQ(block.body.down.source, "model.layers.1.block_sparse_moe.experts.{e}.w2.weight");
  EXPECT_EQ(block.body.up.shape, (std::vector<int64_t>{8, 80, 64}));
  EXPECT_EQ(block.body.down.shape, (std::vector<int64_t>{8, 64, 80}));
}

TEST(Families, Qwen3Moe) {
  Expected<ModelDescription> model = loadModel(zoo + "qwen3_moe/config.json");
  ASSERT_TRUE(model.ok()) << model.message();
  ASSERT_EQ(model->blocks.size(), 2u);
  const BlockDescription &block = model->blocks[0];
  EXPECT_EQ(block.experts, 16);
  EXPECT_EQ(block.topK, 4);
  EXPECT_EQ(block.expertWidth(), 48);
  EXPECT_TRUE(block.router.renormalize.has_value());
  EXPECT_EQ(block.router.output, Precision::Model);
  EXPECT_EQ(block.router.weight.source, "model.layers.0.mlp.gate.weight");
  EXPECT_EQ(block.body.gate->source, "model.layers.0.mlp.experts.{e}.gate_proj.weight");
}

TEST(Families, Olmoe) {
  Expected<ModelDescription> model = loadModel(zoo + "olmoe");
  ASSERT_TRUE(model.ok()) << model.message();
  ASSERT_EQ(model->blocks.size(), 2u);
  EXPECT_EQ(model->blocks[0].experts, 16);
  EXPECT_EQ(model->blocks[0].expertWidth(), 48);
  EXPECT_FALSE(model->blocks[0].router.renormalize.has_value());
  EXPECT_EQ(model->blocks[0].router.output, Precision::Model);
}

static const std::string qwenFields =
    R"("moe_intermediate_size": 4, "hidden_size": 8, "num_hidden_layers": 6, "num_experts_per_tok": 2)";

TEST(Families, Qwen3MoeReadsBothNamesOfTheExpertCount) {
  for (const char *name : {"num_experts", "num_local_experts"}) {
    Expected<ModelDescription> model = describe("qwen3_moe", qwenFields + ", \"" + name + "\": 5");
    ASSERT_TRUE(model.ok()) << model.message();
    EXPECT_EQ(model->blocks[0].experts, 5);
    EXPECT_FALSE(model->blocks[0].router.renormalize.has_value());
  }
  EXPECT_EQ(describe("qwen3_moe", qwenFields).message(),
            "c.json: no num_local_experts; expected an integer in [1, 4096]");
  // The message uses the name that the file uses.
  EXPECT_EQ(describe("qwen3_moe", qwenFields + ", \"num_experts\": 1").message(),
            "c.json: num_experts_per_tok (2) must be in [1, num_experts (1)]");
}

TEST(Families, Qwen3MoeDenseLayers) {
  auto layers = [](const std::string &fields) {
    Expected<ModelDescription> model = describe("qwen3_moe", qwenFields + ", \"num_experts\": 5, " + fields);
    std::vector<int64_t> result;
    for (const BlockDescription &block : model->blocks) {
      EXPECT_EQ(block.index, int64_t(result.size()));
      EXPECT_EQ(block.router.weight.source, "model.layers." + std::to_string(block.layer) + ".mlp.gate.weight");
      result.push_back(block.layer);
    }
    return result;
  };
  EXPECT_EQ(layers(R"("mlp_only_layers": [0, 3])"), (std::vector<int64_t>{1, 2, 4, 5}));
  EXPECT_EQ(layers(R"("decoder_sparse_step": 2)"), (std::vector<int64_t>{1, 3, 5}));
  EXPECT_EQ(layers(R"("decoder_sparse_step": 3, "mlp_only_layers": [2])"), (std::vector<int64_t>{5}));
  EXPECT_EQ(layers(R"("decoder_sparse_step": 7, "mlp_only_layers": null)"), (std::vector<int64_t>{}));
}

static std::vector<int64_t> layersOf(const Expected<ModelDescription> &model) {
  std::vector<int64_t> result;
  if (!model.ok())
    ADD_FAILURE() << model.message();
  else
    for (const BlockDescription &block : model->blocks)
      result.push_back(block.layer);
  return result;
}

TEST(Families, DeepseekV3) {
  Expected<ModelDescription> model = loadModel(zoo + "deepseek_v3");
  ASSERT_EQ(layersOf(model), (std::vector<int64_t>{1}));
  const BlockDescription &block = model->blocks[0];
  EXPECT_EQ(block.index, 0);
  EXPECT_EQ(block.experts, 16);
  EXPECT_EQ(block.router.score, ScoreFunction::Sigmoid);
  EXPECT_EQ(block.router.over, NormalizeOver::Each);
  EXPECT_EQ(block.router.parameters, Precision::Model);
  EXPECT_EQ(block.router.projection, Precision::F32);
  EXPECT_EQ(block.router.output, Precision::F32);
  EXPECT_EQ(block.router.choice, Precision::F32);
  EXPECT_EQ(block.router.scale, 2.5);
  EXPECT_EQ(block.router.renormalize->eps, 1e-20);
  EXPECT_EQ(block.router.groups->count, 4);
  EXPECT_EQ(block.router.groups->keep, 2);
  EXPECT_EQ(block.router.groups->reduce, GroupReduce::Top2Sum);
  ASSERT_EQ(block.shared.size(), 1u);
  EXPECT_EQ(block.shared[0].body.width, 48);
  EXPECT_FALSE(block.shared[0].gate.has_value());
}

TEST(Families, DeepseekV3Fields) {
  const std::string fields = R"("n_routed_experts": 24, "num_experts_per_tok": 6, "hidden_size": 8,
      "moe_intermediate_size": 5, "num_hidden_layers": 5, )";
  Expected<ModelDescription> model = describe("deepseek_v3", fields + R"("model_type": "deepseek_v3")");
  EXPECT_EQ(layersOf(model), (std::vector<int64_t>{3, 4}));
  EXPECT_EQ(model->blocks[0].router.groups->count, 8);
  model = describe("glm4_moe", fields + R"("model_type": "glm4_moe", "norm_topk_prob": false, "n_shared_experts": 3)");
  EXPECT_EQ(layersOf(model), (std::vector<int64_t>{1, 2, 3, 4}));
  EXPECT_FALSE(model->blocks[0].router.groups.has_value());
  EXPECT_FALSE(model->blocks[0].router.renormalize.has_value());
  EXPECT_EQ(model->blocks[0].router.scale, 1.0);
  EXPECT_EQ(model->blocks[0].shared[0].body.width, 15);
  EXPECT_TRUE(describe("deepseek_v3", fields + R"("n_shared_experts": 0)")->blocks[0].shared.empty());
  EXPECT_EQ(describe("deepseek_v3", fields + R"("n_group": 7)").message(),
            "c.json: n_group (7) must divide the 24 experts into groups of at least 2");
  EXPECT_EQ(describe("deepseek_v3", fields + R"("n_group": 24)").message(),
            "c.json: n_group (24) must divide the 24 experts into groups of at least 2");
  EXPECT_EQ(describe("deepseek_v3", fields + R"("n_group": 8, "topk_group": 1)").message(),
            "c.json: num_experts_per_tok (6) must be at most the 3 experts of topk_group groups");
  EXPECT_EQ(describe("deepseek_v3", fields + R"("routed_scaling_factor": 0)").message(),
            "c.json: routed_scaling_factor must be a number in [1e-06, 1e+06], got 0");
}

TEST(Families, GptOss) {
  Expected<ModelDescription> model = loadModel(zoo + "gpt_oss");
  ASSERT_EQ(layersOf(model), (std::vector<int64_t>{0, 1}));
  const BlockDescription &block = model->blocks[1];
  EXPECT_EQ(block.router.rank, RankBy::Logits);
  EXPECT_EQ(block.router.over, NormalizeOver::Selected);
  ASSERT_TRUE(block.router.bias.has_value());
  EXPECT_EQ(block.body.gateLimit, 1.0);
  EXPECT_EQ(block.body.upLimit, 1.0);
  EXPECT_EQ(block.body.upOffset, 1.0);
  EXPECT_EQ(block.body.sigmoidAlpha, 1.702);
  EXPECT_EQ(block.body.up.part, RowPart::Odd);
  EXPECT_EQ(block.body.up.storedShape(), (std::vector<int64_t>{8, 64, 128}));
  EXPECT_EQ(block.body.gateBias->storedShape(), (std::vector<int64_t>{8, 128}));
}

TEST(Families, GraniteMoe) {
  Expected<ModelDescription> model = loadModel(zoo + "granitemoe");
  ASSERT_EQ(layersOf(model), (std::vector<int64_t>{0, 1}));
  EXPECT_EQ(model->dtype, DType::BF16);
  EXPECT_EQ(model->blocks[1].body.gate->storedShape(), (std::vector<int64_t>{10, 96, 64}));
}

TEST(Families, Qwen2Moe) {
  Expected<ModelDescription> model = loadModel(zoo + "qwen2_moe");
  ASSERT_EQ(layersOf(model), (std::vector<int64_t>{1, 3}));
  const SharedExpertDescription &shared = model->blocks[0].shared.at(0);
  EXPECT_EQ(shared.body.width, 37);
  EXPECT_EQ(shared.body.up.shape, (std::vector<int64_t>{1, 37, 36}));
  EXPECT_EQ(shared.body.up.storedShape(), (std::vector<int64_t>{37, 36}));
  EXPECT_EQ(shared.gate->source, "model.layers.1.mlp.shared_expert_gate.weight");
}

TEST(Families, MinimaxM2) {
  Expected<ModelDescription> model = loadModel(zoo + "minimax_m2");
  ASSERT_EQ(layersOf(model), (std::vector<int64_t>{0, 1}));
  EXPECT_EQ(model->dtype, DType::BF16);
  EXPECT_EQ(model->blocks[0].router.choice, Precision::Model);
  EXPECT_EQ(model->blocks[0].router.projection, Precision::Model);
  EXPECT_TRUE(model->blocks[0].router.renormalize.has_value());
}

TEST(Families, Jamba) {
  EXPECT_EQ(layersOf(loadModel(zoo + "jamba")), (std::vector<int64_t>{1, 4}));
  const std::string fields = R"("hidden_size": 8, "intermediate_size": 5, "num_hidden_layers": 6, )";
  EXPECT_EQ(layersOf(describe("jamba", fields + R"("num_experts": 4)")), (std::vector<int64_t>{1, 3, 5}));
  EXPECT_EQ(layersOf(describe("jamba", fields + R"("num_experts": 1, "num_experts_per_tok": 1)")),
            (std::vector<int64_t>{}));
}

TEST(Families, HunyuanV1Moe) {
  Expected<ModelDescription> model = loadModel(zoo + "hunyuan_v1_moe");
  ASSERT_EQ(layersOf(model), (std::vector<int64_t>{0, 1}));
  EXPECT_EQ(model->blocks[0].topK, 2);
  EXPECT_EQ(model->blocks[1].topK, 3);
  EXPECT_EQ(model->blocks[1].router.parameters, Precision::F32); // as it is stored
  const std::string fields = R"("hidden_size": 8, "intermediate_size": 5, "num_hidden_layers": 2, )";
  model = describe("hunyuan_v1_moe", fields + R"("num_experts": [3, 4, 5], "moe_topk": 2)");
  ASSERT_EQ(layersOf(model), (std::vector<int64_t>{0, 1}));
  EXPECT_EQ(model->blocks[1].experts, 4);
  EXPECT_EQ(describe("hunyuan_v1_moe", fields + R"("num_experts": [3], "moe_topk": 2)").message(),
            "c.json: num_experts: expected an integer for each of the 2 layers, got 1");
  EXPECT_EQ(describe("hunyuan_v1_moe", fields + R"("num_experts": [3, 0], "moe_topk": 2)").message(),
            "c.json: num_experts must be integers in [1, 4096], got 0");
  EXPECT_EQ(describe("hunyuan_v1_moe", fields + R"("num_experts": 3, "moe_topk": [2, 4])").message(),
            "c.json: moe_topk (4) must be in [1, num_experts (3)] in layer 1");
}

TEST(Families, Dbrx) {
  Expected<ModelDescription> model = loadModel(zoo + "dbrx");
  ASSERT_EQ(layersOf(model), (std::vector<int64_t>{0, 1}));
  const BlockDescription &block = model->blocks[0];
  EXPECT_EQ(block.router.renormalize->p, 2.0);
  EXPECT_EQ(block.body.down.storedShape(), (std::vector<int64_t>{310, 40}));
  EXPECT_TRUE(block.body.down.transposed);
  const std::string fields = R"("d_model": 8, "n_layers": 1, )";
  EXPECT_EQ(describe("dbrx", fields + R"("ffn_config": 3)").message(),
            "c.json: no object ffn_config; expected one with moe_num_experts, moe_top_k and ffn_hidden_size");
  EXPECT_EQ(describe("dbrx", fields + R"("ffn_config": {"moe_num_experts": 4})").message(),
            "c.json: ffn_config: no ffn_hidden_size; expected an integer in [1, 2147483647]");
  EXPECT_EQ(describe("dbrx", fields + R"("ffn_config": {"moe_num_experts": 4, "ffn_hidden_size": 3,
                                         "ffn_act_fn": {"name": "tanh"}})")
                .message(),
            "c.json: ffn_act_fn: name \"tanh\" is not supported; expected one of silu, swish, gelu, "
            "gelu_pytorch_tanh, gelu_new, relu, relu2");
  model = describe("dbrx", fields + R"("ffn_config": {"moe_num_experts": 4, "ffn_hidden_size": 3,
                                       "moe_normalize_expert_weights": null})");
  ASSERT_TRUE(model.ok()) << model.message();
  EXPECT_FALSE(model->blocks[0].router.renormalize.has_value());
}

TEST(Families, DeepseekV2) {
  Expected<ModelDescription> model = loadModel(zoo + "deepseek_v2");
  ASSERT_EQ(layersOf(model), (std::vector<int64_t>{1}));
  const RouterDescription &router = model->blocks[0].router;
  EXPECT_EQ(router.groups->reduce, GroupReduce::Max);
  EXPECT_EQ(router.groups->mask, GroupMask::Zero);
  EXPECT_FALSE(router.renormalize.has_value());
  EXPECT_EQ(model->blocks[0].shared.at(0).body.width, 34);
  const std::string fields = R"("n_routed_experts": 6, "num_experts_per_tok": 2, "hidden_size": 8,
      "moe_intermediate_size": 5, "num_hidden_layers": 2, )";
  EXPECT_FALSE(describe("deepseek_v2", fields + R"("n_group": 2)")->blocks[0].router.groups.has_value());
  EXPECT_EQ(describe("deepseek_v2", fields + R"("topk_method": "noaux")").message(),
            "c.json: topk_method \"noaux\" is not supported; expected greedy or group_limited_greedy");
  EXPECT_EQ(describe("deepseek_v2", fields + R"("topk_method": "group_limited_greedy", "n_group": 4,
                                               "topk_group": 1)")
                .message(),
            "c.json: n_group (4) must divide the 6 experts");
}

TEST(Families, Ernie45Moe) {
  Expected<ModelDescription> model = loadModel(zoo + "ernie4_5_moe");
  ASSERT_EQ(layersOf(model), (std::vector<int64_t>{1, 3}));
  EXPECT_EQ(model->blocks[0].router.renormalize->min, 1e-12);
  EXPECT_EQ(model->blocks[0].router.parameters, Precision::F32);
  const std::string fields = R"("moe_num_experts": 6, "moe_k": 2, "hidden_size": 8, "moe_intermediate_size": 5,
      "num_hidden_layers": 7, )";
  EXPECT_EQ(layersOf(describe("ernie4_5_moe", fields + R"("moe_layer_start_index": 2, "moe_layer_end_index": 4)")),
            (std::vector<int64_t>{2, 3, 4}));
}

TEST(Families, Llama4) {
  Expected<ModelDescription> model = loadModel(zoo + "llama4_text");
  ASSERT_EQ(layersOf(model), (std::vector<int64_t>{0, 2}));
  EXPECT_EQ(model->blocks[0].router.weightOn, WeightOn::Input);
  EXPECT_EQ(model->blocks[0].body.up.storedShape(), (std::vector<int64_t>{5, 38, 54}));
  const std::string fields = R"("num_local_experts": 4, "hidden_size": 8, "intermediate_size": 5,
      "num_hidden_layers": 4)";
  EXPECT_EQ(layersOf(describe("llama4_text", fields)), (std::vector<int64_t>{0, 1, 2, 3}));
  EXPECT_EQ(layersOf(describe("llama4_text", fields + R"(, "interleave_moe_layer_step": 2)")),
            (std::vector<int64_t>{1, 3}));
  EXPECT_EQ(layersOf(describe("llama4_text", fields + R"(, "moe_layers": [])")), (std::vector<int64_t>{}));
}

TEST(Families, Laguna) {
  Expected<ModelDescription> model = loadModel(zoo + "laguna");
  ASSERT_EQ(layersOf(model), (std::vector<int64_t>{1, 2}));
  const BlockDescription &block = model->blocks[0];
  EXPECT_EQ(block.router.softcap, 1.25);
  EXPECT_EQ(block.router.score, ScoreFunction::Sigmoid);
  EXPECT_EQ(block.router.scale, 1.5);
  EXPECT_EQ(block.router.scaleOn, ScaleOn::Output);
  EXPECT_EQ(block.router.choice, Precision::Model);
  EXPECT_EQ(block.router.selectionBias->source, "model.layers.1.mlp.experts.e_score_correction_bias");
  EXPECT_EQ(block.shared[0].body.up.source, "model.layers.1.mlp.shared_expert.up_proj.weight");
  EXPECT_EQ(block.shared[0].body.width, 26);

  const std::string fields = R"("num_experts": 12, "hidden_size": 8, "num_hidden_layers": 3)";
  model = describe("laguna", fields);
  EXPECT_EQ(layersOf(model), (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(model->blocks[0].topK, 8);
  EXPECT_EQ(model->blocks[0].router.softcap, 0.0);
  EXPECT_EQ(layersOf(describe("laguna", fields + R"(, "mlp_layer_types": ["sparse", "dense", "sparse"])")),
            (std::vector<int64_t>{0, 2}));
  EXPECT_EQ(describe("laguna", fields + R"(, "mlp_layer_types": ["sparse"])").message(),
            "c.json: mlp_layer_types: expected a type for each of the 3 layers, got 1");
  EXPECT_EQ(describe("laguna", fields + R"(, "moe_apply_router_weight_on_input": true)").message(),
            "c.json: moe_apply_router_weight_on_input is not supported; expected false");
}

TEST(Families, NemotronH) {
  Expected<ModelDescription> model = loadModel(zoo + "nemotron_h");
  ASSERT_EQ(layersOf(model), (std::vector<int64_t>{0, 2}));
  const BlockDescription &block = model->blocks[1];
  EXPECT_FALSE(block.body.gate.has_value());
  EXPECT_EQ(block.body.activation, Activation::Relu2);
  EXPECT_EQ(block.body.up.source, "backbone.layers.2.mixer.experts.{e}.up_proj.weight");
  EXPECT_FALSE(block.shared[0].body.gate.has_value());
  EXPECT_EQ(block.shared[0].body.width, 31);
  EXPECT_EQ(block.router.groups->count, 5);
  EXPECT_EQ(block.router.scale, 2.25);

  const std::string fields = R"("n_routed_experts": 6, "hidden_size": 8, "moe_intermediate_size": 5,
      "moe_shared_expert_intermediate_size": 7)";
  model = describe("nemotron_h", fields + R"(, "hybrid_override_pattern": "MEM*E-")");
  EXPECT_EQ(layersOf(model), (std::vector<int64_t>{1, 4}));
  EXPECT_EQ(model->layers, 6);
  EXPECT_FALSE(model->blocks[0].router.groups.has_value());
  EXPECT_EQ(describe("nemotron_h", fields).message(), "c.json: no layers_block_type; expected a list of layer types");
  const std::string layers = R"(, "layers_block_type": ["moe", "linear_attention"])";
  EXPECT_EQ(layersOf(describe("nemotron_h", fields + layers + R"(, "moe_latent_size": null)")),
            (std::vector<int64_t>{0}));
  EXPECT_EQ(describe("nemotron_h", fields + layers + R"(, "moe_latent_size": 4)").message(),
            "c.json: moe_latent_size is not supported; expected null");
  EXPECT_EQ(describe("nemotron_h", fields + layers + R"(, "mlp_bias": true)").message(),
            "c.json: mlp_bias is not supported; expected false");
}

TEST(Families, NamesOfOtherFamilies) {
  EXPECT_EQ(layersOf(loadModel(zoo + "flex_olmo")), (std::vector<int64_t>{0}));
  Expected<ModelDescription> model = loadModel(zoo + "qwen3_next");
  ASSERT_EQ(layersOf(model), (std::vector<int64_t>{0, 1}));
  EXPECT_TRUE(model->blocks[0].router.renormalize.has_value());
}

TEST(Families, RegistryFinds) {
  const FamilyRegistry &registry = FamilyRegistry::builtIn();
  std::vector<std::string> names = registry.names();
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
  for (const std::string &name : names)
    EXPECT_NE(registry.find(name), nullptr) << name;
  EXPECT_EQ(registry.find("Mixtral"), nullptr);
  EXPECT_EQ(registry.nearest("mixtrall"), "mixtral");
  EXPECT_NE(listArchitecturesText().find("\nqwen3_moe "), std::string::npos);
}

TEST(Families, AreAddedWithoutAChangeElsewhere) {
  class Toy : public ModelFamily {
    std::vector<std::string_view> names() const override { return {"toy", "toy2"}; }
    std::string_view summary() const override { return "a toy"; }
    Expected<ModelDescription> describe(const Config &, const Checkpoint *) const override { return Error{"toy"}; }
  };
  FamilyRegistry registry;
  registry.add(std::make_unique<Toy>());
  EXPECT_NE(registry.find("toy2"), nullptr);
  EXPECT_EQ(registry.nearest("toyyy2"), "toy2");
  EXPECT_EQ(registry.nearest("toy3"), "toy"); // the first of two
  EXPECT_EQ(registry.nearest(std::string(1'000'000, 'x')), "toy");
  EXPECT_EQ(listArchitecturesText(registry), "toy   a toy\ntoy2  a toy\n");
}
