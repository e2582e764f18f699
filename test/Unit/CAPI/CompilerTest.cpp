// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// The compiler through its C API: compile, run on weights in memory, look at the IR, and be told what is wrong.
//===----------------------------------------------------------------------===//
#include "moe-c/Compiler.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

static const char twoExperts[] = R"(
moe.weight @w : tensor<2x2x2xf32> from "w.{e}"
moe.layer @moe0 block 0 = @kernel(@w)
func.func @kernel(%x: tensor<?x2xf32>, %ids: tensor<?x1xi32>, %by: tensor<?x1xf32>, %w: tensor<2x2x2xf32>)
    -> tensor<?x2xf32> {
  %r = moe.make_routing %ids, %by : tensor<?x1xi32>, tensor<?x1xf32> -> !moe.routing<2, 1, f32>
  %rows = moe.dispatch %x by %r : tensor<?x2xf32>, !moe.routing<2, 1, f32> -> !moe.ragged<2, 2, f32>
  %y = moe.experts %rows weights %w : !moe.ragged<2, 2, f32>, tensor<2x2x2xf32> -> !moe.ragged<2, 2, f32> {
  ^bb0(%row: tensor<?x2xf32>, %m: tensor<2x2xf32>):
    %z = moe.linear %row, %m : tensor<?x2xf32>, tensor<2x2xf32> -> tensor<?x2xf32>
    moe.yield %z : tensor<?x2xf32>
  }
  %out = moe.combine %y by %r weighted_sum
      : !moe.ragged<2, 2, f32>, !moe.routing<2, 1, f32> -> tensor<?x2xf32>
  return %out : tensor<?x2xf32>
}
)";

static moe_compiler_options optionsFor(const char *text) {
  moe_compiler_options options = {};
  options.input = "<text>";
  options.text = text;
  options.random_weights = 1;
  return options;
}

/// Takes the text.
static std::string taken(char *text) {
  std::string copy = text ? text : "";
  moe_text_free(text);
  return copy;
}

TEST(Compiler, CompilesAndRunsOnTensorsInMemory) {
  moe_compiler_options options = optionsFor(twoExperts);
  moe_code *code = nullptr;
  ASSERT_EQ(moe_compile(&options, &code), MOE_OK) << moe_compiler_last_error();
  EXPECT_NE(std::string(moe_code_report(code)).find("moe0: block 0"), std::string::npos);
  moe_library *library = nullptr;
  ASSERT_EQ(moe_library_wrap(moe_code_library(code), &library), MOE_OK) << moe_last_error();

  float first[] = {1, 2, 3, 4}, second[] = {0, 1, 1, 0};
  int64_t shape[] = {2, 2};
  moe_named_tensor tensors[] = {{"w.0", first, shape, 2, MOE_F32, 0}, {"w.1", second, shape, 2, MOE_F32, 0}};
  moe_layer *layer = nullptr;
  ASSERT_EQ(moe_layer_load_tensors(library, 0, tensors, 2, nullptr, &layer), MOE_OK) << moe_last_error();
  for (float &value : first)
    value = -1; // packed: nobody looks here again

  float x[] = {1, 10, 1, 10, 1, 10}, by[] = {1, 2, 1}, y[6];
  int32_t ids[] = {0, 1, -1};
  moe_tensor in[] = {{x, 3, 2, 2, MOE_F32, 0}, {ids, 3, 1, 1, MOE_I32, 0}, {by, 3, 1, 1, MOE_F32, 0}};
  moe_tensor out[] = {{y, 3, 2, 2, MOE_F32, 0}};
  ASSERT_EQ(moe_layer_run(layer, in, out, nullptr, 0, nullptr), MOE_OK) << moe_last_error();
  EXPECT_EQ(std::vector<float>(y, y + 6), (std::vector<float>{21, 43, 20, 2, 0, 0}));

  // One is missing, one is named twice, one has another shape, one no data.
  moe_layer *none = nullptr;
  EXPECT_EQ(moe_layer_load_tensors(library, 0, tensors, 1, nullptr, &none), MOE_CHECKPOINT_ERROR);
  EXPECT_NE(std::string(moe_last_error()).find("w.1"), std::string::npos) << moe_last_error();
  tensors[1].name = "w.0";
  EXPECT_EQ(moe_layer_load_tensors(library, 0, tensors, 2, nullptr, &none), MOE_INVALID_ARGUMENT);
  tensors[1].name = "w.1";
  int64_t wrong[] = {4, 1};
  tensors[1].shape = wrong;
  EXPECT_EQ(moe_layer_load_tensors(library, 0, tensors, 2, nullptr, &none), MOE_CHECKPOINT_ERROR);
  tensors[1].shape = shape;
  tensors[1].data = nullptr;
  EXPECT_EQ(moe_layer_load_tensors(library, 0, tensors, 2, nullptr, &none), MOE_INVALID_ARGUMENT);
  moe_load_options load = {};
  load.random_weights = 1;
  EXPECT_EQ(moe_layer_load_tensors(library, 0, tensors, 2, &load, &none), MOE_INVALID_ARGUMENT);
  EXPECT_EQ(none, nullptr);

  moe_layer_free(layer);
  moe_library_close(library);
  moe_code_free(code);
}

TEST(Compiler, SaysWhatIsWrongInOneLine) {
  moe_compiler_options options = optionsFor("func.func @f(\n");
  moe_code *code = nullptr;
  EXPECT_EQ(moe_compile(&options, &code), MOE_INVALID_ARGUMENT);
  EXPECT_EQ(code, nullptr);
  std::string error = moe_compiler_last_error();
  EXPECT_EQ(error.rfind("<text>:", 0), 0u) << error;
  EXPECT_EQ(error.find('\n'), std::string::npos) << error;
  EXPECT_EQ(moe_compile(nullptr, &code), MOE_INVALID_ARGUMENT);
  char *text = nullptr;
  options = optionsFor(twoExperts);
  EXPECT_EQ(moe_compile_to_stage(&options, "nowhere", &text), MOE_INVALID_ARGUMENT);
  EXPECT_EQ(text, nullptr);
  EXPECT_EQ(moe_describe(MOE_TEST_SOURCE_DIR "/zoo/nobody", 0, &text), MOE_INVALID_ARGUMENT);
}

TEST(Compiler, GivesTexts) {
  moe_compiler_options options = optionsFor(twoExperts);
  char *text = nullptr;
  ASSERT_EQ(moe_compile_to_stage(&options, "grouped", &text), MOE_OK) << moe_compiler_last_error();
  EXPECT_NE(taken(text).find("moe.plan"), std::string::npos);
  ASSERT_EQ(moe_list_architectures(&text), MOE_OK);
  EXPECT_NE(taken(text).find("mixtral"), std::string::npos);
  ASSERT_EQ(moe_describe(MOE_TEST_SOURCE_DIR "/zoo/mixtral", 1, &text), MOE_OK) << moe_compiler_last_error();
  std::string json = taken(text);
  EXPECT_NE(json.find("\"model_type\":\"mixtral\""), std::string::npos) << json;
  EXPECT_NE(json.find("block_sparse_moe.experts.{e}.w1.weight"), std::string::npos) << json;
}

TEST(Compiler, ManyThreadsCompileAtOnce) {
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
  GTEST_SKIP() << "LLVM's locks are not seen by ThreadSanitizer";
#endif
#endif
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([] {
      moe_compiler_options options = optionsFor(twoExperts);
      moe_code *code = nullptr;
      ASSERT_EQ(moe_compile(&options, &code), MOE_OK) << moe_compiler_last_error();
      EXPECT_EQ(moe_code_library(code)->num_layers, 1);
      moe_code_free(code);
    });
  for (std::thread &thread : threads)
    thread.join();
}
