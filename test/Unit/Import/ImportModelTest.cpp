// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Descriptions as IR: which kernels blocks share, number formats, router features, refusals. Every module is verified
// by the importer and, here, printed and read back.
#include "moe/Import/ImportModel.h"

#include "moe/Dialect/MoE/IR/MoE.h"
#include "moe/Import/HuggingFace.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

using namespace mlir;
using ::moe::BlockDescription;
using ::moe::ModelDescription;
using ::moe::Precision;
using ::moe::WeightDescription;

static const std::string zoo = MOE_TEST_SOURCE_DIR "/zoo/";

static std::string print(ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  module.print(stream);
  return text;
}

/// The text of the imported module, or "error: MESSAGE".
static std::string import(const ModelDescription &model, const mlir::moe::ImportOptions &options = {}) {
  MLIRContext context;
  std::string message;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    message = "error: " + diagnostic.str();
    return success();
  });
  OwningOpRef<ModuleOp> module = mlir::moe::importModel(&context, model, options);
  if (!module)
    return message;
  std::string text = print(*module);
  OwningOpRef<ModuleOp> readBack = parseSourceString<ModuleOp>(text, ParserConfig(&context));
  EXPECT_TRUE(readBack) << message;
  EXPECT_EQ(readBack ? print(*readBack) : "", text);
  return text;
}

static size_t count(const std::string &text, const std::string &part) {
  size_t result = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++result;
  return result;
}

#define EXPECT_HAS(text, part) EXPECT_EQ(count(text, part), 1u) << (part) << "\n" << (text)

/// A small block whose fields a test then changes.
static ModelDescription toyModel() {
  ModelDescription model;
  model.modelType = "toy";
  model.configFile = "toy.json";
  model.layers = 1;
  BlockDescription block;
  block.experts = 8, block.topK = 2, block.modelWidth = 5;
  block.router.weight = {"router", "r", {8, 5}};
  block.body.width = 3;
  block.body.gate = WeightDescription{"gate", "{e}.g", {8, 3, 5}};
  block.body.up = {"up", "{e}.u", {8, 3, 5}};
  block.body.down = {"down", "{e}.d", {8, 5, 3}};
  model.blocks.push_back(block);
  return model;
}

TEST(ImportModel, ZooInEveryFormat) {
  for (const char *name : {"mixtral", "qwen3_moe", "olmoe"})
    for (::moe::DType dtype : {::moe::DType::F32, ::moe::DType::BF16, ::moe::DType::F16}) {
      ::moe::LoadOptions options;
      options.dtype = dtype;
      ::moe::Expected<ModelDescription> model = ::moe::loadModel(zoo + name, options);
      ASSERT_TRUE(model.ok()) << model.message();
      std::string text = import(*model);
      EXPECT_HAS(text, std::string("func.func @") + name + "(%arg0: tensor<?x64x" + ::moe::formatName(dtype) + ">");
      EXPECT_EQ(count(text, "moe.layer @"), 2u);
      EXPECT_EQ(count(text, "moe.weight @"), 8u);
      EXPECT_HAS(text, "moe.model_type = \"" + std::string(name) + "\"");
      EXPECT_HAS(text, "moe.digest = \"" + model->digest + "\"");
    }
}

TEST(ImportModel, PrecisionOfTheRouter) {
  ModelDescription model = toyModel();
  model.dtype = ::moe::DType::BF16;
  std::string text = import(model);
  EXPECT_HAS(text, "moe.weight @l0.router : tensor<8x5xbf16> from \"r\"");
  EXPECT_HAS(text, "-> !moe.routing<8, 2, f32>\n    %experts");
  EXPECT_HAS(text,
             "tensor<?x8xbf16> {moe.name = \"logits\"}, tensor<?x2xi32> {moe.name = \"experts\"}, tensor<?x2xf32> "
             "{moe.name = \"weights\"}");
  model.blocks[0].router.output = Precision::Model;
  model.blocks[0].router.projection = Precision::F32;
  model.blocks[0].router.parameters = Precision::F32;
  text = import(model);
  EXPECT_HAS(text, "moe.weight @l0.router : tensor<8x5xf32> from \"r\"");
  EXPECT_HAS(text, "tensor<?x8xf32> {moe.name = \"logits\"}");
  EXPECT_HAS(text, "tensor<?x2xbf16> {moe.name = \"weights\"}");
}

TEST(ImportModel, BlocksOfOneShapeShareAKernel) {
  ModelDescription model = toyModel();
  for (int64_t i = 1; i < 5; ++i) {
    BlockDescription block = model.blocks[0];
    block.index = i;
    block.layer = 2 * i;
    block.router.weight.source = "other";
    if (i >= 3)
      block.router.renormalize = ::moe::Renormalize();
    model.blocks.push_back(block);
  }
  std::string text = import(model);
  EXPECT_EQ(count(text, "func.func @"), 2u);
  EXPECT_HAS(text, "moe.layer @moe2 block 2 = @toy(@l4.router, @l4.gate, @l4.up, @l4.down)");
  EXPECT_HAS(text, "moe.layer @moe3 block 3 = @toy_1(@l6.router, @l6.gate, @l6.up, @l6.down)");
  EXPECT_HAS(text, "moe.layer @moe4 block 4 = @toy_1(@l8.router, @l8.gate, @l8.up, @l8.down)");
}

TEST(ImportModel, ChoosesLayers) {
  ::moe::Expected<ModelDescription> model = ::moe::loadModel(zoo + "mixtral");
  ASSERT_TRUE(model.ok());
  mlir::moe::ImportOptions options;
  options.layers = {1};
  std::string text = import(*model, options);
  EXPECT_HAS(text, "moe.layer @moe1 block 1 = @mixtral(@l1.router");
  EXPECT_EQ(count(text, "@moe0"), 0u);
  options.layers = {0, 2};
  EXPECT_EQ(import(*model, options),
            "error: " + zoo + "mixtral/config.json: no MoE block 2; the model has 2, counted from 0");
}

TEST(ImportModel, RouterFeatures) {
  ModelDescription model = toyModel();
  ::moe::RouterDescription &router = model.blocks[0].router;
  router.bias = WeightDescription{"router_bias", "rb", {8}};
  router.selectionBias = WeightDescription{"selection_bias", "sb", {8}};
  router.score = ::moe::ScoreFunction::Sigmoid;
  router.over = ::moe::NormalizeOver::Each;
  router.groups = ::moe::ExpertGroups{4, 2, ::moe::GroupReduce::Top2Sum, ::moe::GroupMask::Zero};
  router.renormalize = ::moe::Renormalize{1.0, 1e-20, 0.0};
  router.scale = 2.5;
  std::string text = import(model);
  EXPECT_HAS(text, "moe.layer @moe0 block 0 = @toy(@l0.router, @l0.router_bias, @l0.selection_bias, @l0.gate");
  EXPECT_HAS(text, "moe.score.affine %arg0, %arg1 bias %arg2 :");
  EXPECT_HAS(text, "#moe.group_top_k<2, groups = 4, keep = 2, reduce = top2_sum, mask = zero>");
  EXPECT_HAS(text, "weigh #moe.sigmoid over each");
  EXPECT_HAS(text, "scale 2.5");
  EXPECT_HAS(text, "renormalize <eps = 9.99");

  model = toyModel();
  model.blocks[0].router.weightOn = ::moe::WeightOn::Input;
  model.blocks[0].router.rank = ::moe::RankBy::Logits;
  model.blocks[0].router.over = ::moe::NormalizeOver::Selected;
  text = import(model);
  EXPECT_HAS(text, "rank logits weigh #moe.softmax over selected");
  EXPECT_HAS(text, "moe.dispatch %arg0 by %routing weighted");
  EXPECT_HAS(text, "moe.combine %outputs by %routing sum");
}

TEST(ImportModel, Activations) {
  const std::pair<::moe::Activation, const char *> cases[] = {{::moe::Activation::Silu, "math.exp"},
                                                              {::moe::Activation::Gelu, "math.erf"},
                                                              {::moe::Activation::GeluTanh, "math.tanh"},
                                                              {::moe::Activation::Relu, "arith.maximumf"}};
  for (auto [activation, op] : cases) {
    ModelDescription model = toyModel();
    model.blocks[0].body.activation = activation;
    EXPECT_HAS(import(model), op);
    model.blocks[0].body.gate.reset();
    std::string text = import(model);
    EXPECT_HAS(text, op);
    EXPECT_HAS(text, "moe.layer @moe0 block 0 = @toy(@l0.router, @l0.up, @l0.down)");
  }
}

TEST(ImportModel, SquaredRelu) {
  ModelDescription model = toyModel();
  model.blocks[0].body.activation = ::moe::Activation::Relu2;
  model.blocks[0].body.gate.reset();
  std::string text = import(model);
  EXPECT_HAS(text, "arith.maximumf");
  EXPECT_HAS(text, "arith.mulf");
}

TEST(ImportModel, ScaledAndCappedLogits) {
  ModelDescription model = toyModel();
  model.blocks[0].router.softcap = 30;
  std::string text = import(model);
  EXPECT_HAS(text, "moe.map %logits");
  EXPECT_HAS(text, "3.000000e+01");
  EXPECT_HAS(text, "math.tanh");
  model.blocks[0].router.softcap = 0;
  model.blocks[0].router.logitScale = 0.375;
  text = import(model);
  EXPECT_HAS(text, "3.750000e-01");
  EXPECT_EQ(text.find("math.tanh"), std::string::npos);
}

TEST(ImportModel, NamesWhatItCannotDo) {
  auto problem = [](auto change) {
    ModelDescription model = toyModel();
    change(model.blocks[0]);
    return import(model);
  };
  EXPECT_EQ(problem([](BlockDescription &block) { block.router.scores = ::moe::Precision::Model; }),
            "error: moe0: scores in another format than f32 cannot be imported yet");
  EXPECT_EQ(problem([](BlockDescription &block) {
              block.body.activation = ::moe::Activation::Relu;
              block.body.sigmoidAlpha = 2;
            }),
            "error: moe0: a scaled argument of another activation than silu cannot be imported yet");
}

TEST(ImportModel, BiasesAndLimits) {
  ModelDescription model = toyModel();
  ::moe::FeedForwardDescription &body = model.blocks[0].body;
  body.gateBias = WeightDescription{"gate_bias", "gb", {8, 3}};
  body.upBias = WeightDescription{"up_bias", "ub", {8, 3}};
  body.downBias = WeightDescription{"down_bias", "db", {8, 5}};
  body.gateLimit = body.upLimit = 7;
  body.upOffset = 1;
  body.sigmoidAlpha = 1.702;
  model.dtype = ::moe::DType::BF16;
  std::string text = import(model);
  EXPECT_HAS(text, "@toy(@l0.router, @l0.gate, @l0.up, @l0.down, @l0.gate_bias, @l0.up_bias, @l0.down_bias)");
  EXPECT_HAS(text, "tensor<?x3xf32>, tensor<?x3xf32>, tensor<3xbf16>, tensor<3xbf16> -> tensor<?x3xbf16>");
  EXPECT_HAS(text, "tensor<?x5xf32>, tensor<5xbf16> -> tensor<?x5xf32>");
  EXPECT_HAS(text, "arith.constant -1.702");
  EXPECT_EQ(count(text, "arith.minimumf"), 2u);
  EXPECT_EQ(count(text, "arith.maximumf"), 1u);
}

TEST(ImportModel, PartsOfTensors) {
  ModelDescription model = toyModel();
  ::moe::FeedForwardDescription &body = model.blocks[0].body;
  body.gate = WeightDescription{"gate", "gu", {8, 3, 5}, true, ::moe::RowPart::Even};
  body.up = WeightDescription{"up", "gu", {8, 3, 5}, false, ::moe::RowPart::SecondHalf};
  body.gateBias = WeightDescription{"gate_bias", "b", {8, 3}, false, ::moe::RowPart::FirstHalf, /*vectors=*/true};
  body.upBias = WeightDescription{"up_bias", "b", {8, 3}, false, ::moe::RowPart::Odd, /*vectors=*/true};
  std::string text = import(model);
  EXPECT_HAS(text, "moe.weight @l0.gate : tensor<8x3x5xf32> from \"gu\" transposed part<rows 0 step 2 of 6>");
  EXPECT_HAS(text, "moe.weight @l0.up : tensor<8x3x5xf32> from \"gu\" part<rows 3 step 1 of 6>");
  EXPECT_HAS(text, "moe.weight @l0.gate_bias : tensor<8x3xf32> from \"b\" part<columns 0 step 1 of 6>");
  EXPECT_HAS(text, "moe.weight @l0.up_bias : tensor<8x3xf32> from \"b\" part<columns 1 step 2 of 6>");
}

TEST(ImportModel, SharedExperts) {
  ModelDescription model = toyModel();
  model.dtype = ::moe::DType::BF16;
  BlockDescription &block = model.blocks[0];
  ::moe::SharedExpertDescription shared;
  shared.body.width = 4;
  shared.body.gate = WeightDescription{"shared_gate", "sg", {4, 5}};
  shared.body.up = {"shared_up", "su", {4, 5}};
  shared.body.down = {"shared_down", "sd", {5, 4}};
  block.shared.push_back(shared);
  std::string text = import(model);
  EXPECT_HAS(text, "@toy(@l0.router, @l0.gate, @l0.up, @l0.down, @l0.shared_gate, @l0.shared_up, @l0.shared_down)");
  EXPECT_EQ(count(text, "moe.route "), 1u);
  EXPECT_HAS(text, "moe.combine %outputs by %routing weighted_sum : !moe.ragged<8, 5, f32>, !moe.routing<8, 2, f32> -> "
                   "tensor<?x5xf32>");
  EXPECT_HAS(text, ": tensor<?x5xf32>, tensor<?x5xf32> -> tensor<?x5xbf16>");

  shared.gate = WeightDescription{"shared_router", "sr", {1, 5}};
  shared.body.gate->shape = shared.body.up.shape = {1, 4, 5};
  shared.body.down.shape = {1, 5, 4};
  block.shared = {shared};
  block.router.scale = 3;
  block.router.scaleOn = ::moe::ScaleOn::Output;
  text = import(model);
  EXPECT_HAS(text, "@l0.shared_down, @l0.shared_router)");
  EXPECT_HAS(text, "select #moe.top_k<1> rank logits weigh #moe.sigmoid over each");
  EXPECT_HAS(text, "arith.constant 3.0");
  EXPECT_EQ(count(text, " scale 3"), 0u);
}
