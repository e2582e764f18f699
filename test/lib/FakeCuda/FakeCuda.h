// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- FakeCuda.h - a CUDA driver without a device --------------------------------------------------------===//
//
// libMoETestFakeCuda.so has the functions of libcuda.so.1 that the runtime calls. Memory is the host's, and kernels run
// in the emulator. What it does is set by variables:
//
//   MOE_FAKE_CUDA_IR        file of LLVM IR that stands for every module: the kernels of the PTX, which nobody here can
//   run MOE_FAKE_CUDA_CHIP      "sm_80" and the like, what the device is; sm_90 without MOE_FAKE_CUDA_DEVICES   how
//   many there are; 1 without MOE_FAKE_CUDA_SCHEDULE  forward, backward, run-ahead or random MOE_FAKE_CUDA_SEED      of
//   the random schedule MOE_FAKE_CUDA_FAIL      "cuMemAlloc_v2:2:700": the second call of a function does nothing and
//   returns 700 MOE_FAKE_CUDA_LOG       file to which the name of every call is added, launches with grid, block and
//   shared memory
//
// What the emulator finds in a kernel goes to stderr, and comes to the caller as on a device: as
// CUDA_ERROR_LAUNCH_FAILED from the next call that waits for the stream.
#ifndef MOE_TEST_LIB_FAKECUDA_FAKECUDA_H
#define MOE_TEST_LIB_FAKECUDA_FAKECUDA_H

#include "Emulator.h"

#include <map>
#include <mutex>

#define FAKE extern "C" __attribute__((visibility("default"))) int

namespace moe::fake {

enum Result {
  Success = 0,
  InvalidValue = 1,
  OutOfMemory = 2,
  InvalidContext = 201,
  InvalidImage = 200,
  NotFound = 500,
  IllegalAddress = 700,
  LaunchFailed = 719,
};

struct Module {
  std::unique_ptr<emulator::Kernels> kernels;
  std::map<std::string, std::unique_ptr<struct Function>> functions;
};

struct Function {
  const Module *module;
  std::string name;
  uint32_t maxShared = 48 << 10;
};

/// A launch with its parameters copied.
struct Work {
  const Function *function;
  emulator::Dim grid, block;
  uint32_t shared;
  std::vector<std::vector<char>> parameters;
};

struct Graph {
  std::vector<Work> work;
};

struct Stream {
  Graph *capturing = nullptr;
};

struct Driver {
  std::mutex lock;
  emulator::DeviceMemory memory;
  int contextsRetained = 0;
  std::vector<void *> current; ///< contexts pushed
  int pending = Success;       ///< what the next call that waits returns
  std::map<std::string, int> calls;
  std::string failing; ///< MOE_FAKE_CUDA_FAIL when it was last looked at

  /// Records a call; not Success if this one is to fail.
  int enter(const char *name, const std::string &details = "");
  void run(const Work &work);
};
Driver &driver();

/// The parameters of a kernel are 8 bytes each (docs/abi-gpu.md).
constexpr size_t parameterBytes = 8;

} // namespace moe::fake

#endif // MOE_TEST_LIB_FAKECUDA_FAKECUDA_H
