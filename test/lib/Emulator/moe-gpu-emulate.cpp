// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- moe-gpu-emulate.cpp - runs a kernel's LLVM IR on the CPU, and says what is wrong with it -----------===//

#include "Arguments.h"
#include "Emulator.h"

#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/raw_ostream.h"

using namespace moe::emulator;
using llvm::Error;

namespace cl = llvm::cl;

static cl::opt<std::string> inputFile(cl::Positional, cl::desc("LLVM IR for NVPTX"), cl::init("-"));
static cl::opt<std::string> kernelName("kernel", cl::desc("Kernel to run"), cl::Required);
static cl::opt<std::string> againstName("against", cl::desc("Kernel that must write the same bytes, as one thread"));
static cl::opt<unsigned> gridSize("grid", cl::desc("Blocks"), cl::init(1));
static cl::opt<unsigned> blockSize("block", cl::desc("Threads of a block"), cl::init(32));
static cl::opt<unsigned> sharedBytes("shared", cl::desc("Bytes of dynamic shared memory"), cl::init(0));
static cl::list<std::string> words("arg", cl::desc("Argument: i32:5, f32[64]=iota, map:0:64x32:8x32:128, ..."));
static cl::opt<std::string> scheduleName("schedule", cl::desc("forward, backward, run-ahead, random or all"),
                                         cl::init("all"));
static cl::opt<uint64_t> seed("seed", cl::desc("Of the random schedule"), cl::init(0));
static cl::opt<unsigned> seeds("seeds", cl::desc("Random schedules to try"), cl::init(4));
static cl::opt<bool> values("values-only", cl::desc("Do not look for races and reads of what nobody wrote"));
static cl::opt<int> printArgument("print", cl::desc("Buffer to print: the number of its argument"), cl::init(-1));

static std::vector<Options> allOptions(Schedule schedule, bool all) {
  std::vector<Options> result;
  auto add = [&](Schedule schedule, uint64_t seed) { result.push_back({schedule, seed, !values}); };
  if (!all && schedule != Schedule::Random) {
    add(schedule, seed);
    return result;
  }
  if (all) {
    add(Schedule::Forward, 0);
    add(Schedule::Backward, 0);
    for (unsigned warp = 0; warp < (blockSize + 31) / 32 && warp < 4; ++warp)
      add(Schedule::RunAhead, warp);
  }
  for (unsigned i = 0; i != seeds; ++i)
    add(Schedule::Random, seed + i);
  return result;
}

static const char *nameOf(Schedule schedule) {
  static constexpr const char *names[] = {"forward", "backward", "run-ahead", "random"};
  return names[unsigned(schedule)];
}

static Error checkCount(const Kernels &kernels, const std::string &kernel, size_t given) {
  if (!kernels.has(kernel))
    return llvm::createStringError("there is no kernel '" + kernel + "'");
  if (kernels.parameterCount(kernel) != given)
    return llvm::createStringError("'" + kernel + "': expected " + llvm::Twine(kernels.parameterCount(kernel)) +
                                   " arguments, got " + llvm::Twine(given));
  return Error::success();
}

static Error runKernel() {
  auto file = llvm::MemoryBuffer::getFileOrSTDIN(inputFile);
  if (!file)
    return llvm::createStringError(inputFile + ": " + file.getError().message());
  auto kernels = Kernels::load(**file);
  if (!kernels)
    return kernels.takeError();
  bool all = scheduleName == "all";
  auto schedule = all ? Schedule::Forward : parseSchedule(scheduleName);
  if (!schedule)
    return schedule.takeError();
  std::unique_ptr<Arguments> expected;
  if (!againstName.empty()) {
    auto arguments = Arguments::parse(words);
    if (!arguments)
      return arguments.takeError();
    expected = std::move(*arguments);
    if (Error error = checkCount(**kernels, againstName, expected->count()))
      return error;
    if (Error error = (*kernels)->launch({againstName, {}, {}, 0, expected->parameters()}, expected->memory, {}))
      return error;
  }
  unsigned runs = 0;
  std::unique_ptr<Arguments> last;
  for (const Options &options : allOptions(*schedule, all)) {
    auto arguments = Arguments::parse(words);
    if (!arguments)
      return arguments.takeError();
    last = std::move(*arguments);
    if (Error error = checkCount(**kernels, kernelName, last->count()))
      return error;
    Launch launch = {kernelName, {gridSize}, {blockSize}, sharedBytes, last->parameters()};
    std::string how =
        std::string(" (schedule ") + nameOf(options.schedule) + ", seed " + std::to_string(options.seed) + ")";
    if (Error error = (*kernels)->launch(launch, last->memory, options))
      return llvm::createStringError(toString(std::move(error)) + how);
    if (expected)
      if (std::string text = last->difference(*expected); !text.empty())
        return llvm::createStringError("'" + kernelName + "': wrong value: " + text + how);
    ++runs;
  }
  if (printArgument >= 0) {
    auto text = last->text(unsigned(printArgument), 64);
    if (!text)
      return text.takeError();
    llvm::outs() << *text << "\n";
  }
  llvm::outs() << "nothing found in " << runs << (runs == 1 ? " schedule\n" : " schedules\n");
  return Error::success();
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::ParseCommandLineOptions(argc, argv, "Runs a GPU kernel on the CPU and checks what it does\n");
  if (Error error = runKernel()) {
    llvm::errs() << "moe-gpu-emulate: error: " << toString(std::move(error)) << "\n";
    return 1;
  }
  return 0;
}
