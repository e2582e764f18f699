// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Descriptions in words, derived shapes and costs; among them fields that no family of this project uses yet.
#include "moe/Import/HuggingFace.h"

#include <gtest/gtest.h>

using namespace moe;

static const std::string zoo = MOE_TEST_SOURCE_DIR "/zoo/";

TEST(Describe, Mixtral) {
  Expected<ModelDescription> model = loadModel(zoo + "mixtral");
  ASSERT_TRUE(model.ok());
  // Per block: router 8 * 64, experts 8 * 3 * 64 * 80 elements of 4 bytes; 2 of 8 experts are active.
  EXPECT_EQ(describeText(*model),
            "model       mixtral, 2 MoE blocks in 2 layers, f32\n"
            "weights     " +
                zoo +
                "mixtral\n"
                "blocks      moe0-1 (layers 0-1)\n"
                "  shape     E = 8 experts, K = 2 per token, D = 64, F = 80\n"
                "  router    logits in f32; softmax over all experts in f32; the 2 best; renormalised; "
                "weights in f32\n"
                "  experts   down(silu(gate(x)) * up(x))\n"
                "  tensors   model.layers.0.block_sparse_moe.experts.{e}.w3.weight\n"
                "  weights   494 kB a block (493568 bytes)\n"
                "  per token 125 kB of weights (124928 bytes), 62.5 kFLOP (62464)\n");
}

TEST(Describe, FormatsFollowTheModel) {
  LoadOptions options;
  options.dtype = DType::BF16;
  Expected<ModelDescription> model = loadModel(zoo + "olmoe", options);
  ASSERT_TRUE(model.ok());
  std::string text = describeText(*model);
  EXPECT_NE(text.find("olmoe, 2 MoE blocks in 2 layers, bf16"), std::string::npos);
  EXPECT_NE(text.find("logits in bf16; softmax over all experts in f32; the 4 best; weights in bf16"),
            std::string::npos);
  EXPECT_EQ(costOf(model->blocks[0], DType::BF16).weightBytes, 2 * (16 * 64 + 16 * 3 * 64 * 48));
}

TEST(Describe, RichRouters) {
  ModelDescription model;
  model.modelType = "deep";
  model.dtype = DType::BF16;
  model.layers = 1;
  BlockDescription block;
  block.experts = 256, block.topK = 8, block.modelWidth = 16;
  block.router.weight = {"router", "r", {256, 16}};
  block.router.selectionBias = WeightDescription{"selection_bias", "b", {256}};
  block.router.projection = block.router.parameters = Precision::F32;
  block.router.score = ScoreFunction::Sigmoid;
  block.router.over = NormalizeOver::Each;
  block.router.groups = ExpertGroups{8, 4, GroupReduce::Top2Sum, GroupMask::NegInf};
  block.router.renormalize = Renormalize{1.0, 1e-20, 0.0};
  block.router.scale = 2.5;
  block.body.width = 4;
  block.body.gate = WeightDescription{"gate", "{e}.g", {256, 4, 16}};
  block.body.up = {"up", "{e}.u", {256, 4, 16}};
  block.body.down = {"down", "{e}.d", {256, 16, 4}};
  SharedExpertDescription shared;
  shared.body.width = 8;
  shared.body.gate = WeightDescription{"shared_gate", "sg", {8, 16}};
  shared.body.up = {"shared_up", "su", {8, 16}};
  shared.body.down = {"shared_down", "sd", {16, 8}};
  block.shared.push_back(shared);
  model.blocks.push_back(block);
  std::string text = describeText(model);
  EXPECT_NE(text.find("logits in f32; sigmoid in f32; the 8 best within the 4 best of 8 groups (with a bias for the "
                      "choice); renormalised; weights * 2.5; weights in f32\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("  shared    F = 8, down(silu(gate(x)) * up(x))\n"), std::string::npos) << text;
  EXPECT_EQ(block.weights().size(), 8u);
  BlockCost cost = costOf(block, DType::BF16);
  EXPECT_EQ(cost.weightBytes, 4 * (256 * 16 + 256) + 2 * (256 * 3 * 64 + 3 * 128));
  EXPECT_EQ(cost.activeBytes, 4 * (256 * 16 + 256) + 2 * (8 * 3 * 64 + 3 * 128));
  EXPECT_EQ(cost.flops, 2 * 256 * 16 + 256 + 2 * (8 * 3 * 64 + 3 * 128));
}

TEST(Describe, CostsDoNotWrap) {
  BlockDescription block;
  block.experts = block.topK = 4096, block.modelWidth = maxWidth;
  block.router.weight = {"router", "r", {4096, maxWidth}};
  block.body.up = {"up", "{e}.u", {4096, maxWidth, maxWidth}};
  block.body.down = {"down", "{e}.d", {4096, maxWidth, maxWidth}};
  EXPECT_EQ(costOf(block, DType::F32).weightBytes, INT64_MAX);
  EXPECT_EQ(costOf(block, DType::F32).flops, INT64_MAX);
}

TEST(Describe, StoredShapes) {
  using Shape = std::vector<int64_t>;
  WeightDescription perExpert = {"gate", "x.{e}.w", {8, 3, 5}};
  EXPECT_EQ(perExpert.storedShape(), (Shape{3, 5}));
  EXPECT_EQ(perExpert.tensorName(7), "x.7.w");
  WeightDescription stacked = {"gate", "x.w", {8, 3, 5}};
  EXPECT_EQ(stacked.storedShape(), (Shape{8, 3, 5}));
  stacked.part = RowPart::FirstHalf;
  EXPECT_EQ(stacked.storedShape(), (Shape{8, 6, 5}));
  stacked.transposed = true;
  EXPECT_EQ(stacked.storedShape(), (Shape{8, 5, 6}));
  WeightDescription bias = {"gate_bias", "x.b", {8, 3}, false, RowPart::Even, /*vectors=*/true};
  EXPECT_EQ(bias.storedShape(), (Shape{8, 6}));
  bias.source = "x.{e}.b";
  EXPECT_EQ(bias.storedShape(), (Shape{6}));
  WeightDescription matrix = {"shared_up", "x.s", {3, 5}, false, RowPart::SecondHalf};
  EXPECT_EQ(matrix.storedShape(), (Shape{6, 5}));
  matrix.transposed = true;
  EXPECT_EQ(matrix.storedShape(), (Shape{5, 6}));
  WeightDescription below = {"down", "x.d", {8, 3, 5}, true, RowPart::Whole, false, /*below=*/true};
  EXPECT_EQ(below.storedShape(), (Shape{40, 3}));
}
