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
  std::string weights; ///< the quantised format of weights, or nothing
  std::string packed;  ///< a line on what became of the packed file, or nothing
  int64_t experts, topK, rows;
  int32_t dtype;
  bool roundsRows;

  std::string headline() const {
    const char *format = dtype == MOE_F32 ? "f32" : dtype == MOE_BF16 ? "bf16" : "f16";
    return layer + ": " + std::to_string(rows) + (rows == 1 ? " row" : " rows") + ", " + std::to_string(experts) +
           " experts, top " + std::to_string(topK) + ", " + format +
           (weights.empty() ? "" : ", " + weights + " weights") + ", " + level;
  }
};
} // namespace

/// The quantised format of a variant's weights, or nothing.
static std::string weightFormat(const moe_variant_desc &variant) {
  for (int64_t w = 0; w < variant.num_weights; ++w)
    if (variant.weights[w].format && *variant.weights[w].format)
      return variant.weights[w].format;
  return {};
}

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
  const moe_variant_desc &variant = *moe_layer_variant(layer->get());
  std::string level = variant.level;
  return Result{std::move(*outputs),
                desc.name,
                reference ? "reference lowering, " + level : level,
                weightFormat(variant),
                packedText(layer->get(), options.run),
                desc.experts,
                desc.top_k,
                rows->front().rows,
                desc.inputs[0].dtype,
                (*program)->roundsRows()};
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
  os << result->headline() << "\n" << result->packed;
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

/// What quantised weights cost: the distance to the layer with those of the checkpoint. Nobody promises a limit.
static Expected<std::string> errorOfQuantising(MLIRContext &context, const RunModeOptions &options,
                                               const Result &quantised) {
  if (quantised.weights.empty() || options.run.input.dtype.empty())
    return std::string();
  RunModeOptions whole = options;
  whole.run.input.dtype.clear();
  whole.run.dumpFolder.clear();
  whole.run.packed.clear(); // holds the quantised ones
  auto result = run(context, whole, /*reference=*/false);
  if (!result)
    return result.error();
  auto comparison = compareOutputs(result->outputs, quantised.outputs);
  if (!comparison)
    return comparison.error();
  return "against the weights of the checkpoint, not quantised\n" + comparison->text();
}

Expected<std::string> mlir::moe::runAndCompare(MLIRContext &context, const RunModeOptions &options) {
  auto reference = run(context, options, /*reference=*/true);
  if (!reference)
    return reference.error();
  RunModeOptions sure = options;
  sure.run.verifyPacked = true; // who compares wants to be sure
  auto optimised = run(context, sure, /*reference=*/false);
  if (!optimised)
    return optimised.error();
  if (auto saved = save(options, *optimised); !saved)
    return saved.error();
  auto comparison = compareOutputs(reference->outputs, optimised->outputs);
  if (!comparison)
    return comparison.error();
  std::string text =
      optimised->headline() + " against the reference lowering\n" + optimised->packed + comparison->text();
  if (comparison->withinTolerance(optimised->dtype, optimised->roundsRows)) {
    auto error = errorOfQuantising(context, options, *optimised);
    return error ? text + *error : error;
  }
  std::string worst;
  for (const Difference &difference : comparison->differences)
    if (difference.notFinite || difference.relative() > Comparison::tolerance(optimised->dtype, optimised->roundsRows))
      worst += ", " + difference.name + " off by " + std::to_string(difference.relative()) + " at row " +
               std::to_string(difference.row) + ", column " + std::to_string(difference.col);
  llvm::raw_string_ostream os(worst);
  os << llvm::format("; expected at most %g of the largest value",
                     Comparison::tolerance(optimised->dtype, optimised->roundsRows));
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
