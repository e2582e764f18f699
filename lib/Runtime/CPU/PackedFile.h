// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Packed files (docs/packed-file.md): the packed weights of one layer as they lie in memory, behind a header that says
// what they were packed for. Written once, then mapped.
#ifndef MOE_LIB_RUNTIME_CPU_PACKEDFILE_H
#define MOE_LIB_RUNTIME_CPU_PACKEDFILE_H

#include "Progress.h"
#include "moe/Runtime/Runtime.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace moe {

/// A whole file in memory, read only.
class FileMapping {
public:
  FileMapping() = default;
  FileMapping(const char *start, size_t bytes) : start(start), size(bytes) {}
  FileMapping(FileMapping &&other) noexcept { *this = std::move(other); }
  FileMapping &operator=(FileMapping &&other) noexcept {
    std::swap(start, other.start);
    std::swap(size, other.size);
    return *this;
  }
  ~FileMapping();

  const char *data() const { return start; }

private:
  const char *start = nullptr;
  size_t size = 0;
};

/// What a packed file has to be, all of it known before one is opened: nothing in a file is believed.
struct PackedContents {
  std::string owner;          ///< lines that say whose weights these are; a file of another owner is not touched
  std::string details;        ///< lines on how they were packed, and from what
  std::vector<int64_t> bytes; ///< of each weight

  std::string description() const { return owner + details; }
  uint64_t offsetOf(size_t weight) const; ///< of the file; for the number of weights that of the file's end
};

/// What `layer` of `library` is on this machine. Reads the names, sizes and times of the checkpoint's files, not their
/// content; `checkpoint` is the folder, or empty for random weights.
moe_status packedContents(const moe_library_desc &library, const moe_layer_desc &layer, const moe_variant_desc &variant,
                          const moe_load_options &options, const std::string &checkpoint, PackedContents &contents);

/// Maps `path` if it holds `contents`. A packed file that has to be packed anew, and none, are no failures: `mapping`
/// stays empty, and `reason` says in one line what is wrong with the file, or is empty where there is none. `verify`
/// reads all of it on the threads of `pool`, which may be null.
moe_status mapPackedFile(const std::string &path, const PackedContents &contents, bool verify, moe_pool *pool,
                         FileMapping &mapping, std::string &reason);

/// A packed file in the making: under a temporary name beside `path` until all of it is on the disk.
class PackedFileWriter {
public:
  PackedFileWriter() = default;
  PackedFileWriter(const PackedFileWriter &) = delete;
  PackedFileWriter &operator=(const PackedFileWriter &) = delete;
  ~PackedFileWriter(); ///< removes what was not committed

  /// Makes the temporary file, so that a place that cannot be written to is noticed before weights are packed.
  moe_status open(const std::string &path);
  /// Writes weight w from weights[w] on the threads of `pool`, which may be null, then gives the file its name. Adds
  /// every byte to `progress`.
  moe_status write(const PackedContents &contents, const std::vector<const char *> &weights, moe_pool *pool,
                   Progress &progress);

private:
  moe_status failed(const char *what);

  std::string path, temporary;
  int fd = -1;
};

} // namespace moe

#endif // MOE_LIB_RUNTIME_CPU_PACKEDFILE_H
