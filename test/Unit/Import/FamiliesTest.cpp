// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What each family reads from its config, on the shipped checkpoints and on configs that differ in one field.
#include "moe/Import/HuggingFace.h"

#include <gtest/gtest.h>

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

TEST(Families, RegistryFindsAndSuggests) {
  const FamilyRegistry &registry = FamilyRegistry::builtIn();
  EXPECT_EQ(registry.names(), (std::vector<std::string>{"mixtral", "olmoe", "qwen3_moe"}));
  EXPECT_EQ(registry.find("Mixtral"), nullptr);
  EXPECT_EQ(registry.nearest("mixtrall"), "mixtral");
  EXPECT_EQ(registry.nearest("qwen2_moe"), "qwen3_moe");
  EXPECT_EQ(registry.nearest("flex_olmo"), "olmoe");
  EXPECT_EQ(registry.nearest(std::string(1'000'000, 'x')), "mixtral");
  std::string text = listArchitecturesText();
  EXPECT_NE(text.find("\nqwen3_moe  softmax, top-k"), std::string::npos);
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
  EXPECT_EQ(listArchitecturesText(registry), "toy   a toy\ntoy2  a toy\n");
}
