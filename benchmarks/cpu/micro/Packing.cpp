// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// Loading a weight: read from a checkpoint in the page cache, converted and packed. Bytes are those read from the
// checkpoint and those of the packed weight; shares are of a copy by as many threads into memory that is new as well.
//===----------------------------------------------------------------------===//
#include "Bench.h"
#include "moe/Checkpoint/SafeTensors.h"

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

namespace {

struct Case {
  const char *name;
  moe::DType from;
  int64_t rows, cols, experts;
  int sources;
  bool transposed;
  int64_t panel, kGroup;
  int32_t to;
  const char *format; // null: none
};

// The layouts are those of the levels avx512-bf16 and x86-64-v4 for OLMoE's layer (D 2048, F 1024).
const Case cases[] = {
    {"bf16_gate_up", moe::DType::BF16, 1024, 2048, 32, 2, false, 32, 2, MOE_BF16, nullptr},
    {"bf16_down", moe::DType::BF16, 2048, 1024, 64, 1, false, 64, 2, MOE_BF16, nullptr},
    {"bf16_stored_transposed", moe::DType::BF16, 2048, 1024, 64, 1, true, 64, 2, MOE_BF16, nullptr},
    {"bf16_to_f32", moe::DType::BF16, 1024, 2048, 32, 1, false, 64, 1, MOE_F32, nullptr},
    {"f32_gate_up", moe::DType::F32, 1024, 2048, 16, 2, false, 32, 1, MOE_F32, nullptr},
    {"f32_to_bf16", moe::DType::F32, 2048, 1024, 32, 1, false, 64, 2, MOE_BF16, nullptr},
    {"bf16_to_int8", moe::DType::BF16, 2048, 1024, 32, 1, false, 64, 4, 0, "int8"},
    {"bf16_to_int4:g32", moe::DType::BF16, 2048, 1024, 32, 1, false, 64, 4, 0, "int4:g32"},
    {"bf16_to_int4:g128", moe::DType::BF16, 2048, 1024, 32, 1, false, 64, 4, 0, "int4:g128"},
    {"bf16_to_int4:g32:zp", moe::DType::BF16, 2048, 1024, 32, 1, false, 64, 4, 0, "int4:g32:zp"},
    {"bf16_to_mxfp4", moe::DType::BF16, 2048, 1024, 32, 1, false, 64, 4, 0, "mxfp4"},
    {"bf16_to_fp8:g128", moe::DType::BF16, 2048, 1024, 32, 1, false, 64, 1, 0, "fp8:g128"},
};

/// A library with the one weight, and its checkpoint in a temporary folder.
class OneWeight {
public:
  explicit OneWeight(const Case &what) {
    folder = std::filesystem::temp_directory_path() / "moe-micro-XXXXXX";
    if (!mkdtemp(folder.data()))
      std::abort();
    const int64_t size = what.from == moe::DType::F32 ? 4 : 2;
    sourceBytes = what.rows * what.cols * what.experts * what.sources * size;
    std::vector<char> data(size_t(sourceBytes / what.sources));
    std::minstd_rand random(1);
    for (size_t i = 0; i < data.size(); i += size_t(size)) { // small numbers of either sign
      float value = (float(random() % 65536) - 32768) / 32768;
      uint32_t bits;
      std::memcpy(&bits, &value, 4);
      bits >>= size == 2 ? 16 : 0;
      std::memcpy(&data[i], &bits, size_t(size));
    }
    std::vector<moe::TensorToWrite> tensors;
    for (int s = 0; s < what.sources; ++s) {
      names.push_back("w" + std::to_string(s));
      std::vector<int64_t> shape = {what.experts, what.transposed ? what.cols : what.rows,
                                    what.transposed ? what.rows : what.cols};
      tensors.push_back({names.back(), what.from, shape, data.data()});
    }
    if (!moe::writeSafeTensors(folder + "/model.safetensors", tensors).ok())
      std::abort();
    for (const std::string &name : names)
      sources.push_back({name.c_str(), what.rows, what.cols, 0, 1, what.rows, what.transposed, 0});
    weight = {"w", sources.data(), int64_t(sources.size()), what.experts, what.panel, what.kGroup, what.to, 0, nullptr,
              0,   what.format};
    variant = {"any", 0, &weight, 1, [](int64_t) { return int64_t(0); }, [](const moe_kernel_args *) {}};
    layer = {"moe0", 0, what.experts, 1, what.cols, what.rows, &input, 1, nullptr, 0, &variant, 1};
    desc = {MOE_ABI_VERSION, "moe-micro", "", "", "", &layer, 1};
    if (moe_library_wrap(&desc, &library) != MOE_OK)
      std::abort();
    const bool bytes = what.format && (what.format == std::string("int8") || what.format == std::string("fp8:g128"));
    double bits = what.to == MOE_F32 ? 32 : what.to ? 16 : bytes ? 8 : 4;
    packedBytes = double(what.rows * what.cols * what.experts * what.sources) * bits / 8;
  }
  ~OneWeight() {
    moe_library_close(library);
    std::filesystem::remove_all(folder);
  }

  std::string folder;
  moe_library *library = nullptr;
  int64_t sourceBytes;
  double packedBytes; // without scales

private:
  std::vector<std::string> names;
  std::vector<moe_source_desc> sources;
  moe_operand_desc input = {"input", 2, {-1, 1}, MOE_F32, 0};
  moe_weight_desc weight;
  moe_variant_desc variant;
  moe_layer_desc layer;
  moe_library_desc desc;
};

} // namespace

static void pack(benchmark::State &state, const Case &what) {
  const int threads = int(state.range(0));
  OneWeight model(what);
  moe_load_options options{};
  options.checkpoint = model.folder.c_str();
  options.pool = bench::pool(threads);
  for (auto _ : state) {
    moe_layer *layer = nullptr;
    if (moe_layer_load(model.library, 0, &options, &layer) != MOE_OK)
      state.SkipWithError(moe_last_error());
    state.PauseTiming(); // what freeing costs is not part of a load
    moe_layer_free(layer);
    state.ResumeTiming();
  }
  double all = double(model.sourceBytes) + model.packedBytes;
  using benchmark::Counter;
  auto rate = [&](double of) { return Counter(all / of, Counter::kIsIterationInvariantRate); };
  state.counters["GB/s"] = rate(1e9);
  state.counters["of_fresh_copy"] = rate(bench::limits(threads).freshCopyBytes);
  state.counters["of_copy"] = rate(bench::limits(threads).copyBytes);
}

[[maybe_unused]] static const bool registered = [] {
  for (const Case &what : cases)
    benchmark::RegisterBenchmark(("pack/" + std::string(what.name)).c_str(), pack, what)
        ->ArgName("threads")
        ->Arg(1)
        ->Arg(0)
        ->UseRealTime()
        ->Iterations(1)
        ->Repetitions(16) // the system hands out pages faster or slower, so the median counts
        ->DisplayAggregatesOnly()
        ->Unit(benchmark::kMillisecond);
  return true;
}();
