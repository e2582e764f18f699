// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Races.cpp - whether accesses to memory are ordered -------------------------------------------------===//

#include "Races.h"

using namespace moe::emulator;

static std::string hex(uint32_t value) {
  char text[16];
  snprintf(text, sizeof text, "0x%x", value);
  return text;
}

std::string SharedChecker::conflict(uint32_t offset, const Access &access, Epoch other, const char *did) const {
  return "race on shared memory at " + hex(offset) + ": " + order.nameOf(access.epoch.actor) +
         (access.write ? " writes" : " reads") + " what " + order.nameOf(other.actor) + " " + did +
         ", and nothing orders the two";
}

void SharedChecker::addRead(Cell &cell, const Access &access) {
  if (cell.readCount > inlineReads) {
    manyReads[size_t(cell.many)][access.epoch.actor] = access.epoch.when;
    return;
  }
  // Reads that this one comes after need not be kept: who is ordered after this one is ordered after them.
  unsigned kept = 0;
  for (unsigned i = 0; i != cell.readCount; ++i)
    if (cell.reads[i].actor != access.epoch.actor && !order.hasSeen(access.thread, cell.reads[i]))
      cell.reads[kept++] = cell.reads[i];
  if (kept < inlineReads) {
    cell.reads[kept] = access.epoch;
    cell.readCount = kept + 1;
    return;
  }
  Clocks all(order.bulkCopiesTo(Order::maxBarriers), 0);
  for (const Epoch &read : cell.reads)
    all[read.actor] = read.when;
  all[access.epoch.actor] = access.epoch.when;
  cell.many = int32_t(manyReads.size());
  cell.readCount = inlineReads + 1;
  manyReads.push_back(std::move(all));
}

std::optional<Epoch> SharedChecker::unorderedRead(const Cell &cell, const Access &access) const {
  if (cell.readCount <= inlineReads) {
    for (unsigned i = 0; i != cell.readCount; ++i)
      if (!order.hasSeen(access.thread, cell.reads[i]))
        return cell.reads[i];
    return std::nullopt;
  }
  const Clocks &all = manyReads[size_t(cell.many)];
  for (Actor actor = 0; actor != all.size(); ++actor)
    if (Epoch read{actor, all[actor]}; !order.hasSeen(access.thread, read))
      return read;
  return std::nullopt;
}

std::optional<std::string> SharedChecker::accessByte(Cell &cell, uint32_t offset, const Access &access) {
  if (cell.barrier && !access.barrier)
    return order.nameOf(access.epoch.actor) + (access.write ? " writes" : " reads") + " shared memory at " +
           hex(offset) + ", which is an mbarrier";
  if (cell.write.when == 0 && (!access.write || access.atomic))
    return order.nameOf(access.epoch.actor) + " reads shared memory at " + hex(offset) + ", which nobody has written";
  bool bothAtomic = cell.atomic && access.atomic;
  if (!bothAtomic && !order.hasSeen(access.thread, cell.write))
    return conflict(offset, access, cell.write, "wrote");
  if (access.asyncProxy && !cell.asyncProxy && !order.hasFenced(access.thread, cell.write))
    return "missing fence.proxy.async: " + order.nameOf(access.epoch.actor) + (access.write ? " writes" : " reads") +
           " shared memory at " + hex(offset) + " that " + order.nameOf(cell.write.actor) +
           " wrote by way of the generic proxy";
  if (!access.write) {
    addRead(cell, access);
    return std::nullopt;
  }
  if (!access.atomic)
    if (std::optional<Epoch> read = unorderedRead(cell, access))
      return conflict(offset, access, *read, "read");
  cell.write = access.epoch;
  cell.atomic = access.atomic;
  cell.asyncProxy = access.asyncProxy;
  cell.readCount = 0;
  return std::nullopt;
}

std::optional<std::string> SharedChecker::access(uint32_t offset, uint32_t bytes, const Access &access) {
  for (uint32_t i = 0; i != bytes; ++i)
    if (auto wrong = accessByte(cells[offset + i], offset + i, access))
      return wrong;
  return std::nullopt;
}

void SharedChecker::markBarrier(uint32_t offset, uint32_t bytes, bool isBarrier) {
  for (uint32_t i = 0; i != bytes; ++i)
    cells[offset + i].barrier = isBarrier;
}

std::optional<std::string> moe::emulator::accessGlobal(const DeviceMemory::Piece &piece, const char *address,
                                                       uint64_t bytes, const Access &access, const Order &order,
                                                       uint32_t block, uint32_t firstBlock) {
  size_t begin = size_t(address - piece.begin) / 2, end = (size_t(address - piece.begin) + bytes + 1) / 2;
  for (size_t i = begin; i != end; ++i) {
    GlobalCell &cell = piece.cells[i];
    auto place = [&] {
      return std::to_string(i * 2) + " bytes into an allocation of " + std::to_string(piece.end - piece.begin) +
             " bytes";
    };
    if (!access.write && cell.writerBlock == 0)
      return order.nameOf(access.thread) + " reads global memory " + place() + ", which nobody has written";
    auto conflicts = [&](uint32_t otherBlock, uint32_t thread, uint32_t clock) {
      if (otherBlock < firstBlock) // an earlier launch
        return false;
      return otherBlock != block || !order.hasSeen(access.thread, {thread, clock});
    };
    bool wrote = conflicts(cell.writerBlock, cell.writerThread, cell.writerClock);
    if (wrote || (access.write && conflicts(cell.readerBlock, cell.readerThread, cell.readerClock))) {
      uint32_t otherBlock = wrote ? cell.writerBlock : cell.readerBlock;
      std::string text = "race on global memory " + place() + ": " + order.nameOf(access.thread) +
                         (access.write ? " writes" : " reads") + " what " +
                         order.nameOf(wrote ? cell.writerThread : cell.readerThread);
      if (otherBlock != block)
        text += " of block " + std::to_string(otherBlock - firstBlock);
      return text + (wrote ? " wrote" : " read") + ", and nothing orders the two";
    }
    Epoch now = order.now(access.thread);
    if (access.write) {
      cell.writerBlock = block, cell.writerThread = now.actor, cell.writerClock = now.when;
    } else {
      cell.readerBlock = block, cell.readerThread = now.actor, cell.readerClock = now.when;
    }
  }
  return std::nullopt;
}
