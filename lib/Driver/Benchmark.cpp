// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Benchmark.cpp - how long a layer takes -------------------------------------------------------------===//

#include "moe/Driver/Benchmark.h"

#include "moe/Driver/Cost.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

#include <chrono>
#include <set>

using namespace mlir::moe;
using ::moe::Error;

static double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Expected<std::vector<int64_t>> mlir::moe::parseTokens(const std::string &text) {
  std::vector<int64_t> tokens;
  for (llvm::StringRef part : llvm::split(text, ',')) {
    int64_t count;
    if (part.getAsInteger(10, count) || count < 1 || count > (INT64_C(1) << 24))
      return Error{"--tokens: expected numbers from 1 to 16777216 with commas between them, got '" + text + "'"};
    tokens.push_back(count);
  }
  return tokens;
}

/// Distinct experts among the chosen ones.
static int64_t touched(const std::vector<Tensor> &outputs) {
  std::set<int64_t> experts;
  for (const Tensor &output : outputs)
    if (output.name == "experts")
      for (int64_t i = 0; i < output.rows * output.cols; ++i)
        if (output.at(i) >= 0)
          experts.insert(int64_t(output.at(i)));
  return int64_t(experts.size());
}

namespace {

/// The layers that take turns, and the memory a call needs, so that nothing is allocated while the clock runs.
class Bench {
public:
  Bench(const Program &program, const RunOptions &options, moe_pool *pool)
      : desc(program.layer()), options(options), pool(pool) {}

  Expected<Unit> load(const Program &program);
  Expected<BenchmarkRow> time(int64_t tokens, double minSeconds);
  int copies() const { return int(layers.size()); }
  const moe_layer *first() const { return layers.front().get(); }
  const moe_variant_desc &variant() const { return *moe_layer_variant(layers.front().get()); }

private:
  const moe_layer_desc &desc;
  const RunOptions &options;
  moe_pool *pool;
  std::vector<LoadedLayer> layers;
};

} // namespace

Expected<Unit> Bench::load(const Program &program) {
  constexpr double enough = 1e9; // beyond the caches that a machine may share with its neighbours
  constexpr size_t most = 8;
  double bytes = 0;
  do {
    auto layer = program.load(options, pool, layers.size());
    if (!layer)
      return layer.error();
    layers.push_back(std::move(*layer));
    LayerCost cost(desc, variant());
    bytes += cost.sharedBytes + double(desc.experts) * cost.expertBytes;
  } while (bytes < enough && layers.size() < most);
  return Unit();
}

Expected<BenchmarkRow> Bench::time(int64_t tokens, double minSeconds) {
  BenchmarkRow row;
  row.tokens = tokens;
  // Other rows for every call, as other rows choose other experts.
  constexpr int inputs = 16;
  std::vector<std::vector<Tensor>> input;
  double experts = 0;
  for (int i = 0; i < inputs; ++i) {
    auto rows = inputRows(desc, "", "", tokens, options.seed + uint64_t(i) * 1000003 + uint64_t(tokens));
    if (!rows)
      return rows.error();
    input.push_back(std::move(*rows));
    auto outputs = runLayer(layers[size_t(i) % layers.size()].get(), input.back(), pool);
    if (!outputs)
      return outputs.error();
    experts += double(touched(*outputs)) / inputs;
  }
  auto outputs = runLayer(layers.front().get(), input.front(), pool);
  if (!outputs)
    return outputs.error();
  std::vector<moe_tensor> views;
  for (Tensor &output : *outputs)
    views.push_back(output.view());

  std::vector<double> times;
  double start = seconds(), now = start;
  while (now - start < minSeconds || times.size() < 5) {
    std::vector<moe_tensor> in;
    for (Tensor &tensor : input[times.size() % inputs])
      in.push_back(tensor.view());
    const moe_layer *layer = layers[times.size() % layers.size()].get();
    double before = seconds();
    if (moe_layer_run(layer, in.data(), views.data(), nullptr, 0, pool) != MOE_OK)
      return runtimeError();
    now = seconds();
    times.push_back(now - before);
  }
  std::sort(times.begin(), times.end());
  row.calls = int64_t(times.size());
  row.median = times[times.size() / 2];
  row.fastest = times.front();
  row.experts = experts > 0 ? experts : double(desc.experts);
  LayerCost cost(desc, variant());
  row.bytes = cost.bytes(double(tokens), row.experts);
  row.flops = cost.flops(double(tokens));
  return row;
}

Expected<BenchmarkResult> mlir::moe::benchmark(const Program &program, const RunOptions &run,
                                               const BenchmarkOptions &options) {
  auto pool = makePool(run.threads);
  if (!pool)
    return pool.error();
  Bench bench(program, run, pool->get());
  if (auto loaded = bench.load(program); !loaded)
    return loaded.error();
  BenchmarkResult result;
  const moe_layer_desc &desc = program.layer();
  result.layer = desc.name;
  result.level = bench.variant().level;
  result.dtype = desc.inputs[0].dtype == MOE_F32 ? "f32" : desc.inputs[0].dtype == MOE_BF16 ? "bf16" : "f16";
  result.experts = desc.experts;
  result.topK = desc.top_k;
  result.modelWidth = desc.model_width;
  result.expertWidth = desc.expert_width;
  result.threads = moe_pool_threads(pool->get());
  result.copies = bench.copies();
  result.packed = packedText(bench.first(), run);
  result.limits = MachineLimits::measure(pool->get());
  for (int64_t tokens : options.tokens) {
    auto row = bench.time(tokens, options.minSeconds);
    if (!row)
      return row.error();
    row->limit = std::max(row->bytes / std::max(result.limits.readBytesPerSecond, 1.0),
                          row->flops / std::max(result.limits.fmaFlopsPerSecond, 1.0));
    result.rows.push_back(*row);
  }
  return result;
}

static std::string timeText(double seconds) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << (seconds < 1e-3 ? llvm::format("%.1f us", seconds * 1e6) : llvm::format("%.3f ms", seconds * 1e3));
  return text;
}

std::string BenchmarkResult::text() const {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << layer << ": E = " << experts << ", K = " << topK << ", D = " << modelWidth << ", F = " << expertWidth << ", "
     << dtype << ", " << level << ", " << threads << " thread" << (threads == 1 ? "" : "s") << ", " << copies << " cop"
     << (copies == 1 ? "y" : "ies") << " of the weights in turn\n"
     << packed << "limits measured: read " << quantityText(limits.readBytesPerSecond, "B/s") << ", f32 multiply-add "
     << quantityText(limits.fmaFlopsPerSecond, "flop/s") << "\n\n";
  os << llvm::format("%7s %9s %12s %12s %10s %10s %10s\n", "T", "experts", "median", "fastest", "GB/s", "GFLOP/s",
                     "of limit");
  for (const BenchmarkRow &row : rows)
    os << llvm::format("%7lld %9.1f %12s %12s", (long long)row.tokens, row.experts, timeText(row.median).c_str(),
                       timeText(row.fastest).c_str())
       << llvm::format(" %10.2f %10.1f %9.0f%%\n", row.bytes / row.median / 1e9, row.flops / row.median / 1e9,
                       row.share() * 100);
  return text;
}

std::string BenchmarkResult::json() const {
  llvm::json::Array list;
  for (const BenchmarkRow &row : rows)
    list.push_back(llvm::json::Object{{"tokens", row.tokens},
                                      {"calls", row.calls},
                                      {"median_seconds", row.median},
                                      {"fastest_seconds", row.fastest},
                                      {"experts_touched", row.experts},
                                      {"bytes", row.bytes},
                                      {"flops", row.flops},
                                      {"limit_seconds", row.limit},
                                      {"share_of_limit", row.share()}});
  llvm::json::Value root = llvm::json::Object{{"layer", layer},
                                              {"level", level},
                                              {"dtype", dtype},
                                              {"experts", experts},
                                              {"top_k", topK},
                                              {"model_width", modelWidth},
                                              {"expert_width", expertWidth},
                                              {"threads", threads},
                                              {"copies", copies},
                                              {"read_bytes_per_second", limits.readBytesPerSecond},
                                              {"fma_flops_per_second", limits.fmaFlopsPerSecond},
                                              {"rows", std::move(list)}};
  std::string text;
  llvm::raw_string_ostream os(text);
  os << llvm::formatv("{0:2}", root) << "\n";
  return text;
}
