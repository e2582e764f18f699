// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// Pieces of a layer, each compiled alone in this process: one product by shape and number of rows, and the router. Data
// is random; several copies of the weights take turns where one would stay in the caches.
//===----------------------------------------------------------------------===//
#include "Bench.h"
#include "moe/Driver/Run.h"
#include "moe/InitAll.h"

#include "mlir/IR/MLIRContext.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <unistd.h>

using namespace mlir::moe;

namespace {

struct Product {
  int64_t rows, cols; // N, K of the weight
  std::string dtype;
};

/// Compiled code with its weights, kept for all numbers of rows.
struct Piece {
  std::unique_ptr<Program> program;
  std::vector<LoadedLayer> copies;
};

mlir::MLIRContext &context() {
  static auto *context = [] {
    mlir::DialectRegistry registry;
    registerAllDialects(registry);
    return new mlir::MLIRContext(registry);
  }();
  return *context;
}

std::string text(int64_t value) { return std::to_string(value); }

/// y = x w^T, without a routing.
std::string productText(const Product &what) {
  const std::string &type = what.dtype, x = "tensor<?x" + text(what.cols) + "x" + type + ">",
                    w = "tensor<" + text(what.rows) + "x" + text(what.cols) + "x" + type + ">",
                    sum = "tensor<?x" + text(what.rows) + "xf32>", y = "tensor<?x" + text(what.rows) + "x" + type + ">";
  std::string ir = "moe.weight @w : " + w + " from \"w\"\nmoe.layer @moe0 block 0 = @product(@w)\n" +
                   "func.func @product(%x: " + x + ", %w: " + w + ") -> " + (type == "f32" ? sum : y) +
                   " {\n  %s = moe.linear %x, %w : " + x + ", " + w + " -> " + sum + "\n";
  if (type == "f32")
    return ir + "  return %s : " + sum + "\n}\n";
  return ir + "  %y = moe.map %s : " + sum + " -> " + y + " {\n  ^bb0(%a: f32):\n    %b = arith.truncf %a : f32 to " +
         type + "\n    moe.yield %b : " + type + "\n  }\n  return %y : " + y + "\n}\n";
}

/// Scores, selection and weights of K of E experts, each of which gives its rows back.
std::string routerText(int64_t width, int64_t experts, int64_t topK) {
  const std::string x = "tensor<?x" + text(width) + "xbf16>",
                    w = "tensor<" + text(experts) + "x" + text(width) + "xbf16>", e = text(experts),
                    logits = "tensor<?x" + e + "xf32>", routing = "!moe.routing<" + e + ", " + text(topK) + ", f32>",
                    ragged = "!moe.ragged<" + e + ", " + text(width) + ", bf16>";
  return "moe.weight @w : " + w + " from \"w\"\nmoe.layer @moe0 block 0 = @router(@w)\nfunc.func @router(%x: " + x +
         ", %w: " + w + ") -> " + x + " {\n  %l = moe.score.affine %x, %w : " + x + ", " + w + " -> " + logits +
         "\n  %r = moe.route %l select #moe.top_k<" + text(topK) +
         "> rank scores weigh #moe.softmax over all renormalize <> : " + logits + " -> " + routing +
         "\n  %d = moe.dispatch %x by %r : " + x + ", " + routing + " -> " + ragged +
         "\n  %y = moe.combine %d by %r weighted_sum : " + ragged + ", " + routing + " -> " + x +
         "\n  return %y : " + x + "\n}\n";
}

/// Compiles once for each text. Null with an error in `state`.
Piece *pieceOf(benchmark::State &state, const std::string &ir, double weightBytes) {
  static std::map<std::string, Piece> pieces;
  Piece &piece = pieces[ir];
  auto failed = [&](const ::moe::Error &error) {
    state.SkipWithError(error.message.c_str());
    return nullptr;
  };
  if (!piece.program) {
    std::string file = "/tmp/moe-micro-" + text(getpid()) + ".mlir";
    std::ofstream(file) << ir;
    RunOptions options;
    options.input.path = file;
    options.input.randomWeights = true;
    auto program = Program::open(context(), options, /*reference=*/false);
    unlink(file.c_str());
    if (!program)
      return failed(program.error());
    const auto copies = size_t(std::clamp(256e6 / weightBytes, 1.0, 64.0));
    while (piece.copies.size() < copies) {
      auto layer = (*program)->load(options, bench::pool(0), piece.copies.size());
      if (!layer)
        return failed(layer.error());
      piece.copies.push_back(std::move(*layer));
    }
    piece.program = std::move(*program);
  }
  return &piece;
}

/// Times calls with `tokens` rows; false after an error.
bool timeCalls(benchmark::State &state, Piece &piece, int64_t tokens, moe_pool *pool) {
  auto inputs = inputRows(piece.program->layer(), "", "", tokens, 1);
  auto outputs = inputs ? runLayer(piece.copies.front().get(), *inputs, pool) : std::vector<Tensor>();
  if (!inputs || !outputs) {
    state.SkipWithError((inputs ? outputs.error() : inputs.error()).message.c_str());
    return false;
  }
  std::vector<moe_tensor> in, out;
  for (Tensor &input : *inputs)
    in.push_back(input.view());
  for (Tensor &output : *outputs)
    out.push_back(output.view());
  size_t call = 0;
  for (auto _ : state)
    if (moe_layer_run(piece.copies[call++ % piece.copies.size()].get(), in.data(), out.data(), nullptr, 0, pool)) {
      state.SkipWithError(moe_last_error());
      return false;
    }
  return true;
}

using benchmark::Counter;

void product(benchmark::State &state, const Product &what, int64_t tokens, int threads) {
  const double elements = double(what.rows * what.cols), bytes = elements * (what.dtype == "f32" ? 4 : 2);
  Piece *piece = pieceOf(state, productText(what), bytes);
  if (!piece || !timeCalls(state, *piece, tokens, bench::pool(threads)))
    return;
  const bench::Limits &limits = bench::limits(threads);
  const double flops = 2 * elements * double(tokens);
  const double peak = what.dtype == "f32" || !limits.bf16Flops ? limits.fmaFlops : limits.bf16Flops;
  auto rate = [](double amount) { return Counter(amount, Counter::kIsIterationInvariantRate); };
  state.counters["GFLOP/s"] = rate(flops / 1e9);
  state.counters["GB/s"] = rate(bytes / 1e9);
  state.counters["of_limit"] = rate(std::max(flops / peak, bytes / limits.readBytes));
}

void router(benchmark::State &state, int64_t experts, int64_t tokens, int threads) {
  constexpr int64_t width = 2048, topK = 8;
  Piece *piece = pieceOf(state, routerText(width, experts, topK), double(width * experts * 2));
  if (!piece || !timeCalls(state, *piece, tokens, bench::pool(threads)))
    return;
  state.counters["rows/s"] = Counter(double(tokens), Counter::kIsIterationInvariantRate);
}

} // namespace

[[maybe_unused]] static const bool registered = [] {
  for (int threads : {1, 0}) {
    for (const char *dtype : {"bf16", "f32"})
      for (auto [rows, cols] : {std::pair<int64_t, int64_t>{1024, 2048}, {2048, 1024}, {4096, 4096}, {768, 2048}})
        for (int64_t tokens : {1, 8, 64, 512}) {
          Product what{rows, cols, dtype};
          std::string name = "product/" + what.dtype + "/" + text(rows) + "x" + text(cols) + "/rows:" + text(tokens) +
                             "/threads:" + text(threads);
          benchmark::RegisterBenchmark(name.c_str(), product, what, tokens, threads)
              ->UseRealTime()
              ->Unit(benchmark::kMicrosecond);
        }
    for (int64_t experts : {8, 64, 256})
      for (int64_t tokens : {1, 64, 1024})
        benchmark::RegisterBenchmark(
            ("router/experts:" + text(experts) + "/rows:" + text(tokens) + "/threads:" + text(threads)).c_str(), router,
            experts, tokens, threads)
            ->UseRealTime()
            ->Unit(benchmark::kMicrosecond);
  }
  return true;
}();
