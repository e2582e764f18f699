// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Memory.h - global and shared memory of the emulated device -----------------------------------------===//

#ifndef MOE_TEST_LIB_EMULATOR_MEMORY_H
#define MOE_TEST_LIB_EMULATOR_MEMORY_H

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace moe::emulator {

/// Who last touched two bytes of global memory. Blocks have numbers that are never used again, so cells need no reset;
/// as a writer 0 is nobody, and `host` what ran before the launch.
struct GlobalCell {
  static constexpr uint32_t host = 1, firstBlock = 2;
  uint32_t writerBlock, writerThread, writerClock;
  uint32_t readerBlock, readerThread, readerClock;
};

/// Global memory: pieces of the host's memory, each with a guard around it and a cell for every two bytes.
class DeviceMemory {
public:
  struct Piece {
    char *begin, *end;
    GlobalCell *cells;
    size_t cellBytes;
  };

  DeviceMemory() = default;
  DeviceMemory(const DeviceMemory &) = delete;
  DeviceMemory &operator=(const DeviceMemory &) = delete;
  ~DeviceMemory();

  /// Aligned to 256 bytes and filled with 0xff (NaN in every format); null when there is no memory.
  void *allocate(size_t bytes);
  /// False for an address that allocate did not return.
  bool free(void *address);
  /// As a copy from the host, or a fill by it: from now on kernels may read there. False outside of any piece.
  bool write(void *to, const void *from, size_t bytes);
  bool fill(void *to, int byte, size_t bytes);
  /// The piece that holds `address`, or null.
  const Piece *find(const void *address) const;
  /// The piece next to `address`, for messages: "12 bytes past the end of an allocation of 4096 bytes".
  std::string describe(const void *address) const;

private:
  bool markWritten(void *to, size_t bytes);

  std::map<uintptr_t, Piece> pieces; // by end
  mutable const Piece *last = nullptr;
};

/// The window of shared memory, in the lowest 2 GiB so that its addresses fit the 32-bit registers that PTX uses for
/// them, and aligned to its size so that an address modulo it is an offset, as matrix descriptors want.
class SharedWindow {
public:
  static constexpr uint32_t size = 1u << 18;
  static char *base();
  static bool contains(const void *address) {
    return reinterpret_cast<uintptr_t>(address) - reinterpret_cast<uintptr_t>(base()) < size;
  }
  static uint32_t offsetOf(const void *address) {
    return uint32_t(reinterpret_cast<uintptr_t>(address) - reinterpret_cast<uintptr_t>(base()));
  }
};

} // namespace moe::emulator

#endif // MOE_TEST_LIB_EMULATOR_MEMORY_H
