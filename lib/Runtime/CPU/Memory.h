// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Large blocks of memory for weights and workspaces.
#ifndef MOE_LIB_RUNTIME_CPU_MEMORY_H
#define MOE_LIB_RUNTIME_CPU_MEMORY_H

#include <cstddef>
#include <utility>

namespace moe {

/// Zeroed, 64-byte aligned memory; blocks of 2 MB and more start on a huge page. Throws std::bad_alloc.
class Block {
public:
  Block() = default;
  explicit Block(size_t bytes);
  ~Block();
  Block(Block &&other) noexcept : start(std::exchange(other.start, nullptr)), size(std::exchange(other.size, 0)) {}
  Block &operator=(Block &&other) noexcept {
    std::swap(start, other.start);
    std::swap(size, other.size);
    return *this;
  }

  char *data() const { return start; }
  size_t bytes() const { return size; }

private:
  char *start = nullptr;
  size_t size = 0;
};

} // namespace moe

#endif // MOE_LIB_RUNTIME_CPU_MEMORY_H
