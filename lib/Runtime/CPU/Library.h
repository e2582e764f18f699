// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the opaque handles of the C ABI point to. A layer shares the state of its library, so that closing the library
// first does not unmap the layer's code.
#ifndef MOE_LIB_RUNTIME_CPU_LIBRARY_H
#define MOE_LIB_RUNTIME_CPU_LIBRARY_H

#include "Memory.h"
#include "PackedFile.h"
#include "Weights.h"
#include "moe/Checkpoint/Checkpoint.h"
#include "moe/Runtime/Runtime.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace moe {

/// Few enough for the stack: a call must not allocate when workspace and outputs are given.
inline constexpr int64_t maxOperands = 16;

class LibraryState {
public:
  LibraryState(void *handle, const moe_library_desc *desc, std::string name);
  ~LibraryState();

  const moe_library_desc *desc;
  const std::string name; ///< for messages: the path, or "library" for a descriptor in memory

  /// Layers of one model are loaded one after the other from one checkpoint: its headers are checked once.
  moe_status openCheckpoint(const std::string &path, std::shared_ptr<const Checkpoint> &checkpoint);
  /// After a read failed, so that the next load looks at the files anew.
  void forgetCheckpoint();

  /// One spare workspace between calls; callers at the same time allocate their own.
  std::unique_ptr<Block> takeWorkspace(size_t bytes);
  void keepWorkspace(std::unique_ptr<Block> block);

private:
  void *handle; // of dlopen; null for a descriptor in memory
  std::mutex lock;
  std::shared_ptr<const Checkpoint> checkpoint;
  std::atomic<Block *> spare{nullptr};
};

} // namespace moe

struct moe_library {
  std::shared_ptr<moe::LibraryState> state;
};

struct moe_layer {
  std::shared_ptr<moe::LibraryState> library;
  const moe_layer_desc *desc = nullptr;
  const moe_variant_desc *variant = nullptr;
  std::vector<moe::PackedWeight> weights;
  std::vector<const void *const *> tables; ///< tables[w][e], as kernels get them
  moe::FileMapping packedFile;             ///< that the weights lie in, unless they have memory of their own
  moe_packed packed = MOE_PACKED_NONE;
  std::string packedReason;
};

#endif // MOE_LIB_RUNTIME_CPU_LIBRARY_H
