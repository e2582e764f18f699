// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Memory.cpp - global and shared memory of the emulated device ---------------------------------------===//

#include "Memory.h"

#include <cstring>
#include <sys/mman.h>

using namespace moe::emulator;

static void *reserve(size_t bytes, int flags = 0) {
  void *memory =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);
  return memory == MAP_FAILED ? nullptr : memory;
}

/// Bytes on each side of a piece that belong to none.
static constexpr size_t guard = 4096;

DeviceMemory::~DeviceMemory() {
  while (!pieces.empty())
    free(pieces.begin()->second.begin);
}

void *DeviceMemory::allocate(size_t bytes) {
  if (bytes == 0 || bytes > (size_t(1) << 40))
    return nullptr;
  size_t cellBytes = (bytes + 1) / 2 * sizeof(GlobalCell);
  char *data = static_cast<char *>(reserve(bytes + 2 * guard));
  auto *cells = static_cast<GlobalCell *>(reserve(cellBytes));
  if (!data || !cells) {
    if (data)
      munmap(data, bytes + 2 * guard);
    if (cells)
      munmap(cells, cellBytes);
    return nullptr;
  }
  std::memset(data + guard, 0xff, bytes);
  Piece piece = {data + guard, data + guard + bytes, cells, cellBytes};
  pieces.emplace(reinterpret_cast<uintptr_t>(piece.end), piece);
  return piece.begin;
}

bool DeviceMemory::free(void *address) {
  auto found = pieces.upper_bound(reinterpret_cast<uintptr_t>(address));
  if (found == pieces.end() || found->second.begin != address)
    return false;
  Piece piece = found->second;
  munmap(piece.begin - guard, size_t(piece.end - piece.begin) + 2 * guard);
  munmap(piece.cells, piece.cellBytes);
  last = nullptr;
  pieces.erase(found);
  return true;
}

bool DeviceMemory::markWritten(void *to, size_t bytes) {
  const Piece *piece = bytes ? find(to) : nullptr;
  if (!piece || bytes > size_t(piece->end - static_cast<char *>(to)))
    return bytes == 0;
  size_t begin = size_t(static_cast<char *>(to) - piece->begin);
  for (size_t i = begin / 2; i != (begin + bytes + 1) / 2; ++i)
    piece->cells[i].writerBlock = GlobalCell::host;
  return true;
}

bool DeviceMemory::write(void *to, const void *from, size_t bytes) {
  if (!markWritten(to, bytes))
    return false;
  std::memcpy(to, from, bytes);
  return true;
}

bool DeviceMemory::fill(void *to, int byte, size_t bytes) {
  if (!markWritten(to, bytes))
    return false;
  std::memset(to, byte, bytes);
  return true;
}

const DeviceMemory::Piece *DeviceMemory::find(const void *address) const {
  auto *at = static_cast<const char *>(address);
  if (last && at >= last->begin && at < last->end)
    return last;
  auto found = pieces.upper_bound(reinterpret_cast<uintptr_t>(address));
  if (found == pieces.end() || at < found->second.begin)
    return nullptr;
  return last = &found->second;
}

std::string DeviceMemory::describe(const void *address) const {
  if (!address)
    return "null";
  auto at = reinterpret_cast<uintptr_t>(address);
  auto after = pieces.upper_bound(at);
  auto text = [&](size_t distance, const char *where, const Piece &piece) {
    return std::to_string(distance) + " bytes " + where + " an allocation of " +
           std::to_string(piece.end - piece.begin) + " bytes";
  };
  if (after != pieces.begin()) {
    const Piece &before = std::prev(after)->second;
    size_t distance = at - reinterpret_cast<uintptr_t>(before.end);
    bool nextIsFar = after == pieces.end() || reinterpret_cast<uintptr_t>(after->second.begin) - at > distance;
    if (nextIsFar)
      return text(distance, "past the end of", before);
  }
  if (after == pieces.end())
    return "an address outside every allocation";
  auto begin = reinterpret_cast<uintptr_t>(after->second.begin);
  if (at >= begin)
    return text(at - begin, "into", after->second);
  return text(begin - at, "before", after->second);
}

char *SharedWindow::base() {
  static char *const window = [] {
#ifdef MAP_32BIT
    char *memory = static_cast<char *>(reserve(2 * size_t(size), MAP_32BIT));
#else
    char *memory = nullptr;
#endif
    if (!memory) // addresses of 64 bits still work
      memory = static_cast<char *>(reserve(2 * size_t(size)));
    auto address = reinterpret_cast<uintptr_t>(memory);
    return memory + ((size - address % size) % size);
  }();
  return window;
}
