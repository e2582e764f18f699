// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Emulator.h - runs the LLVM IR of device kernels on the CPU -----------------------------------------===//
//
// What the NVPTX back end would get is compiled for this machine instead: intrinsics of NVVM and inline PTX become
// calls (HostModule), and every thread of a block is a fiber. Loads, stores and asynchronous copies are checked on the
// way: bounds, alignment, and whether anything orders two accesses of different threads (Races).
#ifndef MOE_TEST_LIB_EMULATOR_EMULATOR_H
#define MOE_TEST_LIB_EMULATOR_EMULATOR_H

#include "Memory.h"

#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

#include <memory>
#include <string>
#include <vector>

namespace moe::emulator {

struct Dim {
  uint32_t x = 1, y = 1, z = 1;
  uint64_t count() const { return uint64_t(x) * y * z; }
};

/// Which thread runs next, and when asynchronous copies land. A kernel is right under all of them.
enum class Schedule {
  Forward,  ///< threads in order, copies land as late as possible
  Backward, ///< the last thread first, copies land as late as possible
  RunAhead, ///< a warp runs until it must wait, copies land at once
  Random,   ///< drawn from the seed: the next thread, and when a copy lands
};

struct Options {
  Schedule schedule = Schedule::Forward;
  uint64_t seed = 0;
  bool races = true; ///< whether accesses without an order, and reads of what nobody wrote, are found
};

struct Launch {
  std::string kernel;
  Dim grid, block;
  uint32_t shared = 0;           ///< bytes of dynamic shared memory
  const void *const *parameters; ///< an address for each parameter, as for cuLaunchKernel
};

struct HostCode;

/// A module of kernels, ready to run.
class Kernels {
public:
  /// From LLVM IR for NVPTX, as text or bitcode. Fails on operations that are not known, naming them.
  static llvm::Expected<std::unique_ptr<Kernels>> load(llvm::MemoryBufferRef ir);
  ~Kernels();

  std::vector<std::string> names() const;
  bool has(const std::string &kernel) const;
  unsigned parameterCount(const std::string &kernel) const;
  /// The text of the metadata !moe.launches (docs/abi-gpu.md), empty without.
  const std::string &launchRecords() const;
  /// Bytes of static shared memory of a kernel.
  uint32_t staticShared(const std::string &kernel) const;

  /// Runs all blocks, one after the other. What a check finds is the error: one line that says which thread of which
  /// block did what. Device pointers among the parameters point into `memory`.
  llvm::Error launch(const Launch &launch, DeviceMemory &memory, const Options &options) const;

private:
  explicit Kernels(std::unique_ptr<HostCode> code);
  std::unique_ptr<HostCode> code;
};

/// Parses "forward", "backward", "run-ahead" or "random".
llvm::Expected<Schedule> parseSchedule(llvm::StringRef text);

} // namespace moe::emulator

#endif // MOE_TEST_LIB_EMULATOR_EMULATOR_H
