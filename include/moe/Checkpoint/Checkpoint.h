// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A checkpoint folder as one table of tensors, whether it is one file or many shards. Opening checks every header; the
// tensors' bytes are only read on demand, into memory of the caller, by pread. Tensors that a program has in memory
// already make such a table too.
#ifndef MOE_CHECKPOINT_CHECKPOINT_H
#define MOE_CHECKPOINT_CHECKPOINT_H

#include "moe/Checkpoint/Expected.h"
#include "moe/Checkpoint/SafeTensors.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace moe {

/// A tensor that a program holds under a checkpoint's name.
struct MemoryTensor {
  std::string name;
  DType dtype;
  std::vector<int64_t> shape;
  const void *data; ///< dense, row after row; may be null when the tensor has no element
};

class Checkpoint {
public:
  /// Opens `path`: a folder with model.safetensors, a folder with model.safetensors.index.json and its shards, or one
  /// *.safetensors file.
  static Expected<std::unique_ptr<Checkpoint>> open(const std::string &path);

  /// Tensors in memory, which must outlive the result. Fails when a name is given twice, or a size is negative or
  /// overflows.
  static Expected<std::unique_ptr<Checkpoint>> inMemory(const std::vector<MemoryTensor> &tensors);

  /// Does this folder hold weights? False for a folder with a config.json alone; says nothing about their validity.
  static bool present(const std::string &folder);

  ~Checkpoint();
  Checkpoint(const Checkpoint &) = delete;
  Checkpoint &operator=(const Checkpoint &) = delete;

  /// Null when there is no such tensor.
  const TensorInfo *find(std::string_view name) const;

  /// All tensors, in name order.
  const std::vector<TensorInfo> &tensors() const;

  /// Reads `bytes` bytes from `byteOffset` within the tensor. Any number of threads may read at once. Fails when the
  /// range leaves the tensor and when the file is no longer the one that was checked.
  Expected<Unit> read(const TensorInfo &tensor, uint64_t byteOffset, void *dst, uint64_t bytes) const;

  /// Hex SHA-256 over the headers (length and JSON) of every file, in name order: equal for two checkpoints exactly
  /// when names, shapes, types and places agree. Empty for tensors in memory.
  std::string digest() const;

  /// The path as given to open().
  const std::string &path() const;

  /// The file that holds a tensor, for messages.
  const std::string &fileOf(const TensorInfo &tensor) const;

private:
  struct Impl;
  explicit Checkpoint(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

} // namespace moe

#endif // MOE_CHECKPOINT_CHECKPOINT_H
