// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Races.h - whether accesses to memory are ordered ---------------------------------------------------===//

#ifndef MOE_TEST_LIB_EMULATOR_RACES_H
#define MOE_TEST_LIB_EMULATOR_RACES_H

#include "Memory.h"
#include "Order.h"

#include <optional>

namespace moe::emulator {

/// One access by one actor, on behalf of a thread.
struct Access {
  uint32_t thread;
  Epoch epoch;        ///< of the actor: the thread itself, or its asynchronous copies, ...
  bool write = false; ///< or a read
  bool atomic = false;
  bool asyncProxy = false; ///< of wgmma and bulk copies; all else is of the generic proxy
  bool barrier = false;    ///< an operation on an mbarrier object
};

/// The last write and the reads since, for every byte of a block's shared memory.
class SharedChecker {
public:
  SharedChecker(const Order &order, uint32_t bytes) : order(order), cells(bytes) {}

  /// What is wrong with the access; nothing when it is ordered after all that it conflicts with.
  std::optional<std::string> access(uint32_t offset, uint32_t bytes, const Access &access);
  /// From now on the bytes are an mbarrier, which plain loads and stores must leave alone; or no longer.
  void markBarrier(uint32_t offset, uint32_t bytes, bool isBarrier);

private:
  static constexpr unsigned inlineReads = 4;
  struct Cell {
    Epoch write;
    Epoch reads[inlineReads];
    uint32_t readCount = 0; // one more than inlineReads: see `many`
    int32_t many = -1;      // index of a vector with a time for each actor
    bool atomic = false, asyncProxy = false, barrier = false;
  };
  std::optional<std::string> accessByte(Cell &cell, uint32_t offset, const Access &access);
  void addRead(Cell &cell, const Access &access);
  std::optional<Epoch> unorderedRead(const Cell &cell, const Access &access) const;
  std::string conflict(uint32_t offset, const Access &access, Epoch other, const char *did) const;

  const Order &order;
  std::vector<Cell> cells;
  std::vector<Clocks> manyReads;
};

/// Two bytes of global memory at a time: conflicts within a block that nothing orders, and between blocks of a launch,
/// which nothing can order. Of several readers the last is kept, so a write after other reads may go unnoticed.
std::optional<std::string> accessGlobal(const DeviceMemory::Piece &piece, const char *address, uint64_t bytes,
                                        const Access &access, const Order &order, uint32_t block, uint32_t firstBlock);

} // namespace moe::emulator

#endif // MOE_TEST_LIB_EMULATOR_RACES_H
