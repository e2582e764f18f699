// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Options.cpp - the command line of moe-run ----------------------------------------------------------===//

#include "Options.h"

#include "../CommandLine.h"

namespace cl = llvm::cl;
using ::moe::Error;
using namespace mlir::moe;

/// libLLVM.so has an option of this name. Initialisers run in order in a file, and those of libraries come before.
[[maybe_unused]] static const bool nameIsFree = freeFlag("threads");

static cl::OptionCategory category("moe-run");
#define MOE_OPTION(type, variable, name, text, ...)                                                                    \
  static cl::opt<type> variable(name, cl::desc(text), cl::cat(category), ##__VA_ARGS__)

MOE_OPTION(std::string, inputPath, cl::Positional, "INPUT: checkpoint folder, config.json, .mlir or compiled .so",
           cl::Required);
MOE_OPTION(int64_t, layer, "layer", "MoE block to run (default: the first)", cl::init(-1));
MOE_OPTION(std::string, rows, "input", "safetensors file with the rows (default: random rows)", cl::value_desc("file"));
MOE_OPTION(std::string, tensor, "tensor", "tensor of --input with the rows, or several: a,b", cl::value_desc("name"));
MOE_OPTION(std::string, output, "output", "safetensors file to write", cl::value_desc("file"));
MOE_OPTION(bool, reference, "reference", "run the naive lowering");
MOE_OPTION(bool, compare, "compare", "run both lowerings and print the largest difference");
MOE_OPTION(int, threads, "threads", "threads to use (default: every CPU)", cl::init(0));
MOE_OPTION(std::string, dtype, "dtype", "number format instead of the checkpoint's; int8 ...: of experts' weights");
MOE_OPTION(std::string, cpu, "cpu", "machine level to compile for", cl::init("native"));
MOE_OPTION(std::string, packed, "packed", "file of packed weights: written once, then mapped", cl::value_desc("file"));
MOE_OPTION(std::string, device, "device", "cpu (default); cuda is not there yet", cl::init("cpu"));
MOE_OPTION(bool, timing, "benchmark", "time the layer on random rows");
MOE_OPTION(std::string, tokens, "tokens", "rows, for a benchmark a list (default: 16, or 1,16,128,1024)");
MOE_OPTION(double, minTime, "min-time", "seconds to measure each number of rows", cl::init(1.0));
MOE_OPTION(std::string, json, "json", "file to write the benchmark to", cl::value_desc("file"));
MOE_OPTION(uint64_t, randomWeights, "random-weights", "draw weights instead of reading them", cl::value_desc("seed"));
MOE_OPTION(std::string, checkpoint, "checkpoint", "folder with the weights", cl::value_desc("dir"));
MOE_OPTION(std::string, dump, "dump-stages", "folder for one readable file a stage", cl::value_desc("dir"));
static cl::list<std::string> &withoutPasses = withoutPassFlag(category);

/// Flags that contradict each other, or name what is to come.
static Expected<Unit> check() {
  if (device != "cpu")
    return Error{"--device=" + device + " is not there yet; expected cpu"};
  if (packed.getNumOccurrences() && (packed.empty() || reference))
    return Error{"--packed: expected the name of a file for optimised code; leave --reference out, or --packed"};
  if (compare && (reference || timing))
    return Error{"--compare runs both lowerings once; leave --reference and --benchmark out"};
  if (threads < 0)
    return Error{"--threads: expected 0 (every CPU) or more, got " + std::to_string(threads)};
  if (!json.empty() && !timing)
    return Error{"--json is for --benchmark"};
  if (timing && (!rows.empty() || !output.empty()))
    return Error{"--benchmark runs on random rows and writes none; leave --input and --output out"};
  if (!rows.empty() && !tokens.empty())
    return Error{"--tokens is for random rows; --input brings its own"};
  if (rows.empty() && !tensor.empty())
    return Error{"--tensor names a tensor of --input, which is missing"};
  if (randomWeights.getNumOccurrences() && !checkpoint.empty())
    return Error{"--random-weights and --checkpoint: expected one of them, got both"};
  return Unit();
}

Expected<CommandLine> parseCommandLine(int argc, char **argv) {
  auto parsed = parseFlags(argc, argv, category, "moe-run: run, compare and time mixture-of-experts layers\n");
  if (!parsed)
    return parsed.error();
  if (auto checked = check(); !checked)
    return checked.error();
  auto counts = parseTokens(!tokens.empty() ? tokens.getValue() : timing ? "1,16,128,1024" : "16");
  if (!counts)
    return counts.error();
  if (!timing && counts->size() != 1)
    return Error{"--tokens: expected one number without --benchmark, got '" + tokens + "'"};
  CommandLine line;
  RunOptions &run = line.options.run;
  run.input.path = inputPath;
  run.input.dtype = dtype;
  run.input.checkpoint = checkpoint;
  run.input.randomWeights = randomWeights.getNumOccurrences() > 0;
  run.layer = layer;
  run.cpu = cpu;
  run.seed = randomWeights;
  run.threads = threads;
  run.dumpFolder = dump;
  run.packed = packed;
  run.withoutPasses = withoutPasses;
  line.options.benchmark.tokens = *counts;
  line.options.benchmark.minSeconds = minTime;
  line.options.rowsFile = rows;
  line.options.rowsTensor = tensor;
  line.options.output = output;
  line.options.json = json;
  line.mode = compare ? RunMode::Compare : reference ? RunMode::Reference : RunMode::Optimised;
  if (timing)
    line.mode = reference ? RunMode::BenchmarkReference : RunMode::Benchmark;
  return line;
}
