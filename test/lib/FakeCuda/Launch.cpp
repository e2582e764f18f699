// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Launch.cpp - modules, launches, streams and graphs -------------------------------------------------===//

#include "FakeCuda.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <cstdlib>
#include <cstring>

using namespace moe::fake;
namespace emulator = moe::emulator;

static int complain(llvm::Error error, int result) {
  llvm::errs() << "fake CUDA driver: " << llvm::toString(std::move(error)) << "\n";
  return result;
}

/// The kernels that PTX has must be those of the IR that stands for it.
static llvm::Error checkEntries(llvm::StringRef ptx, const emulator::Kernels &kernels) {
  while (!ptx.empty()) {
    llvm::StringRef line;
    std::tie(line, ptx) = ptx.split('\n');
    size_t at = line.find(".entry ");
    if (at == llvm::StringRef::npos)
      continue;
    llvm::StringRef name = line.drop_front(at + strlen(".entry ")).take_while([](char c) {
      return llvm::isAlnum(c) || c == '_' || c == '$';
    });
    if (!kernels.has(name.str()))
      return llvm::createStringError("the PTX has a kernel '" + name + "', MOE_FAKE_CUDA_IR has none");
  }
  return llvm::Error::success();
}

FAKE cuModuleLoadData(void **module, const void *image) {
  if (int result = driver().enter("cuModuleLoadData"))
    return result;
  const char *file = std::getenv("MOE_FAKE_CUDA_IR");
  if (!file)
    return complain(llvm::createStringError("MOE_FAKE_CUDA_IR names no file"), InvalidImage);
  auto buffer = llvm::MemoryBuffer::getFile(file);
  if (!buffer)
    return complain(llvm::createStringError(llvm::Twine(file) + ": " + buffer.getError().message()), InvalidImage);
  auto kernels = emulator::Kernels::load(**buffer);
  if (!kernels)
    return complain(kernels.takeError(), InvalidImage);
  // A cubin is an ELF file, whose kernels nobody looks for.
  if (llvm::Error error = checkEntries(static_cast<const char *>(image), **kernels))
    return complain(std::move(error), InvalidImage);
  *module = new Module{std::move(*kernels), {}};
  return Success;
}

FAKE cuModuleUnload(void *module) {
  if (int result = driver().enter("cuModuleUnload"))
    return result;
  delete static_cast<Module *>(module);
  return Success;
}

FAKE cuModuleGetFunction(void **function, void *handle, const char *name) {
  if (int result = driver().enter("cuModuleGetFunction", name))
    return result;
  auto *module = static_cast<Module *>(handle);
  if (!module->kernels->has(name))
    return NotFound;
  std::unique_ptr<Function> &found = module->functions[name];
  if (!found)
    found = std::make_unique<Function>(Function{module, name});
  *function = found.get();
  return Success;
}

FAKE cuFuncSetAttribute(void *function, int attribute, int value) {
  if (int result = driver().enter("cuFuncSetAttribute"))
    return result;
  constexpr int most = 227 << 10; // of sm_90
  if (attribute != 8 || value < 0 || value > most)
    return InvalidValue;
  static_cast<Function *>(function)->maxShared = uint32_t(value);
  return Success;
}

void Driver::run(const Work &work) {
  std::vector<const void *> addresses;
  for (const std::vector<char> &parameter : work.parameters)
    addresses.push_back(parameter.data());
  emulator::Options options;
  if (const char *name = std::getenv("MOE_FAKE_CUDA_SCHEDULE"); name && *name) {
    auto schedule = emulator::parseSchedule(name);
    if (!schedule) {
      pending = complain(schedule.takeError(), InvalidValue);
      return;
    }
    options.schedule = *schedule;
  }
  if (const char *seed = std::getenv("MOE_FAKE_CUDA_SEED"))
    options.seed = std::strtoull(seed, nullptr, 10);
  emulator::Launch launch = {work.function->name, work.grid, work.block, work.shared, addresses.data()};
  if (llvm::Error error = work.function->module->kernels->launch(launch, memory, options))
    pending = complain(std::move(error), LaunchFailed);
}

FAKE cuLaunchKernel(void *handle, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX, unsigned blockY,
                    unsigned blockZ, unsigned shared, void *stream, void **parameters, void **extra) {
  auto *function = static_cast<Function *>(handle);
  std::string details =
      function->name + " " + std::to_string(gridX) + " " + std::to_string(blockX) + " " + std::to_string(shared);
  if (int result = driver().enter("cuLaunchKernel", details))
    return result;
  Work work = {function, {gridX, gridY, gridZ}, {blockX, blockY, blockZ}, shared, {}};
  const emulator::Kernels &kernels = *function->module->kernels;
  if (extra || work.grid.count() == 0 || work.block.count() == 0 || work.block.count() > 1024 ||
      shared > function->maxShared || kernels.staticShared(function->name) > 48u << 10)
    return InvalidValue;
  std::lock_guard<std::mutex> guard(driver().lock);
  if (driver().current.empty())
    return InvalidContext;
  for (unsigned i = 0; i != kernels.parameterCount(function->name); ++i) {
    auto *value = static_cast<const char *>(parameters[i]);
    work.parameters.emplace_back(value, value + parameterBytes);
  }
  auto *queue = static_cast<Stream *>(stream);
  if (queue && queue->capturing)
    queue->capturing->work.push_back(std::move(work));
  else
    driver().run(work);
  return Success;
}

FAKE cuStreamCreate(void **stream, unsigned) {
  *stream = new Stream();
  return Success;
}

FAKE cuStreamDestroy_v2(void *stream) {
  delete static_cast<Stream *>(stream);
  return Success;
}

FAKE cuStreamBeginCapture_v2(void *stream, int) {
  if (!stream || static_cast<Stream *>(stream)->capturing)
    return InvalidValue;
  static_cast<Stream *>(stream)->capturing = new Graph();
  return Success;
}

FAKE cuStreamEndCapture(void *stream, void **graph) {
  *graph = static_cast<Stream *>(stream)->capturing;
  static_cast<Stream *>(stream)->capturing = nullptr;
  return *graph ? Success : InvalidValue;
}

FAKE cuGraphInstantiateWithFlags(void **executable, void *graph, unsigned long long) {
  *executable = new Graph(*static_cast<Graph *>(graph));
  return Success;
}

FAKE cuGraphLaunch(void *executable, void *) {
  if (int result = driver().enter("cuGraphLaunch"))
    return result;
  std::lock_guard<std::mutex> guard(driver().lock);
  for (const Work &work : static_cast<Graph *>(executable)->work)
    driver().run(work);
  return Success;
}

FAKE cuGraphDestroy(void *graph) {
  delete static_cast<Graph *>(graph);
  return Success;
}

FAKE cuGraphExecDestroy(void *executable) {
  delete static_cast<Graph *>(executable);
  return Success;
}
