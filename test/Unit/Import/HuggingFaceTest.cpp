// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Inputs, policies about weights, and where the number format comes from.
#include "moe/Import/HuggingFace.h"

#include "../Checkpoint/TempFolder.h"

#include <gtest/gtest.h>

using namespace moe;
namespace fs = std::filesystem;

static const std::string zoo = MOE_TEST_SOURCE_DIR "/zoo/";

static const char config[] = R"({"model_type": "mixtral", "num_local_experts": 2, "num_experts_per_tok": 1,
  "hidden_size": 3, "intermediate_size": 2, "num_hidden_layers": 1, "dtype": "float32"})";

/// A checkpoint for `config` whose expert tensors have this type.
static void writeWeights(const TempFolder &folder, DType experts, DType router = DType::F32) {
  char zeros[64] = {};
  std::string prefix = "model.layers.0.block_sparse_moe.";
  std::vector<TensorToWrite> tensors = {{prefix + "gate.weight", router, {2, 3}, zeros}};
  for (const char *e : {"0", "1"}) {
    tensors.push_back({prefix + "experts." + e + ".w1.weight", experts, {2, 3}, zeros});
    tensors.push_back({prefix + "experts." + e + ".w3.weight", experts, {2, 3}, zeros});
    tensors.push_back({prefix + "experts." + e + ".w2.weight", experts, {3, 2}, zeros});
  }
  ASSERT_TRUE(writeSafeTensors(folder.file("model.safetensors"), tensors).ok());
}

TEST(HuggingFace, Inputs) {
  EXPECT_TRUE(isModelInput(zoo + "mixtral"));
  EXPECT_TRUE(isModelInput(zoo + "mixtral/config.json"));
  EXPECT_TRUE(isModelInput("gone/config.json"));
  EXPECT_FALSE(isModelInput("layer.mlir"));
  EXPECT_FALSE(isModelInput("-"));
  for (const char *input : {"mixtral", "mixtral/", "mixtral/config.json"})
    EXPECT_EQ(loadModel(zoo + input)->checkpoint, zoo + "mixtral");
  EXPECT_EQ(loadModel(zoo + "mixtral/model.safetensors").message(),
            zoo + "mixtral/model.safetensors: expected a checkpoint folder or its config.json");
  TempFolder folder;
  EXPECT_EQ(loadModel(folder.path).message(),
            folder.path + "/config.json: missing; expected a checkpoint folder with a config.json");
  EXPECT_EQ(loadModel(folder.file("config.json")).message(),
            folder.file("config.json") + ": cannot be opened: No such file or directory");
  fs::create_symlink(zoo + "mixtral/config.json", folder.file("config.json"));
  EXPECT_NE(loadModel(folder.path).message().find("leads out of the folder"), std::string::npos);
}

TEST(HuggingFace, WeightsPolicy) {
  TempFolder folder;
  folder.write("config.json", config);
  Expected<ModelDescription> without = loadModel(folder.path);
  ASSERT_TRUE(without.ok()) << without.message();
  EXPECT_EQ(without->checkpoint, "");
  EXPECT_EQ(without->digest, "");
  EXPECT_NE(describeText(*without).find("none (no *.safetensors)"), std::string::npos);
  LoadOptions required, ignored;
  required.weights = WeightsPolicy::Required;
  ignored.weights = WeightsPolicy::Ignored;
  EXPECT_EQ(loadModel(folder.path, required).message(),
            folder.path + ": no weights; expected model.safetensors or model.safetensors.index.json, or use "
                          "--random-weights SEED");
  folder.write("model.safetensors", "garbage");
  EXPECT_FALSE(loadModel(folder.path).ok());
  EXPECT_TRUE(loadModel(folder.path, ignored).ok());
  writeWeights(folder, DType::F32);
  EXPECT_TRUE(loadModel(folder.path, required).ok());
}

TEST(HuggingFace, DTypePrecedence) {
  TempFolder folder;
  folder.write("config.json", config);
  EXPECT_EQ(loadModel(folder.path)->dtype, DType::F32);
  writeWeights(folder, DType::BF16);
  EXPECT_EQ(loadModel(folder.path)->dtype, DType::BF16);
  LoadOptions options;
  options.dtype = DType::F16;
  EXPECT_EQ(loadModel(folder.path, options)->dtype, DType::F16);
}

TEST(HuggingFace, ChecksTensors) {
  TempFolder folder;
  folder.write("config.json", config);
  writeWeights(folder, DType::I16);
  EXPECT_EQ(loadModel(folder.path).message(), folder.file("model.safetensors") +
                                                  ": tensor \"model.layers.0.block_sparse_moe.experts.0.w1.weight\": "
                                                  "expected F32, BF16 or F16 [2, 3], got I16 [2, 3]; " +
                                                  folder.file("config.json") + " describes another model");
  writeWeights(folder, DType::F32);
  std::string wide = config;
  wide.replace(wide.find("\"hidden_size\": 3"), 16, "\"hidden_size\": 4");
  folder.write("config.json", wide);
  EXPECT_EQ(loadModel(folder.path).message(), folder.file("model.safetensors") +
                                                  ": tensor \"model.layers.0.block_sparse_moe.gate.weight\": "
                                                  "expected F32, BF16 or F16 [2, 4], got F32 [2, 3]; " +
                                                  folder.file("config.json") + " describes another model");
  std::string deep = config;
  deep.replace(deep.find("\"num_hidden_layers\": 1"), 22, "\"num_hidden_layers\": 2");
  folder.write("config.json", deep);
  EXPECT_EQ(loadModel(folder.path).message(),
            folder.path +
                ": no tensor \"model.layers.1.block_sparse_moe.gate.weight\"; expected F32, BF16 or F16 [2, 3] "
                "as the router in layer 1, as " +
                folder.file("config.json") + " says");
}

TEST(HuggingFace, UnknownModelTypes) {
  TempFolder folder;
  auto problem = [&](const char *json) {
    return loadModel(folder.write("config.json", json)).message().substr(folder.path.size());
  };
  std::string supported;
  for (const std::string &name : FamilyRegistry::builtIn().names())
    supported += (supported.empty() ? "; supported: " : ", ") + name;
  EXPECT_EQ(problem(R"({"model_type": "mixtrall"})"),
            "/config.json: model_type \"mixtrall\" is not supported; did you mean \"mixtral\"?" + supported.substr(1));
  EXPECT_EQ(problem("{}"), "/config.json: no model_type" + supported);
  EXPECT_EQ(problem(R"({"model_type": 3})"), "/config.json: model_type: expected a string, got 3");
  EXPECT_EQ(problem("[]"), "/config.json: expected an object, got an array");
}

TEST(HuggingFace, NoMoEBlock) {
  TempFolder folder;
  std::string json = R"({"model_type": "qwen3_moe", "num_experts": 4, "num_experts_per_tok": 2, "hidden_size": 8,
    "moe_intermediate_size": 4, "num_hidden_layers": 2, "mlp_only_layers": [0, 1]})";
  EXPECT_EQ(loadModel(folder.write("config.json", json)).message(),
            folder.file("config.json") + ": none of the 2 layers is a MoE block");
}
