// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Benchmark.h - how long a layer takes ---------------------------------------------------------------===//

#ifndef MOE_DRIVER_BENCHMARK_H
#define MOE_DRIVER_BENCHMARK_H

#include "moe/Driver/MachineLimits.h"
#include "moe/Driver/Run.h"

namespace mlir::moe {

struct BenchmarkOptions {
  std::vector<int64_t> tokens = {1, 16, 128, 1024};
  double minSeconds = 1.0; ///< for each number of tokens
};

struct BenchmarkRow {
  int64_t tokens = 0;
  int64_t calls = 0;
  double median = 0, fastest = 0; ///< seconds
  double experts = 0;             ///< that rows went to, averaged over the calls
  double bytes = 0, flops = 0;    ///< of a call
  double limit = 0;               ///< seconds that the machine needs at least

  double share() const { return median > 0 ? limit / median : 0; }
};

struct BenchmarkResult {
  std::string layer, level, dtype;
  int64_t experts = 0, topK = 0, modelWidth = 0, expertWidth = 0;
  int threads = 0, copies = 0;
  std::string packed; ///< a line on what became of the packed file, or nothing
  MachineLimits limits;
  std::vector<BenchmarkRow> rows;

  std::string text() const;
  std::string json() const;
};

/// Times the layer on random rows. When its weights are small, several copies of it take turns, so that they come from
/// memory as they would in a model of many layers.
Expected<BenchmarkResult> benchmark(const Program &program, const RunOptions &run, const BenchmarkOptions &options);

/// "1,16,128": counts of tokens, each at least 1.
Expected<std::vector<int64_t>> parseTokens(const std::string &text);

} // namespace mlir::moe

#endif // MOE_DRIVER_BENCHMARK_H
