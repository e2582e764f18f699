// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The reader's checks, field kind by field kind.
#include "moe/Import/Config.h"

#include <gtest/gtest.h>

using namespace moe;

static Config config(const std::string &json) {
  Config result;
  result.file = "c.json";
  result.root = std::move(*parseJson(json, "c.json"));
  return result;
}

TEST(Config, Integers) {
  Config c = config(R"({"a": 7, "b": null, "s": "7", "r": 7.0, "big": 9223372036854775808})");
  ConfigReader good(c);
  EXPECT_EQ(good.integer({"a"}, 1, 7), 7);
  EXPECT_EQ(good.integer({"z", "a"}, 1, 7), 7);
  EXPECT_EQ(good.integer({"b"}, 1, 7, 3), 3); // null is absent
  EXPECT_TRUE(good.ok());

  auto problem = [&](const char *name, int64_t low, int64_t high) {
    ConfigReader reader(c);
    reader.integer({name}, low, high);
    return reader.ok() ? std::string() : reader.error().message;
  };
  EXPECT_EQ(problem("a", 8, 9), "c.json: a must be an integer in [8, 9], got 7");
  EXPECT_EQ(problem("a", 0, 6), "c.json: a must be an integer in [0, 6], got 7");
  EXPECT_EQ(problem("s", 0, 9), "c.json: s must be an integer in [0, 9], got \"7\"");
  EXPECT_EQ(problem("r", 0, 9), "c.json: r must be an integer in [0, 9], got 7.0");
  EXPECT_EQ(problem("big", 0, 9), "c.json: big must be an integer in [0, 9], got 9223372036854775808");
  EXPECT_EQ(problem("b", 0, 9), "c.json: no b; expected an integer in [0, 9]");
}

TEST(Config, KeepsTheFirstProblem) {
  Config c = config(R"({"a": 1, "b": 2})");
  ConfigReader reader(c);
  reader.integer({"a"}, 5, 9);
  reader.integer({"b"}, 5, 9);
  EXPECT_EQ(reader.error().message, "c.json: a must be an integer in [5, 9], got 1");
}

TEST(Config, TopK) {
  Config c = config(R"({"k": 9, "n": 8, "zero": 0, "text": "2"})");
  auto problem = [&](const char *name) {
    ConfigReader reader(c);
    reader.topK({name}, {"n"}, 8);
    return reader.error().message;
  };
  EXPECT_EQ(problem("k"), "c.json: k (9) must be in [1, n (8)]");
  EXPECT_EQ(problem("zero"), "c.json: zero (0) must be in [1, n (8)]");
  EXPECT_EQ(problem("text"), "c.json: text must be an integer in [1, 8], got \"2\"");
  EXPECT_EQ(problem("none"), "c.json: no none; expected an integer in [1, 8]");
}

TEST(Config, Lists) {
  Config c = config(R"({"a": [0, 2], "b": [1, "x"], "c": 3})");
  ConfigReader reader(c);
  EXPECT_EQ(reader.integers({"a"}), (std::vector<int64_t>{0, 2}));
  EXPECT_TRUE(reader.integers({"none"}).empty());
  EXPECT_TRUE(reader.ok());
  reader.integers({"b"});
  EXPECT_EQ(reader.error().message, "c.json: b: expected an integer, got \"x\"");
  ConfigReader other(c);
  other.integers({"c"});
  EXPECT_EQ(other.error().message, "c.json: c: expected a list of at most 1024 integers, got 3");
}

TEST(Config, ListsOfStrings) {
  Config c = config(R"({"a": ["moe", ""], "b": ["x", 1], "c": "x"})");
  ConfigReader reader(c);
  EXPECT_EQ(reader.strings({"a"}), (std::vector<std::string>{"moe", ""}));
  EXPECT_TRUE(reader.strings({"none"}).empty());
  EXPECT_TRUE(reader.ok());
  reader.strings({"b"});
  EXPECT_EQ(reader.error().message, "c.json: b: expected a string, got 1");
  ConfigReader other(c);
  other.strings({"c"});
  EXPECT_EQ(other.error().message, "c.json: c: expected a list of at most 1024 strings, got \"x\"");
}

TEST(Config, Activations) {
  auto read = [](const char *name) {
    Config c = config(std::string("{\"hidden_act\": \"") + name + "\"}");
    ConfigReader reader(c);
    Activation activation = reader.activation();
    return reader.ok() ? std::string(activationName(activation)) : reader.error().message;
  };
  EXPECT_EQ(read("silu"), "silu");
  EXPECT_EQ(read("swish"), "silu");
  EXPECT_EQ(read("gelu"), "gelu");
  EXPECT_EQ(read("gelu_pytorch_tanh"), "gelu_tanh");
  EXPECT_EQ(read("gelu_new"), "gelu_tanh");
  EXPECT_EQ(read("relu"), "relu");
  EXPECT_EQ(read("relu2"), "relu2");
  EXPECT_EQ(read("quick_gelu"),
            "c.json: hidden_act \"quick_gelu\" is not supported; expected one of silu, swish, gelu, "
            "gelu_pytorch_tanh, gelu_new, relu, relu2");
  Config none = config("{}");
  EXPECT_EQ(ConfigReader(none).activation(), Activation::Silu);
  EXPECT_EQ(ConfigReader(none).activation({"hidden_act"}, Activation::Relu2), Activation::Relu2);
}

TEST(Config, DTypes) {
  auto read = [](const char *json) {
    Config c = config(json);
    ConfigReader reader(c);
    DType dtype = reader.dtype();
    return reader.ok() ? formatName(dtype) : reader.error().message;
  };
  EXPECT_EQ(read(R"({"dtype": "bfloat16", "torch_dtype": "float32"})"), "bf16");
  EXPECT_EQ(read(R"({"dtype": null, "torch_dtype": "float16"})"), "f16");
  EXPECT_EQ(read(R"({"torch_dtype": "torch.bfloat16"})"), "bf16");
  EXPECT_EQ(read("{}"), "f32");
  EXPECT_EQ(read(R"({"torch_dtype": "int8"})"),
            "c.json: torch_dtype \"int8\" is not supported; expected float32, bfloat16 or float16");
}
