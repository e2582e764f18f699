// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The hand-written library of PlainLayer.c, its checkpoint, and handles that free themselves.
#ifndef MOE_TEST_UNIT_RUNTIME_MODEL_H
#define MOE_TEST_UNIT_RUNTIME_MODEL_H

#include "../Checkpoint/TempFolder.h"
#include "moe/Checkpoint/Checkpoint.h"
#include "moe/Runtime/Runtime.h"

#include <gtest/gtest.h>

#include <memory>
#include <numeric>
#include <string>
#include <vector>

struct Free {
  void operator()(moe_library *library) const { moe_library_close(library); }
  void operator()(moe_layer *layer) const { moe_layer_free(layer); }
  void operator()(moe_pool *pool) const { moe_pool_destroy(pool); }
};
using Library = std::unique_ptr<moe_library, Free>;
using Layer = std::unique_ptr<moe_layer, Free>;
using Pool = std::unique_ptr<moe_pool, Free>;

inline Pool makePool(int threads) {
  moe_pool *pool = nullptr;
  EXPECT_EQ(moe_pool_create(threads, &pool), MOE_OK) << moe_last_error();
  return Pool(pool);
}

inline Library openPlain() {
  moe_library *library = nullptr;
  EXPECT_EQ(moe_library_open(MOE_TEST_PLAIN_LAYER, &library), MOE_OK) << moe_last_error();
  return Library(library);
}

inline Library wrap(const moe_library_desc &desc) {
  moe_library *library = nullptr;
  EXPECT_EQ(moe_library_wrap(&desc, &library), MOE_OK) << moe_last_error();
  return Library(library);
}

inline Layer load(const Library &library, const moe_load_options &options) {
  moe_layer *layer = nullptr;
  EXPECT_EQ(moe_layer_load(library.get(), 0, &options, &layer), MOE_OK) << moe_last_error();
  return Layer(layer);
}

/// The checkpoint of PlainLayer.c: expert e holds 100 e + 1, 100 e + 2, ...
struct PlainCheckpoint {
  static constexpr int64_t experts = 2, rows = 5, cols = 3;

  PlainCheckpoint() {
    std::vector<moe::TensorToWrite> tensors;
    for (int64_t e = 0; e < experts; ++e) {
      values[e].resize(rows * cols);
      std::iota(values[e].begin(), values[e].end(), 100.f * float(e) + 1);
      tensors.push_back({"experts." + std::to_string(e) + ".weight", moe::DType::F32, {rows, cols}, values[e].data()});
    }
    auto written = moe::writeSafeTensors(folder.file("model.safetensors"), tensors);
    EXPECT_TRUE(written.ok());
  }

  moe_load_options options() const {
    moe_load_options options{};
    options.checkpoint = folder.path.c_str();
    return options;
  }

  TempFolder folder;
  std::vector<float> values[experts];
};

/// T rows of input and room for the outputs of PlainLayer.c; strides are wider than the rows.
struct PlainCall {
  static constexpr int64_t inStride = 7, outStride = 6;

  explicit PlainCall(int64_t tokens) : x(tokens * inStride), y(tokens * outStride, -1.f), ids(tokens, -1) {
    std::iota(x.begin(), x.end(), 1.f);
    inputs[0] = {x.data(), tokens, 3, inStride, MOE_F32, 0};
    outputs[0] = {y.data(), tokens, 5, outStride, MOE_F32, 0};
    outputs[1] = {ids.data(), tokens, 1, 1, MOE_I32, 0};
  }

  moe_status run(const Layer &layer, moe_pool *pool = nullptr, void *workspace = nullptr, size_t bytes = 0) {
    return moe_layer_run(layer.get(), inputs, outputs, workspace, bytes, pool);
  }

  std::vector<float> x, y;
  std::vector<int32_t> ids;
  moe_tensor inputs[1], outputs[2];
};

#endif // MOE_TEST_UNIT_RUNTIME_MODEL_H
