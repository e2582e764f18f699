// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- KernelTest.cpp - a kernel written by hand runs through the runtime, from memory and from a file ----===//

#include "../Checkpoint/TempFolder.h"
#include "Compile.h"

#include "moe/Checkpoint/SafeTensors.h"
#include "moe/Runtime/Runtime.h"
#include "moe/Target/Jit.h"
#include "moe/Target/SharedLibrary.h"

#include <cmath>
#include <thread>

using namespace mlir::moe;

namespace {

/// Numbers without a pattern that a wrong index could hit.
float value(int seed, int i) { return std::sin(float(seed * 37 + i * 11 + 1)); }

std::vector<float> values(int seed, int count) {
  std::vector<float> result;
  for (int i = 0; i < count; ++i)
    result.push_back(value(seed, i));
  return result;
}

constexpr int d = 3, e = 2;

/// The checkpoint that kernel.mlir names: layer 0 stores W as [N, K], layer 1 as [K, N].
struct Model {
  TempFolder folder;
  std::vector<float> router[2] = {values(1, e *d), values(2, e *d)};
  std::vector<float> w[2][2] = {{values(3, d *d), values(4, d *d)}, {values(5, d *d), values(6, d *d)}};

  Model() {
    std::vector<moe::TensorToWrite> tensors;
    for (int layer = 0; layer < 2; ++layer) {
      std::string prefix = "layers." + std::to_string(layer) + ".";
      tensors.push_back({prefix + "router", moe::DType::F32, {e, d}, router[layer].data()});
      for (int expert = 0; expert < e; ++expert)
        tensors.push_back(
            {prefix + "experts." + std::to_string(expert) + ".w", moe::DType::F32, {d, d}, w[layer][expert].data()});
    }
    EXPECT_TRUE(moe::writeSafeTensors(folder.file("model.safetensors"), tensors).ok());
  }

  float weight(int layer, int expert, int n, int k) const {
    return w[layer][expert][layer == 0 ? n * d + k : k * d + n];
  }
};

/// Runs one layer on T rows in strided buffers and compares every element.
void check(const moe_library *library, const Model &model, int layer, int tokens, moe_pool *pool) {
  moe_load_options options = {};
  options.checkpoint = model.folder.path.c_str();
  moe_layer *loaded = nullptr;
  ASSERT_EQ(moe_layer_load(library, layer, &options, &loaded), MOE_OK) << moe_last_error();
  constexpr int xStride = 5, yStride = 4;
  std::vector<float> x = values(9, tokens * xStride), y(tokens * yStride, -7.0f), logits(tokens * e);
  std::vector<int32_t> experts(tokens);
  moe_tensor input = {x.data(), tokens, d, xStride, MOE_F32, 0};
  moe_tensor outputs[] = {{y.data(), tokens, d, yStride, MOE_F32, 0},
                          {logits.data(), tokens, e, e, MOE_F32, 0},
                          {experts.data(), tokens, 1, 1, MOE_I32, 0}};
  ASSERT_EQ(moe_layer_run(loaded, &input, outputs, nullptr, 0, pool), MOE_OK) << moe_last_error();
  for (int t = 0; t < tokens; ++t) {
    double score[e] = {};
    for (int expert = 0; expert < e; ++expert) {
      for (int k = 0; k < d; ++k)
        score[expert] += double(x[t * xStride + k]) * model.router[layer][expert * d + k];
      EXPECT_NEAR(logits[t * e + expert], score[expert], 1e-5);
    }
    int best = score[1] > score[0];
    EXPECT_EQ(experts[t], best);
    for (int n = 0; n < d; ++n) {
      double sum = 0;
      for (int k = 0; k < d; ++k)
        sum += double(x[t * xStride + k]) * model.weight(layer, best, n, k);
      EXPECT_NEAR(y[t * yStride + n], std::exp(sum), 1e-5 * std::exp(sum)) << "row " << t << " column " << n;
    }
    EXPECT_EQ(y[t * yStride + d], -7.0f) << "written between rows";
  }
  moe_layer_free(loaded);
}

void checkAll(const moe_library *library) {
  Model model;
  moe_pool *pool = nullptr;
  ASSERT_EQ(moe_pool_create(2, &pool), MOE_OK);
  for (int layer = 0; layer < 2; ++layer)
    for (int tokens : {1, 7, 100}) {
      check(library, model, layer, tokens, nullptr);
      check(library, model, layer, tokens, pool);
    }
  moe_pool_destroy(pool);
}

std::unique_ptr<llvm::MemoryBuffer> tinyObject() {
  auto code = tinyCode();
  if (!code)
    return nullptr;
  auto object = code->object();
  EXPECT_TRUE(bool(object));
  return object ? std::move(*object) : nullptr;
}

} // namespace

TEST(Kernel, RunsFromMemory) {
  auto object = tinyObject();
  ASSERT_TRUE(object);
  auto jit = JitLibrary::load(std::move(object));
  ASSERT_TRUE(bool(jit)) << llvm::toString(jit.takeError());
  moe_library *library = nullptr;
  ASSERT_EQ(moe_library_wrap((*jit)->descriptor(), &library), MOE_OK) << moe_last_error();
  checkAll(library);
  moe_library_close(library);
}

TEST(Kernel, RunsFromAFile) {
  auto object = tinyObject();
  ASSERT_TRUE(object);
  TempFolder folder;
  std::string path = folder.file("tiny.so");
  llvm::Error error = linkSharedLibrary(object->getMemBufferRef(), path);
  ASSERT_FALSE(bool(error)) << llvm::toString(std::move(error));
  moe_library *library = nullptr;
  ASSERT_EQ(moe_library_open(path.c_str(), &library), MOE_OK) << moe_last_error();
  checkAll(library);
  moe_library_close(library);
  size_t files = 0;
  for ([[maybe_unused]] const auto &entry : std::filesystem::directory_iterator(folder.path))
    ++files;
  EXPECT_EQ(files, 1u) << "temporary files were left behind";
}

TEST(Kernel, DescriptorSaysWhatTheModuleSaid) {
  auto object = tinyObject();
  ASSERT_TRUE(object);
  auto jit = JitLibrary::load(std::move(object));
  ASSERT_TRUE(bool(jit)) << llvm::toString(jit.takeError());
  const moe_library_desc &desc = *(*jit)->descriptor();
  EXPECT_EQ(desc.abi_version, MOE_ABI_VERSION);
  EXPECT_EQ(llvm::StringRef(desc.compiler).substr(0, 9), "moe-mlir ");
  EXPECT_STREQ(desc.model_type, "tiny");
  EXPECT_STREQ(desc.checkpoint, "some/folder");
  EXPECT_STREQ(desc.digest, "0123abcd");
  ASSERT_EQ(desc.num_layers, 2);
  const moe_layer_desc &layer = desc.layers[1];
  EXPECT_STREQ(layer.name, "moe1");
  EXPECT_EQ(layer.block, 1);
  EXPECT_EQ(layer.experts, 2); // from the shapes: this layer has no info
  EXPECT_EQ(layer.top_k, 1);
  EXPECT_EQ(layer.model_width, 3);
  EXPECT_EQ(layer.expert_width, 3);
  ASSERT_EQ(layer.num_inputs, 1);
  EXPECT_STREQ(layer.inputs[0].name, "input");
  EXPECT_EQ(layer.inputs[0].shape[0], -1);
  EXPECT_EQ(layer.inputs[0].shape[1], 3);
  ASSERT_EQ(layer.num_outputs, 3);
  EXPECT_STREQ(layer.outputs[2].name, "experts");
  EXPECT_EQ(layer.outputs[2].dtype, MOE_I32);
  ASSERT_EQ(layer.num_variants, 1);
  const moe_variant_desc &variant = layer.variants[0];
  EXPECT_STREQ(variant.level, "x86-64-v3");
  EXPECT_EQ(variant.required_features, MOE_CPU_AVX2_FMA);
  EXPECT_EQ(variant.workspace_size(10), 160);
  EXPECT_EQ(variant.run, desc.layers[0].variants[0].run) << "layers of one shape share a kernel";
  ASSERT_EQ(variant.num_weights, 2);
  const moe_weight_desc &weight = variant.weights[1];
  EXPECT_STREQ(weight.symbol, "l1.w");
  EXPECT_EQ(weight.experts, 2);
  EXPECT_EQ(weight.panel, 2);
  EXPECT_EQ(weight.k_group, 1);
  EXPECT_EQ(weight.dtype, MOE_F32);
  ASSERT_EQ(weight.num_sources, 1);
  EXPECT_STREQ(weight.sources[0].name, "layers.1.experts.{e}.w");
  EXPECT_EQ(weight.sources[0].rows, 3);
  EXPECT_EQ(weight.sources[0].cols, 3);
  EXPECT_EQ(weight.sources[0].transposed, 1);
}

TEST(Kernel, RandomWeightsNeedNoCheckpoint) {
  auto object = tinyObject();
  ASSERT_TRUE(object);
  auto jit = JitLibrary::load(std::move(object));
  ASSERT_TRUE(bool(jit));
  moe_library *library = nullptr;
  ASSERT_EQ(moe_library_wrap((*jit)->descriptor(), &library), MOE_OK);
  moe_load_options options = {};
  options.random_weights = 1;
  moe_layer *layer = nullptr;
  ASSERT_EQ(moe_layer_load(library, 0, &options, &layer), MOE_OK) << moe_last_error();
  float x[d] = {1, 2, 3}, y[d] = {};
  moe_tensor input = {x, 1, d, d, MOE_F32, 0};
  moe_tensor outputs[] = {{y, 1, d, d, MOE_F32, 0}, {nullptr, 1, e, e, MOE_F32, 0}, {nullptr, 1, 1, 1, MOE_I32, 0}};
  EXPECT_EQ(moe_layer_run(layer, &input, outputs, nullptr, 0, nullptr), MOE_OK) << moe_last_error();
  EXPECT_GT(y[0], 0.0f);
  moe_layer_free(layer);
  moe_library_close(library);
}

TEST(Kernel, CompilesOnSeveralThreadsAtOnce) {
  // Contexts of their own, as LLVM and the linker must share nothing.
  std::vector<std::string> errors(3);
  std::vector<std::thread> threads;
  TempFolder folder;
  for (size_t i = 0; i < errors.size(); ++i)
    threads.emplace_back([&, i] {
      mlir::DialectRegistry registry;
      registerAllDialects(registry);
      mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
      auto module = mlir::parseSourceFile<mlir::ModuleOp>(MOE_TINY_KERNEL, &context);
      mlir::PassManager passes(&context);
      buildTargetPipeline(passes);
      if (failed(passes.run(*module))) {
        errors[i] = "the pipeline failed";
        return;
      }
      auto code = NativeCode::create(*module);
      if (!code) {
        errors[i] = llvm::toString(code.takeError());
        return;
      }
      auto object = (*code)->object();
      if (!object) {
        errors[i] = llvm::toString(object.takeError());
        return;
      }
      if (auto error = linkSharedLibrary((*object)->getMemBufferRef(), folder.file(std::to_string(i) + ".so")))
        errors[i] = llvm::toString(std::move(error));
    });
  for (std::thread &thread : threads)
    thread.join();
  std::string first;
  for (size_t i = 0; i < errors.size(); ++i) {
    EXPECT_EQ(errors[i], "");
    std::ifstream file(folder.file(std::to_string(i) + ".so"), std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    EXPECT_GT(bytes.size(), 1000u);
    if (i == 0)
      first = bytes;
    else
      EXPECT_TRUE(bytes == first) << "compiling the same module twice gave other bytes";
  }
}
