// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// Every status a caller can cause, with its one line of text. MOE_INTERNAL has no known cause and no test.
//===----------------------------------------------------------------------===//
#include "Model.h"

#include <filesystem>

#define EXPECT_FAILS(STATUS, CALL, TEXT)                                                                               \
  do {                                                                                                                 \
    EXPECT_EQ(CALL, STATUS) << moe_last_error();                                                                       \
    EXPECT_NE(std::string(moe_last_error()).find(TEXT), std::string::npos) << "got: " << moe_last_error();             \
    EXPECT_EQ(std::string(moe_last_error()).find('\n'), std::string::npos);                                            \
  } while (0)

/// Copies of the descriptor of PlainLayer.c, to be spoilt one field at a time.
struct Changeable {
  Changeable() {
    desc = *moe_library_info(library.get());
    layer = desc.layers[0];
    variant = layer.variants[0];
    weight = variant.weights[0];
    source = weight.sources[0];
    desc.layers = &layer;
    layer.variants = &variant;
    variant.weights = &weight;
    weight.sources = &source;
  }

  moe_status wrapOnly() {
    moe_library *wrapped = nullptr;
    moe_status status = moe_library_wrap(&desc, &wrapped);
    EXPECT_EQ(wrapped == nullptr, status != MOE_OK);
    moe_library_close(wrapped);
    return status;
  }

  moe_status loadFrom(moe_load_options options) {
    Library wrapped = wrap(desc);
    moe_layer *loaded = reinterpret_cast<moe_layer *>(1);
    moe_status status = moe_layer_load(wrapped.get(), 0, &options, &loaded);
    EXPECT_EQ(loaded == nullptr, status != MOE_OK);
    moe_layer_free(loaded);
    return status;
  }

  Library library = openPlain();
  moe_library_desc desc;
  moe_layer_desc layer;
  moe_variant_desc variant;
  moe_weight_desc weight;
  moe_source_desc source;
};

TEST(Status, Names) {
  EXPECT_STREQ(moe_status_name(MOE_OK), "MOE_OK");
  EXPECT_STREQ(moe_status_name(MOE_INTERNAL), "MOE_INTERNAL");
  EXPECT_STREQ(moe_status_name(moe_status(15)), "unknown status");
}

TEST(Status, Pool) {
  moe_pool *pool = nullptr;
  EXPECT_FAILS(MOE_INVALID_ARGUMENT, moe_pool_create(2, nullptr), "pool is null");
  EXPECT_FAILS(MOE_INVALID_ARGUMENT, moe_pool_create(-1, &pool), "expected 0 to 4096 threads, got -1");
  EXPECT_EQ(pool, nullptr);
  EXPECT_EQ(moe_pool_create(1, &pool), MOE_OK);
  EXPECT_STREQ(moe_last_error(), ""); // of the last call, which did not fail
  moe_pool_destroy(pool);
  moe_pool_destroy(nullptr);
}

TEST(Status, OpeningLibraries) {
  moe_library *library = nullptr;
  EXPECT_FAILS(MOE_INVALID_ARGUMENT, moe_library_open(nullptr, &library), "null");
  EXPECT_FAILS(MOE_IO_ERROR, moe_library_open("/nowhere/x.so", &library), "/nowhere/x.so: expected a shared library");
  TempFolder folder;
  std::string text = folder.write("text.so", "not a library");
  EXPECT_FAILS(MOE_IO_ERROR, moe_library_open(text.c_str(), &library), "cannot be opened as a shared library");
  EXPECT_FAILS(MOE_INVALID_ARGUMENT, moe_library_wrap(nullptr, &library), "null");
  EXPECT_EQ(library, nullptr);
  moe_library_close(nullptr);
}

TEST(Status, Descriptors) {
  Changeable good;
  EXPECT_EQ(good.wrapOnly(), MOE_OK) << moe_last_error();
  Changeable old;
  old.desc.abi_version = MOE_ABI_VERSION + 1;
  std::string versions = std::to_string(MOE_ABI_VERSION) + ", got " + std::to_string(MOE_ABI_VERSION + 1);
  EXPECT_FAILS(MOE_ABI_MISMATCH, old.wrapOnly(), "expected ABI version " + versions + "; compile the model again");
  Changeable noVariant;
  noVariant.layer.num_variants = 0;
  EXPECT_FAILS(MOE_INVALID_ARGUMENT, noVariant.wrapOnly(), "no variant");
  Changeable manyInputs;
  manyInputs.layer.num_inputs = 17;
  EXPECT_FAILS(MOE_INVALID_ARGUMENT, manyInputs.wrapOnly(), "operands are malformed");
  Changeable noRun;
  noRun.variant.run = nullptr;
  EXPECT_FAILS(MOE_INVALID_ARGUMENT, noRun.wrapOnly(), "variant is malformed");
  for (int change = 0; change < 11; ++change) {
    Changeable bad;
    if (change == 0)
      bad.weight.k_group = 0;
    else if (change == 1)
      bad.weight.dtype = MOE_I32;
    else if (change == 2)
      bad.source.rows = 0;
    else if (change == 3)
      bad.source.rows = bad.source.cols = INT64_C(1) << 40;
    else if (change == 4)
      bad.weight.panel = INT64_MAX;
    else if (change == 5)
      bad.source.stored_rows -= 1;
    else if (change == 6)
      bad.source.row_begin = 1; // the last row is none of those stored
    else if (change == 7)
      bad.source.row_begin = -1;
    else if (change == 8)
      bad.source.row_step = 0;
    else if (change == 9)
      bad.source.row_step = INT64_MAX;
    else
      bad.weight.experts = 0;
    EXPECT_FAILS(MOE_INVALID_ARGUMENT, bad.wrapOnly(), "weight is malformed");
  }
}

TEST(Status, UnusedExperts) {
  auto expectFault = [](std::vector<moe_expert_range> ranges, int64_t count) {
    Changeable bad;
    bad.weight.unused = ranges.data();
    bad.weight.num_unused = count;
    EXPECT_FAILS(MOE_INVALID_ARGUMENT, bad.wrapOnly(), "weight is malformed");
  };
  expectFault({{0, 3}}, 1);         // beyond the two experts
  expectFault({{1, 1}}, 1);         // empty
  expectFault({{-1, 1}}, 1);        // before the first
  expectFault({{1, 2}, {0, 1}}, 2); // descending
  expectFault({{0, 1}}, -1);
  expectFault({}, 1); // null
  Changeable good;
  moe_expert_range all = {0, 2};
  good.weight.unused = &all;
  good.weight.num_unused = 1;
  EXPECT_EQ(good.wrapOnly(), MOE_OK) << moe_last_error();
}

TEST(Status, UnsupportedCpu) {
  PlainCheckpoint checkpoint;
  Changeable model;
  model.variant.level = "avx512-bf16";
  model.variant.required_features = MOE_CPU_AVX512_BF16 | UINT64_C(1) << 40;
  setenv("MOE_CPU_FEATURES_MASK", "1", 1);
  if (moe_cpu_features() & MOE_CPU_AVX2_FMA)
    EXPECT_FAILS(
        MOE_UNSUPPORTED_CPU, model.loadFrom(checkpoint.options()),
        "moe0: built for avx512-bf16 (avx512-bf16 unknown-10000000000); this machine has avx2+fma; compile again "
        "with --cpu=x86-64-v3");
  setenv("MOE_CPU_FEATURES_MASK", "0", 1);
  EXPECT_FAILS(MOE_UNSUPPORTED_CPU, model.loadFrom(checkpoint.options()), "this machine has none");
  unsetenv("MOE_CPU_FEATURES_MASK");
}

TEST(Status, ChoosesTheFirstVariantThatRuns) {
  PlainCheckpoint checkpoint;
  Changeable model;
  moe_variant_desc variants[2] = {model.variant, model.variant};
  variants[0].required_features = UINT64_C(1) << 40;
  variants[1].level = "second";
  model.layer.variants = variants;
  model.layer.num_variants = 2;
  Layer layer = load(wrap(model.desc), checkpoint.options());
  EXPECT_STREQ(moe_layer_variant(layer.get())->level, "second");
}

TEST(Status, Checkpoints) {
  PlainCheckpoint checkpoint;
  moe_load_options options = checkpoint.options(), none{};
  Changeable model;
  EXPECT_FAILS(MOE_INVALID_ARGUMENT, model.loadFrom(none), "expected a checkpoint folder, got none");
  none.checkpoint = "/nowhere";
  EXPECT_FAILS(MOE_IO_ERROR, model.loadFrom(none), "/nowhere: expected a checkpoint folder that can be read");
  TempFolder empty;
  none.checkpoint = empty.path.c_str();
  EXPECT_FAILS(MOE_CHECKPOINT_ERROR, model.loadFrom(none), empty.path);

  model.desc.digest = "0123456789abcdef";
  EXPECT_EQ(model.loadFrom(options), MOE_OK) << moe_last_error();
  options.check_digest = 1;
  EXPECT_FAILS(MOE_CHECKPOINT_ERROR, model.loadFrom(options), "digest of the headers 0123456789ab");
  options.check_digest = 0;

  model.source.name = "experts.{e}.other";
  EXPECT_FAILS(MOE_CHECKPOINT_ERROR, model.loadFrom(options), "'experts.0.other' (weight 'up' of moe0), got none");
  model.source.name = "experts.{e}.weight";
  model.weight.experts = 3;
  EXPECT_FAILS(MOE_CHECKPOINT_ERROR, model.loadFrom(options), "'experts.2.weight'");
  model.weight.experts = 2;
  model.source.rows = model.source.stored_rows = 6;
  EXPECT_FAILS(MOE_CHECKPOINT_ERROR, model.loadFrom(options),
               "tensor 'experts.0.weight': expected shape [6, 3], got [5, 3]");
  model.source.rows = model.source.stored_rows = 5;
  model.source.transposed = 1;
  EXPECT_FAILS(MOE_CHECKPOINT_ERROR, model.loadFrom(options), "expected shape [3, 5], got [5, 3]");

  TempFolder integers;
  int8_t bytes[15] = {};
  ASSERT_TRUE(
      moe::writeSafeTensors(integers.file("model.safetensors"), {{"experts.0.weight", moe::DType::I8, {5, 3}, bytes},
                                                                 {"experts.1.weight", moe::DType::I8, {5, 3}, bytes}})
          .ok());
  Changeable other;
  options.checkpoint = integers.path.c_str();
  EXPECT_FAILS(MOE_CHECKPOINT_ERROR, other.loadFrom(options), "expected F32, BF16 or F16, got I8");
}

TEST(Status, CheckpointChangedAfterOpening) {
  PlainCheckpoint checkpoint;
  Library library = openPlain();
  moe_load_options options = checkpoint.options();
  load(library, options);
  std::filesystem::resize_file(checkpoint.folder.file("model.safetensors"), 100);
  moe_layer *layer = nullptr;
  EXPECT_FAILS(MOE_IO_ERROR, moe_layer_load(library.get(), 0, &options, &layer), "model.safetensors");
  EXPECT_EQ(layer, nullptr);
  // The files are looked at anew, and there is no checkpoint any more.
  EXPECT_FAILS(MOE_CHECKPOINT_ERROR, moe_layer_load(library.get(), 0, &options, &layer), "model.safetensors");
}

TEST(Status, LayerIndex) {
  Library library = openPlain();
  moe_layer *layer = nullptr;
  EXPECT_FAILS(MOE_INVALID_ARGUMENT, moe_layer_load(library.get(), 1, nullptr, &layer), "index from 0 to 0, got 1");
  EXPECT_FAILS(MOE_INVALID_ARGUMENT, moe_layer_load(library.get(), -1, nullptr, &layer), "got -1");
  EXPECT_FAILS(MOE_INVALID_ARGUMENT, moe_layer_load(nullptr, 0, nullptr, &layer), "null");
  EXPECT_FAILS(MOE_INVALID_ARGUMENT, moe_layer_load(library.get(), 0, nullptr, nullptr), "null");
}

class RunStatus : public testing::Test {
protected:
  moe_status run(void *workspace = nullptr, size_t bytes = 0) { return call.run(layer, nullptr, workspace, bytes); }

  PlainCheckpoint checkpoint;
  Layer layer = load(openPlain(), checkpoint.options());
  PlainCall call{4};
};

TEST_F(RunStatus, Arguments) {
  EXPECT_FAILS(MOE_INVALID_ARGUMENT, moe_layer_run(nullptr, call.inputs, call.outputs, nullptr, 0, nullptr), "null");
  EXPECT_FAILS(MOE_INVALID_ARGUMENT, moe_layer_run(layer.get(), nullptr, call.outputs, nullptr, 0, nullptr), "null");
  EXPECT_FAILS(MOE_INVALID_ARGUMENT, moe_layer_run(layer.get(), call.inputs, nullptr, nullptr, 0, nullptr), "null");
  auto fails = [&](auto change, const char *text) {
    call = PlainCall(4);
    change();
    EXPECT_FAILS(MOE_INVALID_ARGUMENT, run(), text);
    for (float value : call.y)
      ASSERT_EQ(value, -1.f); // nothing was written
  };
  fails([&] { call.inputs[0].dtype = MOE_BF16; }, "moe0: input: expected moe_dtype 1, got 2");
  fails([&] { call.inputs[0].cols = 4; }, "moe0: input: expected columns 3, got 4");
  fails([&] { call.inputs[0].stride = 2; }, "moe0: input: expected a stride of at least 3, got 2");
  fails([&] { call.inputs[0].rows = -1; }, "moe0: input: expected rows -1, got -1");
  fails([&] { call.inputs[0].data = nullptr; }, "moe0: input: expected data, got null");
  fails([&] { call.inputs[0].data = reinterpret_cast<char *>(call.x.data()) + 2; },
        "aligned to its element of 4 bytes");
  fails([&] { call.inputs[0].stride = INT64_MAX; }, "overflow");
  fails([&] { call.outputs[0].rows = 3; }, "moe0: output: expected rows 4, got 3");
  fails([&] { call.outputs[1].dtype = MOE_F32; }, "moe0: experts: expected moe_dtype 4, got 1");
}

TEST_F(RunStatus, Workspaces) {
  alignas(64) char workspace[256];
  EXPECT_FAILS(MOE_WORKSPACE_TOO_SMALL, run(workspace, 79), "at least 80 bytes for 4 tokens, got 79");
  EXPECT_FAILS(MOE_INVALID_ARGUMENT, run(workspace + 4, 80), "aligned to 64 bytes");
  EXPECT_EQ(run(workspace, 80), MOE_OK);
  size_t bytes = 1;
  EXPECT_FAILS(MOE_INVALID_ARGUMENT, moe_layer_workspace_size(layer.get(), -1, &bytes), "got -1");
  EXPECT_EQ(bytes, 0u);
  EXPECT_FAILS(MOE_INVALID_ARGUMENT, moe_layer_workspace_size(layer.get(), INT64_MAX, &bytes), "can be addressed");
  EXPECT_FAILS(MOE_INVALID_ARGUMENT, moe_layer_workspace_size(nullptr, 1, &bytes), "null");
}

TEST(Status, OutOfMemory) {
  PlainCheckpoint checkpoint;
  Changeable model;
  model.variant.workspace_size = [](int64_t) { return INT64_C(1) << 61; };
  Layer layer = load(wrap(model.desc), checkpoint.options());
  PlainCall call(2);
  EXPECT_FAILS(MOE_OUT_OF_MEMORY, call.run(layer), "out of memory");
  // The same for weights: an expert of 2^56 bytes.
  Changeable large;
  large.source.rows = large.source.stored_rows = large.source.cols = INT64_C(1) << 27;
  moe_load_options options{};
  options.random_weights = 1;
  EXPECT_FAILS(MOE_OUT_OF_MEMORY, large.loadFrom(options), "out of memory");
}
