// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Regular files read by pread. A file that shrinks or is written to while it is in use becomes an error, never a
// signal, which is why nothing here maps memory.
#ifndef MOE_CHECKPOINT_FILE_H
#define MOE_CHECKPOINT_FILE_H

#include "moe/Checkpoint/Expected.h"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace moe {

class File {
public:
  /// `name` stands for the file in messages. Folders, pipes and devices are refused without waiting for them.
  static Expected<File> open(const std::string &path, const std::string &name);

  File(File &&other) noexcept;
  File &operator=(File &&other) noexcept;
  ~File();

  uint64_t size() const { return fileSize; }
  const std::string &name() const { return fileName; }

  /// Reads exactly `bytes` bytes at `offset`; thread-safe.
  Expected<Unit> read(uint64_t offset, void *dst, uint64_t bytes) const;

private:
  File() = default;
  Expected<Unit> checkUnchanged() const;

  int fd = -1;
  uint64_t fileSize = 0;
  int64_t seconds = 0, nanoseconds = 0; // of the last change of its data
  std::string fileName;
};

/// Bytes `offset` to `offset + bytes` of a file in pieces, none after the last. The file outlives what is returned, and
/// a piece is valid until the next call.
std::function<Expected<std::string_view>()> readInPieces(const File &file, uint64_t offset, uint64_t bytes);

/// The whole of a text file of at most `maxBytes` bytes.
Expected<std::string> readTextFile(const std::string &path, uint64_t maxBytes);

/// The real path of `folder`/`name`, provided that it stays inside the folder when symbolic links are followed. The one
/// way out is that of the Hugging Face cache, whose snapshots/REVISION folders link to ../../blobs.
Expected<std::string> resolveInside(const std::string &folder, const std::string &name);

} // namespace moe

#endif // MOE_CHECKPOINT_FILE_H
