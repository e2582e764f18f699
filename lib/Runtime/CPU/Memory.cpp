// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// Blocks straight from mmap: zero pages cost nothing until touched, and an aligned block can have huge pages, which
// saves a few percent when an expert's weights are streamed.
//===----------------------------------------------------------------------===//
#include "Memory.h"

#include <cstdint>
#include <new>
#include <sys/mman.h>

using namespace moe;

static constexpr size_t hugePage = size_t(2) << 20;

Block::Block(size_t bytes) {
  if (bytes == 0)
    return;
  if (bytes > SIZE_MAX / 2)
    throw std::bad_alloc();
  bool large = bytes >= hugePage;
  size_t unit = large ? hugePage : 4096;
  size_t rounded = (bytes + unit - 1) / unit * unit;
  size_t mapped = large ? rounded + hugePage : rounded;
  void *address = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address == MAP_FAILED)
    throw std::bad_alloc();
  auto *first = static_cast<char *>(address);
  if (large) {
    // Give back what lies before and behind the aligned part.
    size_t before = (hugePage - reinterpret_cast<uintptr_t>(first) % hugePage) % hugePage;
    if (before)
      munmap(first, before);
    if (hugePage - before)
      munmap(first + before + rounded, hugePage - before);
    first += before;
    madvise(first, rounded, MADV_HUGEPAGE); // advice: a kernel without huge pages says no, and all is well
  }
  start = first;
  size = rounded;
}

Block::~Block() {
  if (start)
    munmap(start, size);
}
