// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// A hand-written library from checkpoint to output, as a program would use it.
//===----------------------------------------------------------------------===//
#include "Model.h"

#include <thread>

static void expectCorrect(const PlainCall &call, const PlainCheckpoint &checkpoint, int64_t tokens) {
  for (int64_t t = 0; t < tokens; ++t) {
    ASSERT_EQ(call.ids[t], t % 2);
    for (int64_t n = 0; n < 5; ++n) {
      float sum = 0;
      for (int64_t k = 0; k < 3; ++k)
        sum += checkpoint.values[t % 2][n * 3 + k] * call.x[t * PlainCall::inStride + k];
      ASSERT_EQ(call.y[t * PlainCall::outStride + n], sum) << "token " << t << " column " << n;
    }
    ASSERT_EQ(call.y[t * PlainCall::outStride + 5], -1.f) << "wrote between the rows";
  }
}

TEST(Layer, RunsFromCheckpointToOutput) {
  PlainCheckpoint checkpoint;
  Library library = openPlain();
  ASSERT_EQ(moe_library_info(library.get())->num_layers, 1);
  Layer layer = load(library, checkpoint.options());
  EXPECT_STREQ(moe_layer_info(layer.get())->name, "moe0");
  EXPECT_STREQ(moe_layer_variant(layer.get())->level, "plain");
  for (int threads : {0, 1, 2, 3}) {
    Pool pool = threads ? makePool(threads) : nullptr;
    for (int64_t tokens : {1, 2, 33}) {
      PlainCall call(tokens);
      ASSERT_EQ(call.run(layer, pool.get()), MOE_OK) << moe_last_error();
      expectCorrect(call, checkpoint, tokens);
    }
  }
}

TEST(Layer, UsesTheCallersWorkspace) {
  PlainCheckpoint checkpoint;
  Layer layer = load(openPlain(), checkpoint.options());
  size_t bytes = 0;
  ASSERT_EQ(moe_layer_workspace_size(layer.get(), 4, &bytes), MOE_OK);
  ASSERT_EQ(bytes, 4 * 5 * sizeof(float));
  alignas(64) float workspace[24];
  std::fill(std::begin(workspace), std::end(workspace), -1.f);
  PlainCall call(4);
  ASSERT_EQ(call.run(layer, nullptr, workspace, bytes), MOE_OK) << moe_last_error();
  expectCorrect(call, checkpoint, 4);
  EXPECT_NE(workspace[19], -1.f);
  EXPECT_EQ(workspace[20], -1.f);
}

TEST(Layer, LivesLongerThanItsLibrary) {
  PlainCheckpoint checkpoint;
  Library library = openPlain();
  Layer layer = load(library, checkpoint.options());
  library.reset();
  PlainCall call(3);
  ASSERT_EQ(call.run(layer), MOE_OK);
  expectCorrect(call, checkpoint, 3);
}

TEST(Layer, NoTokensTouchNothing) {
  PlainCheckpoint checkpoint;
  Layer layer = load(openPlain(), checkpoint.options());
  PlainCall call(0);
  call.inputs[0].data = call.outputs[0].data = call.outputs[1].data = nullptr;
  EXPECT_EQ(call.run(layer), MOE_OK) << moe_last_error();
}

TEST(Layer, DropsOutputsNobodyWants) {
  PlainCheckpoint checkpoint;
  Layer layer = load(openPlain(), checkpoint.options());
  for (int64_t tokens : {1, 40, 3}) { // the spare workspace is too small, then large enough
    PlainCall call(tokens);
    call.outputs[1].data = nullptr;
    ASSERT_EQ(call.run(layer), MOE_OK) << moe_last_error();
    for (int64_t t = 0; t < tokens; ++t)
      call.ids[t] = int32_t(t % 2);
    expectCorrect(call, checkpoint, tokens);
    PlainCall other(tokens);
    other.outputs[0].data = nullptr;
    ASSERT_EQ(other.run(layer), MOE_OK) << moe_last_error();
    EXPECT_EQ(other.ids.back(), (tokens - 1) % 2);
  }
}

TEST(Layer, ManyThreadsRunOneLayer) {
  PlainCheckpoint checkpoint;
  Layer layer = load(openPlain(), checkpoint.options());
  Pool pool = makePool(2);
  std::vector<std::thread> callers;
  for (int c = 0; c < 4; ++c)
    callers.emplace_back([&, c] {
      for (int i = 0; i < 200; ++i) {
        PlainCall call(1 + (i + c) % 9);
        ASSERT_EQ(call.run(layer, pool.get()), MOE_OK);
        expectCorrect(call, checkpoint, 1 + (i + c) % 9);
      }
    });
  for (std::thread &caller : callers)
    caller.join();
}

TEST(Layer, ReadsTheDigest) {
  PlainCheckpoint checkpoint;
  auto opened = moe::Checkpoint::open(checkpoint.folder.path);
  ASSERT_TRUE(opened.ok());
  std::string digest = (*opened)->digest();
  moe_library_desc desc = *moe_library_info(openPlain().get());
  desc.digest = digest.c_str();
  desc.checkpoint = checkpoint.folder.path.c_str(); // and this path is the default
  moe_load_options options{};
  options.check_digest = 1;
  Library library = openPlain(); // keeps the code of the kernel in memory
  Library wrapped = wrap(desc);
  EXPECT_TRUE(load(wrapped, options));
}
