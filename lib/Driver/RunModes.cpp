// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- RunModes.cpp - what moe-run does -------------------------------------------------------------------===//

#include "moe/Driver/RunModes.h"

#include "moe/Driver/Compare.h"
#include "moe/Driver/Emit.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::moe;
using ::moe::Error;

namespace {
/// One run: what it gave, and on which layer and machine level.
struct Result {
  std::vector<Tensor> outputs;
  std::string layer, level;
  int64_t experts, topK, rows;
  int32_t dtype;

  std::string headline() const {
    const char *format = dtype == MOE_F32 ? "f32" : dtype == MOE_BF16 ? "bf16" : "f16";
    return layer + ": " + std::to_string(rows) + (rows == 1 ? " row" : " rows") + ", " + std::to_string(experts) +
           " experts, top " + std::to_string(topK) + ", " + format + ", " + level;
  }
};
} // namespace

static Expected<Result> run(MLIRContext &context, const RunModeOptions &options, bool reference) {
  auto program = Program::open(context, options.run, reference);
  if (!program)
    return program.error();
  const moe_layer_desc &desc = (*program)->layer();
  auto rows = inputRows(desc, options.rowsFile, options.rowsTensor, options.benchmark.tokens.front(), options.run.seed);
  if (!rows)
    return rows.error();
  auto pool = makePool(options.run.threads);
  if (!pool)
    return pool.error();
  auto layer = (*program)->load(options.run, pool->get());
  if (!layer)
    return layer.error();
  auto outputs = runLayer(layer->get(), *rows, pool->get());
  if (!outputs)
    return outputs.error();
  orderByExpert(*outputs);
  std::string level = moe_layer_variant(layer->get())->level;
  return Result{std::move(*outputs), desc.name,  reference ? "reference lowering, " + level : level,
                desc.experts,        desc.top_k, rows->front().rows,
                desc.inputs[0].dtype};
}

static Expected<Unit> save(const RunModeOptions &options, const Result &result) {
  if (options.output.empty())
    return Unit();
  return writeTensors(options.output, result.outputs);
}

Expected<std::string> mlir::moe::runOnce(MLIRContext &context, const RunModeOptions &options, bool reference) {
  auto result = run(context, options, reference);
  if (!result)
    return result.error();
  if (auto saved = save(options, *result); !saved)
    return saved.error();
  std::string text;
  llvm::raw_string_ostream os(text);
  os << result->headline() << "\n";
  for (const Tensor &output : result->outputs) {
    os << "  " << llvm::format("%-9s", output.name.c_str()) << " [" << output.rows;
    if (output.rank == 2)
      os << ", " << output.cols;
    os << "]";
    // A glance at the first row, to see numbers rather than nothing.
    for (int64_t i = 0; output.rows > 0 && i < std::min<int64_t>(output.cols, 6); ++i)
      os << llvm::format(output.dtype == MOE_I32 ? " %.0f" : " %.5g", output.at(i));
    os << (output.cols > 6 && output.rows > 0 ? " ...\n" : "\n");
  }
  if (!options.output.empty())
    os << "written to " << options.output << "\n";
  return text;
}

Expected<std::string> mlir::moe::runAndCompare(MLIRContext &context, const RunModeOptions &options) {
  auto reference = run(context, options, /*reference=*/true);
  if (!reference)
    return reference.error();
  auto optimised = run(context, options, /*reference=*/false);
  if (!optimised)
    return optimised.error();
  if (auto saved = save(options, *optimised); !saved)
    return saved.error();
  auto comparison = compareOutputs(reference->outputs, optimised->outputs);
  if (!comparison)
    return comparison.error();
  std::string text = optimised->headline() + " against the reference lowering\n" + comparison->text();
  if (comparison->withinTolerance(optimised->dtype))
    return text;
  std::string worst;
  for (const Difference &difference : comparison->differences)
    if (difference.notFinite || difference.relative() > Comparison::tolerance(optimised->dtype))
      worst += ", " + difference.name + " off by " + std::to_string(difference.relative()) + " at row " +
               std::to_string(difference.row) + ", column " + std::to_string(difference.col);
  llvm::raw_string_ostream os(worst);
  os << llvm::format("; expected at most %g of the largest value", Comparison::tolerance(optimised->dtype));
  return Error{options.run.input.path + ": " + optimised->layer +
               ": the optimised code and the reference lowering disagree: "
               "the same experts for " +
               std::to_string(comparison->sameExperts) + " of " + std::to_string(comparison->rows) + " rows" + worst +
               "; please report this with the command line"};
}

Expected<std::string> mlir::moe::runBenchmark(MLIRContext &context, const RunModeOptions &options, bool reference) {
  auto program = Program::open(context, options.run, reference);
  if (!program)
    return program.error();
  auto result = benchmark(**program, options.run, options.benchmark);
  if (!result)
    return result.error();
  if (!options.json.empty())
    if (auto written = writeFile(options.json, result->json()); !written)
      return written.error();
  return result->text();
}
